package ledger_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// said is an event that counts in the settled world, or once what its sample has said before it counts.
type said struct {
	author  *person
	chain   ledger.Chain
	body    ledger.Body
	session ledger.SessionID
}

func (s said) event(w *world, edits ...func(*ledger.Event)) *ledger.Event {
	return w.signed(s.author, s.chain, s.body, slices.Concat([]func(*ledger.Event){in(s.session)}, edits)...)
}

// samples has one of every kind that is accepted at all.
var samples = map[ledger.Kind]func(*world) said{
	ledger.IdentityRegisteredKind: func(w *world) said {
		p := newPerson("newcomer")
		first := p.Inception()
		return said{author: p, chain: ledger.PersonChain(p.GID()), body: &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery}}
	},
	ledger.IdentityRotatedKind: func(w *world) said {
		return said{author: w.patient, chain: ledger.PersonChain(w.patient.GID()), body: rotation(w.patient, newPerson("next"))}
	},
	ledger.IdentityRevokedKind: func(w *world) said {
		return said{author: w.doctor, chain: ledger.PersonChain(w.doctor.GID()), body: &ledger.IdentityRevoked{Reason: "lost"}}
	},
	ledger.IdentityEscrowedKind: func(w *world) said {
		return said{author: w.patient, chain: ownChain(w.patient), body: &ledger.IdentityEscrowed{Sealed: []byte{1}}}
	},
	ledger.RecoveryRequestedKind: func(w *world) said {
		return said{author: w.doctor, chain: ownChain(w.doctor), body: asked(rotation(w.doctor, newPerson("next")))}
	},
	ledger.RecoveryVetoedKind: func(w *world) said {
		r := w.say(w.doctor, ownChain(w.doctor), asked(rotation(w.doctor, newPerson("next"))))
		return said{author: w.doctor, chain: ownChain(w.doctor), body: &ledger.RecoveryVetoed{Request: r.ID, Reason: "it was not me"}}
	},
	ledger.PatientRegisteredKind: func(w *world) said {
		return said{author: w.patient, chain: w.profile, body: &ledger.PatientRegistered{Key: newPatient("patient").master.PublicKey().Bytes()}}
	},
	ledger.CompartmentCreatedKind: func(w *world) said {
		return said{author: w.patient, chain: ledger.RecordChain(w.patient.GID(), "emergency"), body: &ledger.CompartmentCreated{Class: ledger.HealthClass}}
	},
	ledger.CompartmentErasedKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: &ledger.CompartmentErased{Reason: "moved"}}
	},
	ledger.PatientErasedKind: func(w *world) said {
		for _, c := range []ledger.Chain{w.health, w.training} {
			w.say(w.patient, c, &ledger.CompartmentErased{})
		}
		return said{author: w.patient, chain: w.profile, body: &ledger.PatientErased{Reason: "moved"}}
	},
	ledger.PolicySetKind: func(w *world) said {
		nurse := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true, Purpose: "TREAT"}
		return said{author: w.patient, chain: w.health, body: w.set(w.health, nurse)}
	},
	ledger.EpochStartedKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: w.start(w.health)}
	},
	ledger.EpochRewrappedKind: func(w *world) said {
		w.grant(w.health, "nurse@city-hospital", false)
		f, _ := w.state.Compartment(w.health)
		return said{author: w.patient, chain: w.health, body: &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(f.Terms[len(f.Terms)-1].Term)}}}
	},
	ledger.EpochConfirmedKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: &ledger.EpochConfirmed{Epoch: 1}}
	},
	ledger.EpochDisputedKind: func(w *world) said {
		s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
		return said{author: w.doctor, chain: w.health, body: &ledger.EpochDisputed{Epoch: 1, Part: ledger.WrapName(w.byDoctor), Reason: "does not open"}, session: s}
	},
	ledger.RecordWrittenKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: w.record(w.health)}
	},
	ledger.RecordAmendedKind: func(w *world) said {
		s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
		return said{author: w.doctor, chain: w.health, body: &ledger.RecordAmended{Content: w.content(w.health), Refers: w.first.ID}, session: s}
	},
	ledger.RecordRetractedKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: &ledger.RecordRetracted{Content: w.content(w.health), Refers: w.first.ID}}
	},
	ledger.RecordErasedKind: func(w *world) said {
		return said{author: w.patient, chain: w.health, body: w.erasure(w.first)}
	},
	ledger.SessionOpenedKind: func(w *world) said {
		return said{author: w.node, chain: w.access, body: w.opened(w.agent, w.health, ledger.OpRead, w.byAgent)}
	},
	ledger.SessionRenewedKind: func(w *world) said {
		s := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
		return said{author: w.node, chain: w.access, body: &ledger.SessionRenewed{Session: s, Expires: w.now.Add(time.Minute).UnixMilli()}}
	},
	ledger.SessionClosedKind: func(w *world) said {
		s := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
		return said{author: w.node, chain: w.access, body: &ledger.SessionClosed{Session: s, Reason: "logged out"}}
	},
	ledger.SessionRefusedKind: func(w *world) said {
		return said{author: w.node, chain: w.access, body: &ledger.SessionRefused{GID: w.nobody.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Reason: "no term", Count: 3}}
	},
	ledger.BreakglassRequestedKind: func(w *world) said {
		m := prepare(w)
		return said{author: m.medic, chain: w.access, body: m.request()}
	},
	ledger.BreakglassApprovedKind: func(w *world) said {
		m := prepare(w)
		return said{author: m.chief, chain: w.access, body: m.approval(m.ask())}
	},
	ledger.BreakglassOpenedKind: func(w *world) said {
		m := prepare(w)
		return said{author: w.node, chain: w.access, body: m.opening(m.approve(m.ask()))}
	},
	ledger.BreakglassEndedKind: func(w *world) said {
		m := prepare(w)
		return said{author: w.patient, chain: w.access, body: &ledger.BreakglassEnded{Request: m.open().ID, Reason: "thank you"}}
	},
	ledger.BreakglassReviewedKind: func(w *world) said {
		m := prepare(w)
		return said{author: w.patient, chain: w.access, body: &ledger.BreakglassReviewed{Request: m.over().ID, Finding: "as it should be"}}
	},
	ledger.AuthorityRegisteredKind: func(w *world) said {
		return said{author: w.nobody, chain: ledger.PersonChain(w.nobody.GID()), body: newRegistration("new-clinic", ledger.Hospital)}
	},
	ledger.AuthorityHeadKind: func(w *world) said {
		head, _ := w.state.Head(ledger.AuthorityChain("city-hospital"))
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: &ledger.AuthorityHead{Number: head.Number, Hash: head.Hash}}
	},
	ledger.AuthorityEndorsedKind: func(w *world) said {
		e := w.say(w.nobody, ledger.PersonChain(w.nobody.GID()), newRegistration("new-clinic", ledger.Hospital))
		b := &ledger.AuthorityEndorsed{Name: "new-clinic", Founder: w.nobody.GID(), Registration: e.Hash}
		return said{author: w.registry, chain: ledger.AuthorityChain(ledger.RegistryName), body: b}
	},
	ledger.AuthoritySuspendedKind: func(w *world) said {
		return said{author: w.registry, chain: ledger.AuthorityChain(ledger.RegistryName), body: &ledger.AuthoritySuspended{Name: "city-club", Reason: "closed"}}
	},
	ledger.AttributeDefinedKind: func(w *world) said {
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: &ledger.AttributeDefined{Name: "surgeon"}}
	},
	ledger.AttributeVersionedKind: func(w *world) said {
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: &ledger.AttributeVersioned{Name: "doctor", Version: 2}}
	},
	ledger.RepresentativeEnrolledKind: func(w *world) said {
		b := &ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"doctor", "nurse"}, Display: "Dr. No", Identified: "passport"}
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: b}
	},
	ledger.RepresentativeRemovedKind: func(w *world) said {
		b := &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}, Reason: "left"}
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: b}
	},
	ledger.KeyIssuedKind: func(w *world) said {
		return said{author: w.hospital, chain: ledger.AuthorityChain("city-hospital"), body: w.issued(w.hospital, w.doctor, "doctor", 1)}
	},
	ledger.NodeDescribedKind: func(w *world) said {
		return said{author: w.root, chain: ledger.NodeChain(w.node.GID()), body: &ledger.NodeDescribed{Sequence: 2, Suites: []uint16{1}}}
	},
	ledger.RejectedKind: func(w *world) said {
		return said{author: w.node, chain: ledger.NodeChain(w.node.GID()), body: &ledger.Rejected{Chain: w.health.String(), Event: w.first.Hash, Reason: "raced"}}
	},
	ledger.IncidentKind: func(w *world) said {
		return said{author: w.node, chain: ledger.NodeChain(w.node.GID()), body: &ledger.Incident{Text: "a hole at 7"}}
	},
	ledger.CheckpointKind: func(w *world) said {
		return said{author: w.node, chain: ledger.NodeChain(w.node.GID()), body: &ledger.Checkpoint{Size: 9}}
	},
}

