package node_test

import (
	"crypto/rand"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// One answer opens one session: not again, not a thousand times at once, and not after a restart of the gate.
func TestAttack25_AnswerReplayed(t *testing.T) {
	w := newWorld(t)
	x := w.doctor.begin(t, requestFor(w.health, ledger.OpRead, w.term.ID))
	must(t, x.hello(t))
	unanswered := w.doctor.begin(t, requestFor(w.health, ledger.OpRead, w.term.ID))
	must(t, unanswered.hello(t))
	m3, err := x.side.Answer(time.Now(), x.m2)
	must(t, err)
	var opened atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		conn := w.dialAs(t, nil)
		wg.Go(func() {
			for range 125 {
				if _, err := conn.Request(t.Context(), protocol.GateAnswer, m3); err == nil {
					opened.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if opened.Load() != 1 || w.opened(t) != 1 {
		t.Errorf("a thousand answers opened %d sessions, %d are logged", opened.Load(), w.opened(t))
	}
	address := w.URL().Address
	w.stop()
	w.running = run(t, node.Config{Dir: w.dir, Listen: address})
	guest := w.dialAs(t, nil)
	late, err := unanswered.side.Answer(time.Now(), unanswered.m2)
	must(t, err)
	for name, m := range map[string][]byte{"answered": m3, "unanswered": late} {
		if _, err := guest.Request(t.Context(), protocol.GateAnswer, m); codeOf(err) != protocol.CodeRefused {
			t.Errorf("%s after a restart: %v", name, err)
		}
	}
	if n := w.opened(t); n != 1 {
		t.Errorf("%d sessions are logged after the restart", n)
	}
}

// opened counts the sessions that the patient's access chain shows.
func (w *world) opened(t testing.TB) (n int) {
	t.Helper()
	must(t, w.Ledger().Read(t.Context(), 1, func(entries []stream.Entry) error {
		for _, raw := range entries {
			if e, err := ledger.ParseEntry(raw.Data); err == nil && e.Kind() == ledger.SessionOpenedKind {
				n++
			}
		}
		return nil
	}))
	return n
}

// A JWT without its nkey connects nobody.
func TestAttack32_StolenJWT(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	thief, err := nkeys.CreateUser()
	must(t, err)
	_, err = stream.Dial(t.Context(), stream.Options{URL: "nats://" + w.URL().Address, User: s.credentials(thief)})
	if !errors.Is(err, stream.ErrRefused) {
		t.Errorf("connected with a stolen JWT: %v", err)
	}
	must(t, w.doctor.write(t, s, w.health, 1)) // the owner is not disturbed
}

// A right that ends while a session is being opened opens none; one that ends after is not written under.
func TestAttack33_Revocation(t *testing.T) {
	t.Run("between hello and answer", func(t *testing.T) {
		w := newWorld(t)
		x := w.doctor.begin(t, requestFor(w.health, ledger.OpWrite, w.term.ID))
		must(t, x.hello(t))
		w.revoke(t)
		if err := x.answer(t); codeOf(err) != protocol.CodeRefused {
			t.Errorf("answered: %v", err)
		}
		if n := w.opened(t); n != 0 {
			t.Errorf("%d sessions are logged", n)
		}
	})
	t.Run("between grant and connection", func(t *testing.T) {
		w := newWorld(t)
		x := w.doctor.begin(t, requestFor(w.health, ledger.OpWrite, w.term.ID))
		must(t, x.hello(t))
		must(t, x.answer(t))
		w.revoke(t)
		s, err := x.connect(t)
		must(t, err)
		if err := w.doctor.write(t, s, w.health, 2); codeOf(err) != protocol.CodeEnded {
			t.Errorf("written: %v", err)
		}
	})
	t.Run("between session and write", func(t *testing.T) {
		w := newWorld(t)
		s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
		must(t, err)
		must(t, w.doctor.write(t, s, w.health, 1))
		before := w.number(w.health)
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() { // writes as fast as it can, until it is thrown out
			for {
				select {
				case <-stop:
					return
				case <-s.conn.Closed():
					return
				default:
					_, _ = s.conn.Request(t.Context(), protocol.Ingest(w.health), []byte("garbage"))
				}
			}
		})
		events := w.doctor.events(t, s.grant.Session, w.health, record(1))
		w.revoke(t)
		after := w.number(w.health)
		if err := w.doctor.submit(t, s.conn, protocol.Ingest(w.health), events); err == nil {
			t.Error("written after the revocation")
		}
		close(stop)
		wg.Wait()
		if w.number(w.health) != after || after != before+2 {
			t.Errorf("the chain went from %d to %d to %d", before, after, w.number(w.health))
		}
	})
}

// What an authority takes away, or replaces its key under, ends rights as a patient's revocation does, wherever a session stands.
func TestAttack33_RevokedByTheAuthority(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *world){
		"the attribute moved": func(t *testing.T, w *world) {
			w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{&ledger.AttributeVersioned{Name: doctorName, Version: 2}})
		},
		"the person removed": func(t *testing.T, w *world) {
			w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{
				&ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{doctorName}},
			})
		},
		"the master key replaced": func(t *testing.T, w *world) { w.rekey(t) },
	} {
		t.Run(name+" between hello and answer", func(t *testing.T) {
			w := newWorld(t)
			x := w.doctor.begin(t, requestFor(w.health, ledger.OpWrite, w.term.ID))
			must(t, x.hello(t))
			end(t, w)
			if err := x.answer(t); codeOf(err) != protocol.CodeRefused {
				t.Errorf("answered: %v", err)
			}
			if n := w.opened(t); n != 0 {
				t.Errorf("%d sessions are logged", n)
			}
		})
		t.Run(name+" between grant and connection", func(t *testing.T) {
			w := newWorld(t)
			x := w.doctor.begin(t, requestFor(w.health, ledger.OpWrite, w.term.ID))
			must(t, x.hello(t))
			must(t, x.answer(t))
			end(t, w)
			s, err := x.connect(t)
			must(t, err)
			if err := w.doctor.write(t, s, w.health, 2); codeOf(err) != protocol.CodeEnded {
				t.Errorf("written: %v", err)
			}
		})
		t.Run(name+" between session and write", func(t *testing.T) {
			w := newWorld(t)
			s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
			must(t, err)
			must(t, w.doctor.write(t, s, w.health, 1))
			events, before := w.doctor.events(t, s.grant.Session, w.health, record(1)), w.number(w.health)
			end(t, w)
			if err := w.doctor.submit(t, s.conn, protocol.Ingest(w.health), events); err == nil {
				t.Error("written after the revocation")
			}
			if after := w.number(w.health); after != before {
				t.Errorf("the chain went from %d to %d", before, after)
			}
			select {
			case <-s.conn.Closed():
			case <-time.After(10 * time.Second):
				t.Error("the session goes on")
			}
			if _, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID); codeOf(err) != protocol.CodeRefused {
				t.Errorf("asked anew: %v", err)
			}
		})
	}
}

