package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

func TestSessionOpened(t *testing.T) {
	for _, tt := range []struct {
		name string
		open func(*world) *ledger.SessionOpened
		text string
	}{
		{"to read", func(w *world) *ledger.SessionOpened { return w.opened(w.agent, w.health, ledger.OpRead, w.byAgent) }, ""},
		{"to write", func(w *world) *ledger.SessionOpened { return w.opened(w.doctor, w.health, ledger.OpWrite, w.byDoctor) }, ""},
		{"to read where one may write", func(w *world) *ledger.SessionOpened { return w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor) }, ""},
		{"in person", func(w *world) *ledger.SessionOpened { return w.opened(w.nobody, w.health, ledger.OpRead, w.byNobody) }, ""},
		{"somebody else in person", func(w *world) *ledger.SessionOpened { return w.opened(w.nurse, w.health, ledger.OpRead, w.byNobody) }, "does not hold"},
		{"to write by a term to read", func(w *world) *ledger.SessionOpened { return w.opened(w.agent, w.health, ledger.OpWrite, w.byAgent) }, "grants reading only"},
		{"by another role's term", func(w *world) *ledger.SessionOpened { return w.opened(w.agent, w.health, ledger.OpRead, w.byDoctor) }, "does not hold"},
		{"by another compartment's term", func(w *world) *ledger.SessionOpened { return w.opened(w.trainer, w.health, ledger.OpRead, w.byTrainer) }, "not in force"},
		{"by no term", func(w *world) *ledger.SessionOpened { return w.opened(w.doctor, w.health, ledger.OpRead, w.newTerm()) }, "not in force"},
		{"the patient by a term", func(w *world) *ledger.SessionOpened { return w.opened(w.patient, w.health, ledger.OpRead, w.byDoctor) }, "does not hold"},
		{"in no compartment", func(w *world) *ledger.SessionOpened {
			return w.opened(w.doctor, ledger.RecordChain(w.patient.GID(), "nothing"), ledger.OpRead, w.byDoctor)
		}, "no such compartment"},
		{"in one that is no name", func(w *world) *ledger.SessionOpened {
			return w.opened(w.doctor, ledger.RecordChain(w.patient.GID(), "health.>"), ledger.OpRead, w.byDoctor)
		}, "malformed"},
		{"to log in", func(w *world) *ledger.SessionOpened { return w.opened(w.doctor, w.health, ledger.OpLogin, w.byDoctor) }, "no session is opened to"},
		{"to delete", func(w *world) *ledger.SessionOpened { return w.opened(w.doctor, w.health, "delete", w.byDoctor) }, "no session is opened to"},
		{"nobody", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.GID = ""
			return b
		}, "malformed"},
		{"a stranger", func(w *world) *ledger.SessionOpened {
			return w.opened(newPerson("stranger"), w.health, ledger.OpRead, w.byDoctor)
		}, "is not registered"},
		{"without an id", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.Session = ledger.SessionID{}
			return b
		}, "session id is not new"},
		{"an id that was used", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.Session = w.open(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			return b
		}, "session id is not new"},
		{"for an hour", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.Expires = w.now.Add(time.Hour).UnixMilli()
			return b
		}, "a session ends within 15m"},
		{"for no time", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.Expires = w.now.UnixMilli()
			return b
		}, "a session ends within 15m"},
		{"without end", func(w *world) *ledger.SessionOpened {
			b := w.opened(w.doctor, w.health, ledger.OpRead, w.byDoctor)
			b.Expires = 1<<63 - 1
			return b
		}, "a session ends within 15m"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := tt.open(w)
			err := w.try(w.signed(w.node, w.access, b))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if s, ok := w.state.Session(b.Session); !ok || s.GID != b.GID || s.Patient != w.patient.GID() || s.Closed {
				t.Errorf("Session = %+v, %v", s, ok)
			}
		})
	}
}

