package ledger_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

// request is the request of somebody who has the words of p, for the keys of to.
func (w *world) request(p, to *person) *ledger.Event {
	return w.signed(p, ownChain(p), asked(rotation(p, to)))
}

// unplanned is the rotation that follows a request: by the recovery key alone.
func (w *world) unplanned(p, to *person, edits ...func(*ledger.IdentityRotated)) *ledger.Event {
	b := rotation(p, to)
	for _, edit := range edits {
		edit(b)
	}
	e := w.draft(p, ownChain(p), b)
	if err := e.Sign(p.recovery); err != nil {
		panic(err)
	}
	return e
}

func (w *world) veto(p *person, request ledger.EventID) *ledger.Event {
	return w.signed(p, ownChain(p), &ledger.RecoveryVetoed{Request: request})
}

// The wait is judged by the log times of the two entries, to the millisecond, whatever their authors claim.
func TestRecoveryWait(t *testing.T) {
	for _, tt := range []struct {
		after time.Duration
		claim time.Duration
		ok    bool
	}{
		{0, 0, false},
		{ledger.RecoveryWait - time.Millisecond, 0, false},
		{ledger.RecoveryWait, 0, true},
		{ledger.RecoveryWait, -ledger.RecoveryWait, true},
		{ledger.RecoveryWait - time.Millisecond, ledger.ClockSkew, false},
		{365 * 24 * time.Hour, 0, true},
	} {
		t.Run(fmt.Sprint(tt.after, tt.claim), func(t *testing.T) {
			w := newWorld(t)
			next := newPerson("next")
			asked := w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(tt.after)
			e := w.unplanned(w.patient, next)
			e.Time = w.now.Add(tt.claim)
			if err := e.Sign(w.patient.recovery); err != nil {
				t.Fatal(err)
			}
			err := w.try(e)
			if !tt.ok {
				refused(t, err, ledger.ErrInvalid, "has to stand until")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if keys, err := w.state.Person(w.patient.GID()); err != nil || keys.Sign != next.Keys().Sign {
				t.Errorf("keys in force: %v", err)
			}
		})
	}
}

func TestRecoveryRules(t *testing.T) {
	next, thief := newPerson("next"), newPerson("thief")
	for _, tt := range []struct {
		name string
		say  func(*world) *ledger.Event
		text string
	}{
		{"a request by a key not committed to", func(w *world) *ledger.Event {
			return w.request(&person{Identity: w.patient.Identity, recovery: thief.recovery}, next)
		}, "not signed by the recovery key"},
		{"a request signed by the device", func(w *world) *ledger.Event {
			e := w.draft(w.patient, ownChain(w.patient), asked(rotation(w.patient, next)))
			_ = e.Sign(w.patient)
			return e
		}, "signature"},
		{"a request on another's chain", func(w *world) *ledger.Event {
			return w.signed(w.patient, ownChain(w.doctor), asked(rotation(w.patient, next)))
		}, "only"},
		{"a request in another's name", func(w *world) *ledger.Event {
			return w.request(&person{Identity: w.doctor.Identity, recovery: w.patient.recovery}, next)
		}, "not signed by the recovery key"},
		{"a request for the keys in force", func(w *world) *ledger.Event {
			b := asked(rotation(w.patient, next))
			b.Sign = w.patient.Keys().Sign
			return w.signed(w.patient, ownChain(w.patient), b)
		}, "the key that is in force"},
		{"a request that commits to no other recovery key", func(w *world) *ledger.Event {
			b := asked(rotation(w.patient, next))
			b.Recovery = w.patient.recovery.Hash()
			return w.signed(w.patient, ownChain(w.patient), b)
		}, "a new recovery key"},
		{"a request for a revoked identity", func(w *world) *ledger.Event {
			w.say(w.patient, ownChain(w.patient), &ledger.IdentityRevoked{})
			return w.request(w.patient, next)
		}, "revoked"},
		{"a request right after another", func(w *world) *ledger.Event {
			first := w.fold(w.request(w.patient, next))
			w.now = first.LogTime.Add(ledger.RequestPause - time.Millisecond)
			return w.request(w.patient, thief)
		}, "is not 1h0m0s old"},
		{"a request right after one that was vetoed", func(w *world) *ledger.Event {
			w.fold(w.veto(w.patient, w.fold(w.request(w.patient, next)).ID))
			return w.request(w.patient, next)
		}, "is not 1h0m0s old"},
		{"a veto of nothing", func(w *world) *ledger.Event { return w.veto(w.patient, w.first.ID) }, "no such request"},
		{"a veto of an earlier request", func(w *world) *ledger.Event {
			first := w.fold(w.request(w.patient, next))
			w.now = first.LogTime.Add(ledger.RequestPause)
			w.fold(w.request(w.patient, thief))
			return w.veto(w.patient, first.ID)
		}, "no such request"},
		{"a second veto", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			w.fold(w.veto(w.patient, asked.ID))
			return w.veto(w.patient, asked.ID)
		}, "no such request"},
		{"a veto by the recovery key", func(w *world) *ledger.Event {
			e := w.draft(w.patient, ownChain(w.patient), &ledger.RecoveryVetoed{Request: w.fold(w.request(w.patient, next)).ID})
			e = w.draft(w.patient, ownChain(w.patient), e.Body)
			_ = e.Sign(w.patient.recovery)
			return e
		}, "signature"},
		{"a veto by the keys requested", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			e := w.draft(w.patient, ownChain(w.patient), &ledger.RecoveryVetoed{Request: asked.ID})
			_ = e.Sign(next)
			return e
		}, "signature"},
		{"a veto with a long reason", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			return w.signed(w.patient, ownChain(w.patient), &ledger.RecoveryVetoed{Request: asked.ID, Reason: string(make([]byte, ledger.MaxReason+1))})
		}, "a reason has at most"},
		{"a rotation out of the blue", func(w *world) *ledger.Event { return w.unplanned(w.patient, next) }, "neither"},
		{"a rotation without consent that says it has one", func(w *world) *ledger.Event {
			return w.unplanned(w.patient, next, func(b *ledger.IdentityRotated) { b.Consent = make([]byte, 64) })
		}, "consent"},
		{"a rotation with the consent of the keys to come", func(w *world) *ledger.Event {
			e := w.draft(w.patient, ownChain(w.patient), rotation(w.patient, next))
			_ = e.Consent(next)
			_ = e.Sign(w.patient.recovery)
			return e
		}, "consent"},
		{"a rotation with the consent to other keys", func(w *world) *ledger.Event {
			e := w.draft(w.patient, ownChain(w.patient), rotation(w.patient, next))
			_ = e.Consent(w.patient)
			other := *e.Body.(*ledger.IdentityRotated)
			other.Sign = thief.Keys().Sign
			e.Body = &other
			_ = e.Sign(w.patient.recovery)
			return e
		}, "consent"},
		{"a rotation by consent alone", func(w *world) *ledger.Event {
			e := w.draft(w.patient, ownChain(w.patient), rotation(w.patient, next))
			_ = e.Consent(w.patient)
			_ = e.Sign(w.patient)
			return e
		}, "signature"},
		{"a rotation of a vetoed request", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			w.fold(w.veto(w.patient, asked.ID))
			w.now = asked.LogTime.Add(ledger.RecoveryWait)
			return w.unplanned(w.patient, next)
		}, "vetoed"},
		{"a rotation vetoed at the last moment", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(ledger.RecoveryWait)
			late := w.unplanned(w.patient, next)
			w.fold(w.veto(w.patient, asked.ID))
			late.Number++
			late.Prev = w.head(ownChain(w.patient)).Hash
			_ = late.Sign(w.patient.recovery)
			return late
		}, "vetoed"},
		{"a rotation of a request that another took the place of", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(ledger.RecoveryWait - time.Second)
			w.fold(w.request(w.patient, thief))
			w.now = asked.LogTime.Add(ledger.RecoveryWait)
			return w.unplanned(w.patient, next)
		}, "other keys"},
		{"a rotation that counts the wait of the request before", func(w *world) *ledger.Event {
			asked := w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(ledger.RecoveryWait - time.Second)
			w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(ledger.RecoveryWait)
			return w.unplanned(w.patient, next)
		}, "has to stand until"},
		{"an empty escrow", func(w *world) *ledger.Event {
			return w.signed(w.patient, ownChain(w.patient), &ledger.IdentityEscrowed{})
		}, "an escrow has"},
		{"a huge escrow", func(w *world) *ledger.Event {
			return w.signed(w.patient, ownChain(w.patient), &ledger.IdentityEscrowed{Sealed: make([]byte, ledger.MaxEscrow+1)})
		}, "an escrow has"},
		{"an escrow by somebody not registered", func(*world) *ledger.Event {
			w := newWorld(t)
			return w.signed(next, ownChain(next), &ledger.IdentityEscrowed{Sealed: []byte{1}})
		}, "not registered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			refused(t, w.try(tt.say(w)), ledger.ErrInvalid, tt.text)
		})
	}
}