func rotation(p, next *person) *ledger.IdentityRotated {
	keys := next.Keys()
	return &ledger.IdentityRotated{Sign: keys.Sign, Seal: keys.Seal, Recovery: next.recovery.Hash(), RecoveryUsed: p.recovery.Public()}
}

// asked is a request for what a rotation does.
func asked(b *ledger.IdentityRotated) *ledger.RecoveryRequested {
	return &ledger.RecoveryRequested{Sign: b.Sign, Seal: b.Seal, Recovery: b.Recovery, RecoveryUsed: b.RecoveryUsed}
}

func newRegistration(name string, role ledger.AuthorityKind) *ledger.AuthorityRegistered {
	return registration(newFounder(name, policy.Authority(name)), role)
}

// eachKind runs a test for a sample of every kind.
func eachKind(t *testing.T, test func(*testing.T, *world, said)) {
	for kind, sample := range samples {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t)
			test(t, w, sample(w))
		})
	}
}

func TestEveryKindCounts(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, s said) {
		e := s.event(w)
		if err := w.try(e); err != nil {
			t.Fatal(err)
		}
		if head, _ := w.state.Head(s.chain); head.Hash != ledger.HashEvent(must(e.Marshal())) {
			t.Error("the chain does not end with it")
		}
	})
}