func TestSessionsGoOnAndEnd(t *testing.T) {
	renewed := func(s ledger.SessionID, w *world, d time.Duration) *ledger.SessionRenewed {
		return &ledger.SessionRenewed{Session: s, Expires: w.now.Add(d).UnixMilli()}
	}
	for _, tt := range []struct {
		name string
		do   func(*world, ledger.SessionID) ledger.Body
		text string
	}{
		{"renewed", func(w *world, s ledger.SessionID) ledger.Body { return renewed(s, w, time.Minute) }, ""},
		{"closed", func(_ *world, s ledger.SessionID) ledger.Body { return &ledger.SessionClosed{Session: s} }, ""},
		{"renewed for too long", func(w *world, s ledger.SessionID) ledger.Body { return renewed(s, w, 16*time.Minute) }, "a session ends within"},
		{"renewed into the past", func(w *world, s ledger.SessionID) ledger.Body { return renewed(s, w, -time.Minute) }, "a session ends within"},
		{"renewed when it had expired", func(w *world, s ledger.SessionID) ledger.Body {
			w.now = w.now.Add(ledger.MaxSession)
			return renewed(s, w, time.Minute)
		}, "has expired"},
		{"closed when it had expired", func(w *world, s ledger.SessionID) ledger.Body {
			w.now = w.now.Add(ledger.MaxSession)
			return &ledger.SessionClosed{Session: s}
		}, ""},
		{"renewed when it was closed", func(w *world, s ledger.SessionID) ledger.Body {
			w.say(w.node, w.access, &ledger.SessionClosed{Session: s})
			return renewed(s, w, time.Minute)
		}, "no such session is open"},
		{"closed twice", func(w *world, s ledger.SessionID) ledger.Body {
			w.say(w.node, w.access, &ledger.SessionClosed{Session: s})
			return &ledger.SessionClosed{Session: s}
		}, "no such session is open"},
		{"another", func(w *world, _ ledger.SessionID) ledger.Body { return renewed(ledger.SessionID{1}, w, time.Minute) }, "no such session is open"},
		{"renewed when the term is gone", func(w *world, s ledger.SessionID) ledger.Body {
			w.say(w.patient, w.health, w.without(w.health, w.byDoctor))
			return renewed(s, w, time.Minute)
		}, "not in force"},
		{"renewed when the attribute is gone", func(w *world, s ledger.SessionID) ledger.Body {
			w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}})
			return renewed(s, w, time.Minute)
		}, "does not hold"},
		{"renewed when the identity is gone", func(w *world, s ledger.SessionID) ledger.Body {
			w.say(w.doctor, ledger.PersonChain(w.doctor.GID()), &ledger.IdentityRevoked{})
			return renewed(s, w, time.Minute)
		}, "revoked"},
		{"refused no time", func(w *world, _ ledger.SessionID) ledger.Body {
			return &ledger.SessionRefused{GID: w.nurse.GID(), Operation: ledger.OpRead, Compartment: ledger.Health}
		}, "refused no time"},
		{"refused nobody", func(*world, ledger.SessionID) ledger.Body {
			return &ledger.SessionRefused{GID: "*", Operation: ledger.OpRead, Compartment: ledger.Health, Count: 1}
		}, "malformed"},
		{"refused nothing", func(w *world, _ ledger.SessionID) ledger.Body {
			return &ledger.SessionRefused{GID: w.nurse.GID(), Operation: "\x1b[2J", Compartment: ledger.Health, Count: 1}
		}, "no session is opened to"},
		{"refused nowhere", func(w *world, _ ledger.SessionID) ledger.Body {
			return &ledger.SessionRefused{GID: w.nurse.GID(), Operation: ledger.OpRead, Count: 1}
		}, "compartment"},
		{"refused a login", func(w *world, _ ledger.SessionID) ledger.Body {
			return &ledger.SessionRefused{GID: w.nurse.GID(), Operation: ledger.OpLogin, Count: 1}
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			b := tt.do(w, s)
			if err := w.try(w.signed(w.node, w.access, b)); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestWritingNeedsItsSession(t *testing.T) {
	for _, tt := range []struct {
		name    string
		author  func(*world) *person
		session func(*world) ledger.SessionID
		text    string
	}{
		{"the doctor's", doctor, func(w *world) ledger.SessionID { return w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor) }, ""},
		{"none", doctor, func(*world) ledger.SessionID { return ledger.SessionID{} }, "without a session"},
		{"an invented one", doctor, func(w *world) ledger.SessionID { return ledger.SessionID{1} }, "not opened on this compartment"},
		{"one to read", doctor, func(w *world) ledger.SessionID { return w.open(w.doctor, w.health, ledger.OpRead, w.byDoctor) }, "is for reading"},
		{"somebody else's", doctor, func(w *world) ledger.SessionID {
			w.enrol(w.hospital, w.nobody, "doctor")
			return w.open(w.nobody, w.health, ledger.OpWrite, w.byDoctor)
		}, "belongs to someone else"},
		{"one of another compartment", func(w *world) *person { return w.trainer }, func(w *world) ledger.SessionID {
			return w.open(w.trainer, w.training, ledger.OpWrite, w.byTrainer)
		}, "not opened on this compartment"},
		{"a closed one", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.node, w.access, &ledger.SessionClosed{Session: s, Reason: "kicked"})
			return s
		}, "the session is closed: kicked"},
		{"one that expired", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.now = w.now.Add(ledger.MaxSession)
			return s
		}, "has expired"},
		{"one that was renewed", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.now = w.now.Add(14 * time.Minute)
			w.say(w.node, w.access, &ledger.SessionRenewed{Session: s, Expires: w.now.Add(14 * time.Minute).UnixMilli()})
			w.now = w.now.Add(10 * time.Minute)
			return s
		}, ""},
		{"one whose term is gone", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			b := w.without(w.health, w.byDoctor)
			w.say(w.patient, w.health, b)
			w.say(w.patient, w.health, w.start(w.health))
			return s
		}, "not in force"},
		{"one after the doctor left", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}})
			return s
		}, "does not hold"},
		{"one after the attribute moved", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2})
			w.say(w.patient, w.health, w.start(w.health))
			return s
		}, "does not hold"},
		{"one after the attribute moved and was issued", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2})
			w.say(w.hospital, ledger.AuthorityChain("city-hospital"), w.issued(w.hospital, w.doctor, "doctor", 2))
			w.say(w.patient, w.health, w.start(w.health))
			return s
		}, ""},
		{"one after the hospital was suspended", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.registry, ledger.AuthorityChain("phr"), &ledger.AuthoritySuspended{Name: "city-hospital"})
			return s
		}, "does not hold"},
		{"one after the doctor's identity was revoked", doctor, func(w *world) ledger.SessionID {
			s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
			w.say(w.doctor, ledger.PersonChain(w.doctor.GID()), &ledger.IdentityRevoked{})
			return s
		}, "revoked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			s := tt.session(w)
			chain := w.health
			if err := w.try(w.signed(tt.author(w), chain, w.record(chain), in(s))); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func doctor(w *world) *person { return w.doctor }

// Entitled asks before a session what the fold asks after it.
func TestEntitled(t *testing.T) {
	w := newWorld(t)
	for _, tt := range []struct {
		name string
		who  *person
		c    ledger.Chain
		op   ledger.Operation
		term ledger.TermID
		text string
	}{
		{"doctor writes", w.doctor, w.health, ledger.OpWrite, w.byDoctor, ""},
		{"agent reads", w.agent, w.health, ledger.OpRead, w.byAgent, ""},
		{"in person", w.nobody, w.health, ledger.OpRead, w.byNobody, ""},
		{"agent writes", w.agent, w.health, ledger.OpWrite, w.byAgent, "grants reading only"},
		{"nurse", w.nurse, w.health, ledger.OpRead, w.byDoctor, "does not hold"},
		{"stranger", newPerson("stranger"), w.health, ledger.OpRead, w.byDoctor, "not registered"},
		{"no compartment", w.doctor, ledger.RecordChain(w.doctor.GID(), ledger.Health), ledger.OpRead, w.byDoctor, "no such compartment"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			term, err := w.state.Entitled(tt.who.GID(), tt.c, tt.op, tt.term, w.now)
			logged := w.state.Fork().Fold(w.place(w.signed(w.node, ledger.RecordChain(tt.c.GID(), ledger.Access), w.opened(tt.who, tt.c, tt.op, tt.term)))...)
			if tt.text == "" {
				if err != nil || logged != nil || term.ID != tt.term {
					t.Errorf("Entitled = %v, Fold = %v", err, logged)
				}
				return
			}
			if err == nil {
				t.Fatal("entitled")
			}
			refused(t, logged, ledger.ErrInvalid, "")
			if got := err.Error(); !strings.Contains(got, tt.text) {
				t.Errorf("Entitled = %q, want %q", got, tt.text)
			}
		})
	}
}