// A rotation of other keys than requested is refused field by field.
func TestRecoveryOfOtherKeys(t *testing.T) {
	thief := newPerson("thief")
	for name, edit := range map[string]func(*ledger.IdentityRotated){
		"signing key":  func(b *ledger.IdentityRotated) { b.Sign = thief.Keys().Sign },
		"sealing key":  func(b *ledger.IdentityRotated) { b.Seal = thief.Keys().Seal },
		"recovery key": func(b *ledger.IdentityRotated) { b.Recovery = thief.recovery.Hash() },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			next := newPerson("next")
			asked := w.fold(w.request(w.patient, next))
			w.now = asked.LogTime.Add(ledger.RecoveryWait)
			refused(t, w.try(w.unplanned(w.patient, next, edit)), ledger.ErrInvalid, "other keys")
		})
	}
}

// A request and a rotation that stood on the log before don't count a second time.
func TestRecoveryReplayed(t *testing.T) {
	w := newWorld(t)
	next := newPerson("next")
	request := w.request(w.patient, next)
	asked := w.fold(request)
	refused(t, w.try(request), ledger.ErrConflict, "")
	w.fold(w.veto(w.patient, asked.ID))
	w.now = asked.LogTime.Add(ledger.RecoveryWait)
	refused(t, w.try(request), ledger.ErrConflict, "")
	moved := *request
	moved.ID = w.signed(w.patient, ownChain(w.patient), moved.Body).ID
	moved.Number, moved.Prev = w.head(ownChain(w.patient)).Number+1, w.head(ownChain(w.patient)).Hash
	refused(t, w.try(&moved), ledger.ErrInvalid, "signature")
}