// What holds for every kind alike.
func TestEveryKindInItsPlace(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.Event)
		err  error
		text string
	}{
		{"the number before", func(w *world, e *ledger.Event) { e.Number--; fixPrev(e) }, ledger.ErrConflict, "moved on"},
		{"a gap", func(w *world, e *ledger.Event) { e.Number++; fixPrev(e) }, ledger.ErrConflict, "moved on"},
		{"another history", func(w *world, e *ledger.Event) { e.Number = max(e.Number, 2); e.Prev = ledger.Hash{1} }, ledger.ErrConflict, "moved on"},
		{"a clock ahead", func(w *world, e *ledger.Event) { e.Time = w.now.Add(ledger.ClockSkew + time.Second) }, ledger.ErrInvalid, "clock is ahead"},
		{"a session of nobody's", func(w *world, e *ledger.Event) { e.Session = ledger.SessionID{1} }, ledger.ErrInvalid, "session"},
		{"a critical extension", func(w *world, e *ledger.Event) { e.Extensions = map[uint64]canonical.RawMessage{3: {1}} }, ledger.ErrQuarantined, "critical extension 3"},
		{"another extension", func(w *world, e *ledger.Event) { e.Extensions = map[uint64]canonical.RawMessage{2: {1}} }, nil, ""},
		{"a time long ago", func(w *world, e *ledger.Event) { e.Time = time.UnixMilli(0) }, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, w *world, s said) {
				e := s.event(w, func(e *ledger.Event) { tt.edit(w, e) })
				if e.Number == 0 {
					t.Skip("there is none before the first")
				}
				err := w.try(e)
				if tt.err != nil {
					refused(t, err, tt.err, tt.text)
				} else if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// fixPrev keeps an event with another number well-formed.
func fixPrev(e *ledger.Event) {
	if e.Number == 1 {
		e.Prev = ledger.Hash{}
	} else if e.Prev.IsZero() {
		e.Prev = ledger.Hash{1}
	}
}

func TestEveryKindIsSigned(t *testing.T) {
	for name, edit := range map[string]func(*world, *ledger.Event){
		"not at all":         func(w *world, e *ledger.Event) { e.Signature = nil },
		"with a flipped bit": func(w *world, e *ledger.Event) { e.Signature[63] ^= 4 },
		"by somebody else": func(w *world, e *ledger.Event) {
			w.sign(&person{Identity: w.nurse.Identity, recovery: w.nurse.recovery}, e)
		},
		"before the body was final": func(w *world, e *ledger.Event) { e.Time = e.Time.Add(-time.Millisecond) },
		"before it had another id":  func(w *world, e *ledger.Event) { e.ID[15]++ },
		"before it had a session":   func(w *world, e *ledger.Event) { e.Session[15]++ },
	} {
		t.Run(name, func(t *testing.T) {
			eachKind(t, func(t *testing.T, w *world, s said) {
				e := s.event(w)
				edit(w, e)
				refused(t, w.try(e), ledger.ErrInvalid, "signature")
			})
		})
	}
}

func TestEveryKindHasItsAuthor(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, s said) {
		for name, p := range map[string]*person{
			"patient": w.patient, "other": w.other, "doctor": w.doctor, "trainer": w.trainer, "agent": w.agent, "clerk": w.clerk, "nobody": w.nobody,
			"hospital": w.hospital, "insurer": w.insurer, "registry": w.registry, "node": w.node, "root": w.root,
		} {
			if p == s.author {
				continue
			}
			err := w.try(w.signed(p, s.chain, s.body, in(s.session)))
			if err == nil {
				t.Errorf("%s may say it", name)
			}
		}
		if err := w.try(s.event(w)); err != nil {
			t.Errorf("after others were refused: %v", err)
		}
	})
}

