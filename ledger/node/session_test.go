package node_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// A session is logged, reads and writes its compartment, and nothing else.
func TestSession(t *testing.T) {
	w := newWorld(t)
	start := time.Now()
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	t.Logf("hello to connection: %v", time.Since(start))
	w.Fold().View(func(state *ledger.State) {
		logged, ok := state.Session(s.grant.Session)
		if !ok || logged.GID != w.doctor.GID() || logged.User != s.nkey || logged.Operation != ledger.OpWrite || logged.Closed {
			t.Errorf("logged %+v", logged)
		}
	})
	if len(s.grant.Parts) != 2 || len(s.grant.Heads) != 1 {
		t.Errorf("granted %d parts and %d heads", len(s.grant.Parts), len(s.grant.Heads))
	}
	must(t, w.doctor.write(t, s, w.health, 1))
	if got := w.read(t, s, w.health, 0); got != 4 {
		t.Errorf("read %d entries", got)
	}
	for _, other := range []ledger.Chain{
		ledger.RecordChain(w.patient.GID(), ledger.Access), ledger.RecordChain(w.patient.GID(), ledger.Training),
		ledger.PersonChain(w.doctor.GID()), ledger.AuthorityChain(hospitalName), ledger.NodeChain(w.gid(t)),
	} {
		_, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: other.String()})
		if codeOf(err) != protocol.CodeRefused {
			t.Errorf("%s: %v", other, err)
		}
	}
}

// The consumers of a session are told apart by their numbers: asking for one again ends what was read from it, and leaves the others.
func TestPlaces(t *testing.T) {
	w := newWorld(t)
	s := w.patient.login(t)
	open := func(place uint32) (string, error) {
		query := protocol.ConsumerQuery{Chain: w.health.String(), Place: place}
		consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, query)
		if err != nil {
			return "", err
		}
		return consumer.Name, nil
	}
	fetch := func(name string) (n int) {
		must(t, s.conn.Fetch(t.Context(), name, func(entries []stream.Entry, _ uint64) error {
			n += len(entries)
			return nil
		}))
		return n
	}
	var names []string
	for place := range uint32(protocol.LoginConsumers) {
		name, err := open(place)
		must(t, err)
		names = append(names, name)
	}
	all := fetch(names[0])
	for range 3 {
		again, err := open(0)
		must(t, err)
		if got := fetch(again); again != names[0] || got != all {
			t.Errorf("asked for again, the first consumer is %s with %d entries, want %s with %d", again, got, names[0], all)
		}
	}
	for i, name := range names[1:] {
		if got := fetch(name); got != all {
			t.Errorf("consumer %d has %d entries, want %d", i+1, got, all)
		}
	}
	for _, place := range []uint32{protocol.LoginConsumers, 1 << 31, 1<<32 - 1} {
		if _, err := open(place); codeOf(err) != protocol.CodeBad {
			t.Errorf("consumer %d: %v, want %s", place, err, protocol.CodeBad)
		}
	}
}

// read reads a chain and returns how many entries there were.
func (w *world) read(t testing.TB, s *session, c ledger.Chain, from uint64) (n int) {
	t.Helper()
	consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: c.String(), From: from})
	must(t, err)
	must(t, s.conn.Fetch(t.Context(), consumer.Name, func(entries []stream.Entry, _ uint64) error {
		n += len(entries)
		return nil
	}))
	return n
}
