package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// What a session rests on goes: it ends within a second, and the log says why.
func TestSessionEnds(t *testing.T) {
	for _, tt := range []struct {
		name   string
		end    func(*testing.T, *world)
		reason string
	}{
		{"the term is revoked", func(t *testing.T, w *world) { w.revoke(t) }, "what it was granted by is no longer in force"},
		{"the attribute is taken away", func(t *testing.T, w *world) {
			w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{
				&ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{doctorName}},
			})
		}, "what it was granted by is no longer in force"},
		{"the attribute moves on", func(t *testing.T, w *world) {
			w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{&ledger.AttributeVersioned{Name: doctorName, Version: 2}})
		}, "what it was granted by is no longer in force"},
		{"the identity is revoked", func(t *testing.T, w *world) {
			w.doctor.register(t, ledger.PersonChain(w.doctor.GID()), &ledger.IdentityRevoked{Reason: "lost"})
		}, "the identity is revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			s, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
			must(t, err)
			consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
			must(t, err)
			start := time.Now()
			tt.end(t, w)
			shown := time.Now() // in the fold
			checkClosed(t, s.conn)
			t.Logf("closed %v after the end was asked for, %v after the fold showed it", time.Since(start), time.Since(shown))
			if time.Since(shown) > time.Second {
				t.Error("the end came late")
			}
			w.until(t, "the end is logged", func(state *ledger.State) bool {
				logged, _ := state.Session(s.grant.Session)
				return logged.Closed && logged.Why == tt.reason
			})
			w.checkPowerless(t, s, consumer.Name)
		})
	}
}

// checkClosed waits until the node has closed a connection.
func checkClosed(t testing.TB, c *stream.Conn) {
	t.Helper()
	select {
	case <-c.Closed():
	case <-time.After(5 * time.Second):
		t.Fatal("the connection is still open")
	}
	if err := c.Err(); !errors.Is(err, stream.ErrDropped) && !errors.Is(err, stream.ErrRefused) {
		t.Errorf("the connection ended with %v", err)
	}
}

// checkPowerless connects once more with the JWT of a session that has ended: it has not expired yet, and gives nothing.
func (w *world) checkPowerless(t *testing.T, s *session, consumer string) {
	t.Helper()
	conn := w.dialAs(t, s.credentials(s.user))
	_, err := ask[protocol.Consumer](t, conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
	if codeOf(err) != protocol.CodeEnded {
		t.Errorf("a consumer: %v", err)
	}
	_, err = ask[protocol.Parts](t, conn, protocol.KeyParts(w.health), protocol.PartsQuery{Epoch: 1, Names: []string{ledger.PartShred}})
	if codeOf(err) != protocol.CodeEnded {
		t.Errorf("key parts: %v", err)
	}
	if err := conn.Fetch(t.Context(), consumer, func([]stream.Entry, uint64) error { return nil }); !errors.Is(err, stream.ErrNoConsumer) {
		t.Errorf("reading on: %v", err)
	}
}

// A login ends with the identity, too.
func TestLoginEnds(t *testing.T) {
	n := run(t, node.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	p := n.newPerson(t)
	s := p.login(t)
	p.register(t, ledger.PersonChain(p.GID()), &ledger.IdentityRevoked{Reason: "lost"})
	checkClosed(t, s.conn)
	if _, err := p.open(t, loginRequest); codeOf(err) != protocol.CodeRefused {
		t.Errorf("a revoked identity logs in: %v", err)
	}
}

// What a term is cut short to, its sessions are cut short to.
func TestSessionEndsWithTerm(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	until := time.Now().Add(3 * time.Second)
	term := w.term
	term.Until = until.UnixMilli()
	started, parts := w.epoch(t, 2, term)
	w.patient.say(t, w.health, []ledger.Body{&ledger.PolicySet{Terms: []ledger.Term{term}}, started}, parts...)
	checkClosed(t, s.conn)
	if time.Now().Before(until) {
		t.Error("closed before the term ended")
	}
	if _, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID); codeOf(err) != protocol.CodeRefused {
		t.Errorf("another session: %v", err)
	}
}

// Sessions that were open when the node stopped are closed, and their JWTs give nothing after.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
	must(t, err)
	address := w.URL().Address
	w.stop()
	w.running = run(t, node.Config{Dir: w.dir, Listen: address})
	w.until(t, "the session is closed", func(state *ledger.State) bool {
		logged, _ := state.Session(s.grant.Session)
		return logged.Closed && logged.Why == "the node was restarted"
	})
	w.checkPowerless(t, s, consumer.Name)
}

// A session follows a chain from one consumer while it reads it again and again from another.
func TestTailLastsBesideReads(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	from := uint64(w.read(t, s, w.health, 0))
	consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{
		Chain: w.health.String(), From: from, Place: protocol.SessionConsumers - 1,
	})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	seen, tail := make(chan uint64, 100), make(chan error, 1)
	go func() {
		tail <- s.conn.Tail(ctx, consumer.Name, func(entries []stream.Entry, _ uint64) error {
			for _, e := range entries {
				seen <- e.Seq
			}
			return nil
		})
	}()
	w.read(t, s, w.health, from)
	for range 30 {
		must(t, w.doctor.write(t, s, w.health, 1))
		last, err := w.Ledger().LastSeq(t.Context())
		must(t, err)
		for at := uint64(0); at != last; {
			select {
			case at = <-seen:
			case err := <-tail:
				t.Fatalf("the tail ended: %v", err)
			}
		}
		w.read(t, s, w.health, last)
	}
	cancel()
	if err := <-tail; !errors.Is(err, context.Canceled) {
		t.Errorf("the tail ended: %v", err)
	}
}