// rekey has the hospital register another key, which this node's registry endorses.
func (w *world) rekey(t testing.TB) {
	t.Helper()
	master, err := abe.GenerateMasterKey(rand.Reader, hospitalName)
	must(t, err)
	w.hospital.say(t, ledger.PersonChain(w.hospital.GID()), []ledger.Body{
		&ledger.AuthorityRegistered{Name: hospitalName, Role: ledger.Hospital, Key: master.PublicKey().Bytes()},
	})
	w.until(t, "the new key is endorsed", func(s *ledger.State) bool {
		a, _ := s.Authority(hospitalName)
		return a.Key.Hash() == master.PublicKey().Hash()
	})
}

// The node sees what is stale and since when, though it can read nothing of it, until somebody starts a new epoch.
func TestHealthShowsWhatIsStale(t *testing.T) {
	w := newWorld(t)
	health := func() []node.Stale {
		h, err := w.Health(t.Context())
		must(t, err)
		return h.Stale
	}
	if s := health(); len(s) != 0 {
		t.Errorf("at first %+v is stale", s)
	}
	w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{&ledger.AttributeVersioned{Name: doctorName, Version: 2}})
	var moved time.Time
	w.Fold().View(func(s *ledger.State) {
		head, _ := s.Head(ledger.AuthorityChain(hospitalName))
		moved = head.LogTime
	})
	if s := health(); len(s) != 1 || s[0].Chain != w.health.String() || !s[0].Since.Equal(moved) || s[0].Why == "" {
		t.Errorf("%+v is stale, want health since %v", s, moved)
	}
	started, parts := w.epoch(t, 2, w.term)
	w.patient.say(t, w.health, []ledger.Body{started}, parts...)
	if s := health(); len(s) != 0 {
		t.Errorf("after a new epoch %+v is stale", s)
	}
}

func (w *world) number(c ledger.Chain) (n uint64) {
	w.Fold().View(func(s *ledger.State) {
		head, _ := s.Head(c)
		n = head.Number
	})
	return n
}
