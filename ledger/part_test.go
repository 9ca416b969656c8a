package ledger_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// reader is somebody who sees a part of the log: what the directory tells, and the chains they may read.
type reader struct {
	*ledger.State
	w *world
}

func newReader(w *world) reader { return reader{ledger.NewState(w.root.GID(), ledger.SomeChains), w} }

// learn takes in the control entries, and those of profiles, that are asked for.
func (r reader) learn(wanted func(*ledger.Entry) bool) error {
	count := uint64(0)
	for _, run := range r.w.log {
		e := run[0]
		if e.Chain.Control() {
			count++
		}
		if !wanted(e) {
			continue
		}
		if err := r.take(count, run...); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) take(count uint64, run ...*ledger.Entry) error {
	if run[0].Chain.Control() {
		return r.Learn(count, run[0])
	}
	return r.Fold(run...)
}

// person asks for somebody's chain, and profile if they are a patient.
func about(people ...*person) func(*ledger.Entry) bool {
	return func(e *ledger.Entry) bool {
		return slices.ContainsFunc(people, func(p *person) bool {
			return e.Chain == ownChain(p) || e.Chain == ledger.RecordChain(p.GID(), ledger.Profile)
		})
	}
}

// authority asks for an authority: its registration, the registry's word on it, its attributes.
func authority(p *person) func(*ledger.Entry) bool {
	return func(e *ledger.Entry) bool {
		switch b := e.Body.(type) {
		case *ledger.IdentityRegistered, *ledger.AuthorityRegistered:
			return e.Author == p.GID()
		case *ledger.AuthorityEndorsed:
			return b.Name == p.speaks
		case *ledger.AuthoritySuspended:
			return b.Name == p.speaks
		case *ledger.AttributeDefined, *ledger.AttributeVersioned:
			return e.Chain == ledger.AuthorityChain(p.speaks)
		}
		return false
	}
}

func on(chains ...ledger.Chain) func(*ledger.Entry) bool {
	return func(e *ledger.Entry) bool { return slices.Contains(chains, e.Chain) }
}

func all(asked ...func(*ledger.Entry) bool) func(*ledger.Entry) bool {
	return func(e *ledger.Entry) bool {
		return slices.ContainsFunc(asked, func(f func(*ledger.Entry) bool) bool { return f(e) })
	}
}

// busy is a world in which a good deal has happened.
func busy(t *testing.T) *world {
	w := newWorld(t)
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	for range 3 {
		if err := w.tryFold(w.place(w.run(w.doctor, w.health, 3, in(s))...)...); err != nil {
			t.Fatal(err)
		}
	}
	w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2})
	w.say(w.patient, w.health, w.start(w.health))
	w.say(w.patient, w.health, w.erasure(w.first))
	reads := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
	w.say(w.node, w.access, &ledger.SessionClosed{Session: reads, Reason: "done"})
	w.say(w.node, w.access, &ledger.SessionRefused{GID: w.clerk.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Reason: "no term", Count: 2})
	w.say(w.patient, w.health, w.record(w.health))
	return w
}

// A reader of one compartment comes to the same as the node, without the other chains.
func TestReaderOfACompartment(t *testing.T) {
	w := busy(t)
	r := newReader(w)
	if err := r.learn(all(about(w.patient, w.doctor), on(w.health))); err != nil {
		t.Fatal(err)
	}
	got, _ := r.Compartment(w.health)
	want, _ := w.state.Compartment(w.health)
	if got.Epoch.Number != want.Epoch.Number || got.Epoch.Records != want.Epoch.Records || len(got.Terms) != len(want.Terms) ||
		got.Set.Hash != want.Set.Hash || len(got.Past) != len(want.Past) || got.Past[0].Erased != 1 {
		t.Errorf("the reader has %+v, the node %+v", got.Epoch, want.Epoch)
	}
	if !r.Erased(w.health, w.first.ID) {
		t.Error("the reader has not seen the erasure")
	}
	gotHead, _ := r.Head(w.health)
	if wantHead, _ := w.state.Head(w.health); gotHead.Hash != wantHead.Hash {
		t.Error("the reader's chain ends elsewhere")
	}
}

// The patient reads the whole access log, sessions of people unknown to them included.
func TestReaderOfAnAccessLog(t *testing.T) {
	w := busy(t)
	r := newReader(w)
	refused(t, r.learn(on(w.access)), ledger.ErrInvalid, "is not registered")
	if err := r.learn(all(about(w.node), on(w.access))); err != nil {
		t.Fatal(err)
	}
	for _, run := range w.log {
		if b, ok := run[0].Body.(*ledger.SessionOpened); ok {
			got, ok := r.Session(b.Session)
			want, _ := w.state.Session(b.Session)
			if !ok || got.GID != want.GID || got.Closed != want.Closed || got.Why != want.Why {
				t.Errorf("Session = %+v, want %+v", got, want)
			}
		}
	}
	forged := w.signed(w.node, w.access, &ledger.SessionRefused{GID: "\x1b[2J", Operation: ledger.OpRead, Compartment: ledger.Health, Count: 1})
	refused(t, r.Fold(w.place(forged)...), ledger.ErrInvalid, "malformed")
}

