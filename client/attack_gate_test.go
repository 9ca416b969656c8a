package client_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/ingest"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// liar is a gate with the node's keys and log that challenges by what it makes up.
type liar struct {
	fold *ingest.Fold

	mu       sync.Mutex
	set      *ledger.Entry   // shown in the place of the patient's policy; nil for that
	asks     *policy.Policy  // challenged for in the place of what the policy says; nil for that
	term     ledger.LiveTerm // that the policy shown is to have
	answered atomic.Int64
}

func (l *liar) lie(set *ledger.Entry, term ledger.LiveTerm, asks *policy.Policy) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.set, l.term, l.asks = set, term, asks
}

func (l *liar) Person(gid identity.GID) (keys *identity.Keys, err error) {
	l.fold.View(func(s *ledger.State) { keys, err = s.Person(gid) })
	return keys, err
}

func (l *liar) Patient(gid identity.GID) (key *abe.PublicKey, ok bool) {
	l.fold.View(func(s *ledger.State) { key, ok = s.Patient(gid) })
	return key, ok
}

func (l *liar) Head(c ledger.Chain) (head ledger.Head, ok bool) {
	l.fold.View(func(s *ledger.State) { head, ok = s.Head(c) })
	return head, ok
}

func (l *liar) Compartment(c ledger.Chain) (f ledger.CompartmentFact, ok bool) {
	l.fold.View(func(s *ledger.State) { f, ok = s.Compartment(c) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.set != nil {
		f.Set = l.set
	}
	f.Terms = []ledger.LiveTerm{l.term}
	return f, ok
}

func (l *liar) Entitled(identity.GID, ledger.Chain, ledger.Operation, ledger.TermID, time.Time) (*ledger.LiveTerm, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &l.term, nil
}

func (l *liar) Session(ledger.SessionID) (*ledger.Session, bool) { return nil, false }

func (l *liar) Expression(p *policy.Policy) (x *abe.Expression, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.asks != nil {
		p = l.asks
	}
	l.fold.View(func(s *ledger.State) { x, err = s.Expression(p) })
	return x, err
}

// betray puts a lying gate in the place of the node, which has stopped, until the test ends.
func (w *world) betray(node identity.GID) (*liar, stream.Dialer) {
	w.t.Helper()
	seed, err := os.ReadFile(filepath.Join(w.dir, "keys", "gate.seed"))
	must(w.t, err)
	server, err := embedded.Start(w.ctx, embedded.Config{Dir: w.dir})
	must(w.t, err)
	l := &liar{fold: ingest.NewFold(w.node.URL().Root, nil)}
	gate := challenge.NewGate(challenge.GateConfig{Rand: rand.Reader, GID: node, Key: ed25519.NewKeyFromSeed(seed)})
	hello, err := server.Ledger().Listen(protocol.GateHello, "phr", 1)
	must(w.t, err)
	answer, err := server.Ledger().Listen(protocol.GateAnswer, "phr", 1)
	must(w.t, err)
	directory, err := server.Ledger().Listen(protocol.DirAuthority, "phr", 1)
	must(w.t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	var all sync.WaitGroup
	all.Go(func() {
		_ = directory.Serve(ctx, func(context.Context, *stream.Request) ([]byte, error) {
			return canonical.Marshal(protocol.Evidence{}) // whoever asks knows all there is
		})
	})
	all.Go(func() { _ = l.fold.Run(ctx, server.Ledger()) })
	all.Go(func() {
		_ = hello.Serve(ctx, func(_ context.Context, r *stream.Request) ([]byte, error) {
			return gate.Hello(w.clock.now(), l, r.Data)
		})
	})
	all.Go(func() {
		_ = answer.Serve(ctx, func(context.Context, *stream.Request) ([]byte, error) {
			l.answered.Add(1)
			return nil, errors.New("that is all it wanted")
		})
	})
	w.t.Cleanup(func() {
		cancel()
		all.Wait()
		server.Close()
	})
	last, err := server.Ledger().LastSeq(w.ctx)
	must(w.t, err)
	must(w.t, l.fold.Wait(w.ctx, last))
	return l, server
}

// Whoever answers a challenge for a policy that the patient did not sign tells which attributes they hold. A client does not,
// to a gate with all the node's keys either.
func TestAttack30_PolicyThePatientDidNotSign(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.person()
	w.enrol(ruiz, "doctor@city-hospital")
	health, training := w.book(maria, maria, ledger.Health), w.book(maria, maria, ledger.Training)
	granted := w.grant(health, client.GrantRequest{To: "doctor@city-hospital"})
	elsewhere := w.grant(training, client.GrantRequest{To: "doctor@city-hospital"})
	w.the("doctor@county-hospital")

	log, way := newTally(), newWire(w.node.Dialer())
	config := w.config(ruiz.Home())
	config.Dialer, config.Log = way, log.logger()
	c := w.dial(config)
	his := w.book(c, maria, ledger.Health)
	w.texts(his)
	f, err := health.Fact(w.ctx)
	must(t, err)
	other, err := training.Fact(w.ctx)
	must(t, err)
	c.EndSessions()
	must(t, w.stop())
	gate, dialer := w.betray(c.Node().GID)
	way.lead(dialer)

	probe, err := policy.Parse("doctor@city-hospital or doctor@county-hospital")
	must(t, err)
	own := f.Terms[0]
	wider := own
	wider.Expression, wider.Policy = probe.String(), probe
	for _, lie := range []struct {
		name string
		set  *ledger.Entry
		term ledger.LiveTerm
		asks *policy.Policy
	}{
		{"a policy that it made up", entryOf(t, f.Set, &ledger.PolicySet{Terms: []ledger.Term{wider.Term}}), wider, nil},
		{"the patient's policy for another compartment", other.Set, other.Terms[0], nil},
		{"another question than the policy's", nil, own, probe},
		{"no policy", entryOf(t, f.Set, &ledger.CompartmentCreated{Class: ledger.HealthClass}), own, nil},
	} {
		gate.lie(lie.set, lie.term, lie.asks)
		before, failed := log.of("decapsulated"), log.of("challenge_failed")
		term := granted.Term.ID
		if lie.term.ID == elsewhere.Term.ID {
			term = elsewhere.Term.ID
		}
		if err := his.Force(w.ctx, ledger.OpRead, term); !errors.Is(err, challenge.ErrChallenge) || err.Error() != challenge.ErrChallenge.Error() {
			t.Errorf("%s: %v, want ErrChallenge and no word more", lie.name, err)
		}
		if log.of("decapsulated") != before || log.of("challenge_failed") != failed+1 {
			t.Errorf("%s: attribute keys were used", lie.name)
		}
	}
	if n := gate.answered.Load(); n != 0 {
		t.Errorf("%d challenges were answered", n)
	}
	gate.lie(nil, own, nil)
	if err := his.Force(w.ctx, ledger.OpRead, granted.Term.ID); err == nil || gate.answered.Load() != 1 {
		t.Errorf("the patient's own policy: %v; %d answers, want 1", err, gate.answered.Load())
	}
}

// entryOf makes an entry in the place of a real one, signed by nobody who may.
func entryOf(t *testing.T, real *ledger.Entry, body ledger.Body) *ledger.Entry {
	t.Helper()
	forger, _, err := identity.Generate(rand.Reader)
	must(t, err)
	e := *real.Event
	e.Body = body
	must(t, e.Sign(forger))
	encoded, err := e.Marshal()
	must(t, err)
	entry, err := ledger.NewEntry(encoded, real.LogTime, real.Control)
	must(t, err)
	return entry
}