// Sessions that are long past are forgotten, and their ids are not used again.
func TestSessionsAreForgotten(t *testing.T) {
	w := newWorld(t)
	w.state = w.state.Copy()
	first := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
	for range 300 {
		w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
		w.now = w.now.Add(time.Minute)
	}
	if n := w.state.Sessions(); n > 200 {
		t.Errorf("%d sessions are remembered, of which 76 may still be named", n)
	}
	if s, ok := w.state.Session(first); ok {
		t.Errorf("Session = %v", s)
	}
	refused(t, w.try(w.signed(w.node, w.access, &ledger.SessionClosed{Session: first})), ledger.ErrInvalid, "no such session is open")
	again := w.opened(w.agent, w.health, ledger.OpRead, w.byAgent)
	again.Session = first
	refused(t, w.try(w.signed(w.node, w.access, again)), ledger.ErrInvalid, "session id is not new")
}

// Whether a session was forgotten already makes no difference to any verdict.
func TestPastSessions(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration
		text  string
	}{{"just expired", ledger.MaxSession, ""}, {"an hour ago", ledger.MaxSession + time.Hour, "no such session is open"}} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			opened := w.now
			s := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
			w.now = opened.Add(tt.after)
			if err := w.try(w.signed(w.node, w.access, &ledger.SessionClosed{Session: s})); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
