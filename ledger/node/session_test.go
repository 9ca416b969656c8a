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