func (w *world) head(c ledger.Chain) ledger.Head {
	h, _ := w.state.Head(c)
	return h
}

// What readers are shown of a request and of a rotation.
func TestRecoveryIsShown(t *testing.T) {
	w := newWorld(t)
	gid, next := w.patient.GID(), newPerson("next")
	if _, ok := w.state.Recovery(gid); ok {
		t.Error("a request stands before there is one")
	}
	asked := w.fold(w.request(w.patient, next))
	r, ok := w.state.Recovery(gid)
	if !ok || r.Request != asked.ID || !r.Since.Equal(asked.LogTime) || r.Until.Sub(r.Since) != ledger.RecoveryWait || r.Keys.Sign != next.Keys().Sign {
		t.Errorf("Recovery = %+v, %v", r, ok)
	}
	if _, ok := w.state.Rotated(gid); ok {
		t.Error("rotated before it is")
	}
	w.now = r.Until
	rotated := w.fold(w.unplanned(w.patient, next))
	if since, ok := w.state.Rotated(gid); !ok || !since.Time.Equal(rotated.LogTime) || since.Control != w.state.Position().Count {
		t.Errorf("Rotated = %v, %v", since, ok)
	}
	if _, ok := w.state.Recovery(gid); ok {
		t.Error("a request stands after it was granted")
	}
	reader := newReader(w)
	if err := reader.learn(about(w.patient)); err != nil {
		t.Fatal(err)
	}
	if keys, err := reader.Person(gid); err != nil || keys.Sign != next.Keys().Sign {
		t.Errorf("a reader has %v", err)
	}
}