func TestEveryKindHasItsChain(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, s said) {
		gid := s.author.GID()
		chains := []ledger.Chain{
			ledger.PersonChain(gid), ledger.NodeChain(gid), ledger.NodeChain(w.node.GID()), ledger.AuthorityChain("phr"), ledger.AuthorityChain("city-hospital"),
			ledger.AuthorityChain("city-club"), ledger.RecordChain(gid, ledger.Profile), ledger.RecordChain(gid, ledger.Access), w.access,
			ledger.RecordChain(gid, ledger.Training), w.health, w.training, ledger.PersonChain(w.other.GID()),
			ledger.RecordChain(w.other.GID(), ledger.Health), ledger.RecordChain(w.other.GID(), ledger.Access), ledger.RecordChain(w.other.GID(), ledger.Profile),
		}
		for _, c := range chains {
			if c == s.chain || fits(s, c) {
				continue
			}
			if err := w.try(w.signed(s.author, c, s.body, in(s.session))); err == nil {
				t.Errorf("it counts on %s, and belongs on %s", c, s.chain)
			}
		}
	})
}

// fits tells whether a sample, signed for another chain, counts there too: the patient's own word on any compartment, a
// refusal on any access log, the root's description of anybody as a node.
func fits(s said, c ledger.Chain) bool {
	switch s.body.(type) {
	case *ledger.EpochConfirmed, *ledger.RecordWritten, *ledger.CompartmentErased:
		return c.Space == ledger.RecordSpace && c.Owner == s.chain.Owner && !c.Compartment.Reserved()
	case *ledger.SessionRefused:
		return c.Compartment == ledger.Access
	case *ledger.NodeDescribed:
		return c.Space == ledger.NodeSpace
	}
	return false
}

func TestAnyChangedByteIsRefused(t *testing.T) {
	eachKind(t, func(t *testing.T, w *world, s said) {
		entry := w.place(s.event(w))[0]
		step := max(1, len(entry.Raw)/120)
		for at := 0; at < len(entry.Raw); at += step {
			raw := bytes.Clone(entry.Raw)
			raw[at] ^= 1 << (at % 8)
			changed, err := ledger.NewEntry(raw, entry.LogTime, entry.Control)
			if err == nil && w.state.Fold(changed) == nil {
				t.Fatalf("with byte %d of %d changed it still counts", at, len(raw))
			}
		}
		if err := w.state.Fold(entry); err != nil {
			t.Error(err)
		}
	})
}

func TestUnknownKindIsKept(t *testing.T) {
	w := newWorld(t)
	u := &ledger.Unknown{Name: "record.praised", Raw: must(canonical.Marshal(map[uint64]string{1: "well done"}))}
	refused(t, w.try(w.signed(w.nobody, w.health, u)), ledger.ErrInvalid, "without a session")
	before, _ := w.state.Compartment(w.health)
	e := w.say(w.patient, w.health, u)
	if e.Kind() != "record.praised" || e.Kind().Known() {
		t.Errorf("kind = %q", e.Kind())
	}
	if after, _ := w.state.Compartment(w.health); after.Epoch != before.Epoch || after.Set != before.Set {
		t.Error("it changed the compartment")
	}
	w.say(w.patient, w.health, w.record(w.health)) // the chain goes on from it
}