// Of the registry's chain each query brings some entries, in any order of queries.
func TestReaderOfAuthorities(t *testing.T) {
	w := busy(t)
	r := newReader(w)
	described := on(ledger.NodeChain(w.node.GID()))
	for _, asked := range []func(*ledger.Entry) bool{all(about(w.root), described), authority(w.registry), authority(w.insurer), authority(w.hospital), authority(w.club)} {
		for range 2 { // asking again changes nothing
			if err := r.learn(asked); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range []*person{w.registry, w.insurer, w.hospital, w.club} {
		got, _ := r.Authority(p.speaks)
		if want, _ := w.state.Authority(p.speaks); !got.Active || got.Founder != want.Founder || got.Key.Hash() != want.Key.Hash() {
			t.Errorf("Authority(%s) = %+v", p.speaks, got)
		}
	}
	if v, _ := r.Version(policy.Attribute{Name: "doctor", Authority: "city-hospital"}); v != 2 {
		t.Errorf("doctor@city-hospital is at version %d, want 2", v)
	}
	x, err := r.Expression(must(policy.Parse("agent@acme-insurance or doctor@city-hospital")))
	if err != nil || x.Versions()[1] != 2 {
		t.Errorf("Expression = %v, %v", x, err)
	}
	if got := len(r.Wrapped(w.health, w.now)); got != 0 {
		t.Errorf("%d terms of a compartment that was never read", got)
	}
}

// A suspension that is learnt late does not undo the endorsement that came after it.
func TestReaderLearnsLate(t *testing.T) {
	w := newWorld(t)
	phr := ledger.AuthorityChain("phr")
	suspended := w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "city-club"})
	at := w.state.Position().Count
	w.endorse(w.club, w.registered(w.club))
	r := newReader(w)
	late := func(e *ledger.Entry) bool {
		return e.Hash != suspended.Hash && all(about(w.root), on(ledger.NodeChain(w.node.GID())), authority(w.registry), authority(w.club))(e)
	}
	if err := r.learn(late); err != nil {
		t.Fatal(err)
	}
	if err := r.Learn(at, suspended); err != nil {
		t.Fatal(err)
	}
	if a, _ := r.Authority("city-club"); !a.Active {
		t.Error("the newer endorsement does not count")
	}
}

func TestLearnRefuses(t *testing.T) {
	w := newWorld(t)
	e := w.log[0][0]
	if err := w.state.Learn(1, e); err == nil {
		t.Error("a State of the whole log learns")
	}
	r := newReader(w)
	if err := r.Learn(1, w.first); err == nil {
		t.Error("an entry of a compartment is learnt")
	}
	refused(t, r.Learn(0, e), ledger.ErrInvalid, "count 0")
	last := w.say(w.patient, ownChain(w.patient), rotation(w.patient, newPerson("next")))
	refused(t, r.Learn(last.Control.Count, last), ledger.ErrInvalid, "judged by")
	if p := r.Position(); p != (ledger.Position{}) {
		t.Errorf("Position = %v", p)
	}
}

// A reader who is told of a rotation judges what was signed before it by the keys of that time.
func TestReaderJudgesByPosition(t *testing.T) {
	w := newWorld(t)
	old := w.say(w.patient, w.health, w.record(w.health))
	next := newPerson("next")
	rotated := &person{Identity: must(w.patient.Rotate(w.rand, next.recovery.Hash())), recovery: next.recovery}
	keys := rotated.Keys()
	w.say(w.patient, ownChain(w.patient),
		&ledger.IdentityRotated{Sign: keys.Sign, Seal: keys.Seal, Recovery: next.recovery.Hash(), RecoveryUsed: w.patient.recovery.Public()})
	stolen := w.signed(w.patient, w.health, w.record(w.health))
	w.say(rotated, w.health, w.record(w.health))
	r := newReader(w)
	if err := r.learn(about(w.patient)); err != nil {
		t.Fatal(err)
	}
	if err := r.learn(on(w.health)); err != nil {
		t.Fatal(err)
	}
	for position, want := range map[uint64]*person{old.Control.Count: w.patient, old.Control.Count + 1: rotated} {
		if got, err := r.Keys(w.patient.GID(), position); err != nil || got.Sign != want.Keys().Sign {
			t.Errorf("Keys at %d = %v, %v", position, got, err)
		}
	}
	if _, err := r.Keys(w.patient.GID(), 0); err == nil {
		t.Error("there are keys before the identity was registered")
	}
	fork := newReader(w)
	if err := fork.learn(about(w.patient)); err != nil {
		t.Fatal(err)
	}
	if err := fork.learn(func(e *ledger.Entry) bool { return e.Chain == w.health && e.Number <= old.Number }); err != nil {
		t.Fatal(err)
	}
	refused(t, fork.Fold(w.place(stolen)...), ledger.ErrInvalid, "signature")
}

// What a reader is given of a compartment is whole, or it is not taken.
func TestReaderSeesGaps(t *testing.T) {
	w := busy(t)
	for _, missing := range []uint64{1, 2, 4, 7} {
		r := newReader(w)
		if err := r.learn(about(w.patient, w.doctor)); err != nil {
			t.Fatal(err)
		}
		err := r.learn(func(e *ledger.Entry) bool { return e.Chain == w.health && e.Number != missing })
		refused(t, err, ledger.ErrConflict, "moved on")
	}
}
