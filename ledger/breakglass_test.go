package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

// glass is a world whose patient lets the hospital open health in an emergency, and those who may.
type glass struct {
	*world
	medic, chief, second *person // the medic asks; the chief and the second may approve
	both                 *person // may ask and approve
	term                 ledger.Term
}

const why = "unconscious after a fall, no relative to be reached"

// prepare makes a world one with emergencies.
func prepare(w *world) *glass {
	g := &glass{world: w, medic: newPerson("medic"), chief: newPerson("chief"), second: newPerson("second"), both: newPerson("both")}
	w.define(w.hospital, "emergency", "supervisor")
	for _, p := range []*person{g.medic, g.chief, g.second, g.both} {
		w.join(p)
	}
	w.enrol(w.hospital, g.medic, "emergency")
	w.enrol(w.hospital, g.chief, "supervisor")
	w.enrol(w.hospital, g.second, "supervisor")
	w.enrol(w.hospital, g.both, "emergency")
	w.enrol(w.hospital, g.both, "supervisor")
	g.term = ledger.Term{ID: w.newTerm(), Expression: "emergency@city-hospital", Approval: "supervisor@city-hospital", History: true}
	g.allow(g.term)
	return g
}

func newGlass(t testing.TB) *glass { return prepare(newWorld(t)) }

// allow puts an emergency term in force, with its parts.
func (g *glass) allow(t ledger.Term) {
	g.terms[g.health] = append(g.terms[g.health], t)
	g.say(g.patient, g.health, g.set(g.health))
	f, _ := g.state.Compartment(g.health)
	g.say(g.patient, g.health, &ledger.EpochRewrapped{Epoch: f.Epoch.Number, Parts: g.wraps(t)})
}

func (g *glass) request() *ledger.BreakglassRequested {
	return &ledger.BreakglassRequested{Compartment: ledger.Health, Term: g.term.ID, Reason: why, Expires: g.now.Add(time.Hour).UnixMilli()}
}

func (g *glass) ask() *ledger.Entry { return g.say(g.medic, g.access, g.request()) }

func (g *glass) approval(asked *ledger.Entry) *ledger.BreakglassApproved {
	f, _ := g.state.Compartment(g.health)
	return &ledger.BreakglassApproved{Request: asked.ID, Share: []byte("sealed to the medic"), Epoch: f.Epoch.Number}
}

// approve returns the request, which is approved.
func (g *glass) approve(asked *ledger.Entry) *ledger.Entry {
	g.say(g.chief, g.access, g.approval(asked))
	return asked
}

func (g *glass) opening(asked *ledger.Entry) *ledger.BreakglassOpened {
	b, _ := g.state.Emergency(g.patient.GID(), asked.ID)
	return &ledger.BreakglassOpened{Request: asked.ID, Requester: b.Requester(), Approver: b.Approver(), Expires: b.Expires().UnixMilli()}
}

// open returns the request of an emergency that is open.
func (g *glass) open() *ledger.Entry {
	asked := g.approve(g.ask())
	g.say(g.node, g.access, g.opening(asked))
	return asked
}

// over returns the request of an emergency that was open.
func (g *glass) over() *ledger.Entry {
	asked := g.open()
	g.say(g.medic, g.access, &ledger.BreakglassEnded{Request: asked.ID})
	return asked
}

// look is a session of somebody by the emergency term.
func (g *glass) look(p *person) *ledger.SessionOpened {
	return g.opened(p, g.health, ledger.OpRead, g.term.ID)
}

// The whole of it, in its order: what each step lets happen, and that nothing later comes of it.
func TestBreakglass(t *testing.T) {
	g := newGlass(t)
	session := func() error { return g.try(g.signed(g.node, g.access, g.look(g.medic))) }
	refused(t, session(), ledger.ErrInvalid, "none was opened")
	asked := g.ask()
	refused(t, session(), ledger.ErrInvalid, "none was opened")
	g.approve(asked)
	refused(t, session(), ledger.ErrInvalid, "none was opened")
	g.say(g.node, g.access, g.opening(asked))
	if err := session(); err != nil {
		t.Fatal(err)
	}
	b, ok := g.state.Emergency(g.patient.GID(), asked.ID)
	if !ok || b.Requester() != g.medic.GID() || b.Approver() != g.chief.GID() || b.Reason() != why || b.Epoch() != 1 || b.Opened == nil ||
		b.Over(g.now) || b.Chain() != g.health || b.Overdue(g.now) {
		t.Fatalf("it is %+v", b)
	}
	g.say(g.patient, g.health, g.record(g.health)) // while it is open the epoch goes on
	g.say(g.medic, g.access, &ledger.BreakglassEnded{Request: asked.ID})
	refused(t, session(), ledger.ErrInvalid, "emergency is over")
	refused(t, g.try(g.signed(g.patient, g.health, g.record(g.health))), ledger.ErrStale, "opened in an emergency that is over")
	g.say(g.patient, g.health, g.start(g.health))
	g.say(g.patient, g.health, g.record(g.health))
	g.say(g.second, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "the patient was unconscious"})
	g.say(g.patient, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "thank you"})
	if b, _ = g.state.Emergency(g.patient.GID(), asked.ID); len(b.Reviews) != 2 || len(b.Entries()) != 6 {
		t.Errorf("%d reviews, %d entries", len(b.Reviews), len(b.Entries()))
	}
	again := ledger.Emergencies(b.Entries())
	if len(again) != 1 || again[0].Requested != b.Requested || again[0].Ended != b.Ended || len(again[0].Reviews) != 2 {
		t.Errorf("put together again it is %+v", again)
	}
}

// An emergency that nobody ends is over when its time is: the epoch it opened then takes nothing more.
func TestBreakglassLapses(t *testing.T) {
	g := newGlass(t)
	asked := g.open()
	s := g.look(g.medic)
	g.say(g.node, g.access, s)
	b, _ := g.state.Emergency(g.patient.GID(), asked.ID)
	term, err := g.state.Entitled(g.medic.GID(), g.health, ledger.OpRead, g.term.ID, g.now)
	if err != nil || term.Until != b.Expires().UnixMilli() {
		t.Errorf("Entitled = %+v, %v; want the end of the emergency", term, err)
	}
	g.now = b.Expires().Add(-time.Minute)
	refused(t, g.try(g.signed(g.node, g.access, g.look(g.medic))), ledger.ErrInvalid, "longer than the emergency")
	g.now = b.Expires()
	if _, err := g.state.Entitled(g.medic.GID(), g.health, ledger.OpRead, g.term.ID, g.now); err == nil {
		t.Error("entitled when it is over")
	}
	if why, _ := g.state.Stale(g.health, g.now); !strings.Contains(why, "emergency") {
		t.Errorf("Stale = %q", why)
	}
	if b.Overdue(b.ReviewDue()) || !b.Overdue(b.ReviewDue().Add(time.Second)) {
		t.Error("a review is not due within 72 hours")
	}
}

func TestEmergencyTerms(t *testing.T) {
	term := func(edit func(*ledger.Term)) func(*glass) ledger.Term {
		return func(g *glass) ledger.Term {
			t := ledger.Term{ID: g.newTerm(), Expression: "emergency@city-hospital", Approval: "supervisor@city-hospital", History: true}
			edit(&t)
			return t
		}
	}
	for _, tt := range []struct {
		name string
		term func(*glass) ledger.Term
		text string
	}{
		{"as it should be", term(func(*ledger.Term) {}), ""},
		{"two hospitals", term(func(t *ledger.Term) { t.Approval = "doctor@old-clinic" }), ""},
		{"one role for both", term(func(t *ledger.Term) { t.Approval = t.Expression }), ""},
		{"to write", term(func(t *ledger.Term) { t.Write = true }), "is to read"},
		{"from now on", term(func(t *ledger.Term) { t.History = false }), "is to read"},
		{"approved by nobody known", term(func(t *ledger.Term) { t.Approval = "boss@city-hospital" }), "not defined"},
		{"not canonical", term(func(t *ledger.Term) { t.Approval = "Supervisor@city-hospital" }), "who approves"},
		{"not a policy", term(func(t *ledger.Term) { t.Approval = "and" }), "who approves"},
		{"asked for by an insurer", term(func(t *ledger.Term) { t.Expression = "agent@acme-insurance" }), "no part in an emergency"},
		{"approved by an insurer", term(func(t *ledger.Term) { t.Approval = "agent@acme-insurance" }), "no part in an emergency"},
		{"approved by an insurer, too", term(func(t *ledger.Term) { t.Approval = "agent@acme-insurance or supervisor@city-hospital" }), "no part in an emergency"},
		{"approved by an employer and a hospital", term(func(t *ledger.Term) { t.Approval = "hr@initech and supervisor@city-hospital" }), "no part in an emergency"},
		{"asked for by a trainer", term(func(t *ledger.Term) { t.Expression = "trainer@city-club" }), "without an attribute of a hospital"},
		{"approved by every patient", term(func(t *ledger.Term) { t.Approval = "patient@phr" }), "alone satisfies it"},
		{"kept, and now to write", func(g *glass) ledger.Term { t := g.term; t.Write = true; return t }, "is to read"},
		{"kept, and approved by others", func(g *glass) ledger.Term { t := g.term; t.Approval = "doctor@old-clinic"; return t }, "a term keeps"},
		{"kept, and no longer for emergencies", func(g *glass) ledger.Term { t := g.term; t.Approval = ""; return t }, "a term keeps"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGlass(t)
			added := tt.term(g)
			b := g.without(g.health, added.ID)
			b.Terms = append(b.Terms, added)
			if err := g.try(g.signed(g.patient, g.health, b)); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// An epoch holds all three parts for an emergency term, each made for its side.
func TestEmergencyParts(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*glass, []ledger.Part) []ledger.Part
		text string
	}{
		{"all three", func(_ *glass, p []ledger.Part) []ledger.Part { return p }, ""},
		{"no approval", func(_ *glass, p []ledger.Part) []ledger.Part { return append(p[:1:1], p[2]) }, "is missing"},
		{"no release", func(_ *glass, p []ledger.Part) []ledger.Part { return p[:2] }, "is missing"},
		{"no wrap", func(_ *glass, p []ledger.Part) []ledger.Part { return p[1:] }, "is missing"},
		{"an approval to those who ask", func(_ *glass, p []ledger.Part) []ledger.Part { p[1].Expression = p[0].Expression; return p }, "not made for its term"},
		{"a wrap to those who approve", func(_ *glass, p []ledger.Part) []ledger.Part { p[0].Expression = p[1].Expression; return p }, "not made for its term"},
		{"an approval at another version", func(_ *glass, p []ledger.Part) []ledger.Part { p[1].Versions = []uint32{2}; return p }, "another version"},
		{"an approval under another key", func(_ *glass, p []ledger.Part) []ledger.Part { p[1].Keys = []ledger.Hash{{1}}; return p }, "is not the one a wrap names"},
		{"a release with an expression", func(_ *glass, p []ledger.Part) []ledger.Part { p[2].Expression = p[1].Expression; return p }, "not made for its term"},
		{"a release with keys", func(_ *glass, p []ledger.Part) []ledger.Part { p[2].Keys = p[1].Keys; return p }, "not sealed to a policy"},
		{"an approval for an ordinary term", func(g *glass, p []ledger.Part) []ledger.Part {
			p[1].Term, p[1].Name = g.byDoctor, ledger.ApprovalName(g.byDoctor)
			return p
		}, "not made for its term"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGlass(t)
			next := g.start(g.health)
			own := next.Parts[len(next.Parts)-3:]
			next.Parts = append(next.Parts[:len(next.Parts)-3:len(next.Parts)-3], tt.edit(g, own)...)
			if err := g.try(g.signed(g.patient, g.health, next)); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
			added := ledger.Term{ID: g.newTerm(), Expression: "emergency@city-hospital", Approval: "supervisor@city-hospital", History: true}
			g.say(g.patient, g.health, g.set(g.health, added))
			f, _ := g.state.Compartment(g.health)
			parts := &ledger.EpochRewrapped{Epoch: f.Epoch.Number, Parts: tt.edit(g, g.wraps(added))}
			if err := g.try(g.signed(g.patient, g.health, parts)); (err == nil) != (tt.text == "") {
				t.Errorf("added later: %v", err)
			}
		})
	}
}

// A release names nodes, and finds what is sealed to one.
func TestRelease(t *testing.T) {
	node := cast().node.GID()
	r := &ledger.Release{Nodes: []ledger.Released{{Node: node, Sealed: []byte{1}}}}
	again, err := ledger.ParseRelease(must(r.Marshal()))
	if err != nil {
		t.Fatal(err)
	}
	if sealed, ok := again.For(node); !ok || sealed[0] != 1 {
		t.Error("what is sealed to the node is not found")
	}
	if _, ok := again.For(cast().root.GID()); ok {
		t.Error("something is sealed to nobody")
	}
	for name, data := range map[string][]byte{
		"empty": nil, "no nodes": must((&ledger.Release{}).Marshal()), "too many": must((&ledger.Release{Nodes: make([]ledger.Released, 17)}).Marshal()),
		"trailing": append(must(r.Marshal()), 0),
	} {
		if _, err := ledger.ParseRelease(data); err == nil {
			t.Errorf("%s: parsed", name)
		}
	}
}

// A record that is erased as a whole takes the review that is still due, and nothing else of an emergency but its end.
func TestBreakglassOnAnErasedRecord(t *testing.T) {
	g := newGlass(t)
	open, over := g.say(g.both, g.access, g.request()), g.over()
	for _, c := range []ledger.Chain{g.health, g.training} {
		g.say(g.patient, c, &ledger.CompartmentErased{})
	}
	g.say(g.patient, g.profile, &ledger.PatientErased{Reason: "emigrated"})
	refused(t, g.try(g.signed(g.medic, g.access, g.request())), ledger.ErrInvalid, "is erased")
	refused(t, g.try(g.signed(g.chief, g.access, &ledger.BreakglassApproved{Request: open.ID, Share: []byte{1}, Epoch: 1})), ledger.ErrInvalid, "is erased")
	refused(t, g.try(g.signed(g.node, g.access, g.look(g.both))), ledger.ErrInvalid, "is erased")
	g.say(g.both, g.access, &ledger.BreakglassEnded{Request: open.ID})
	g.say(g.second, g.access, &ledger.BreakglassReviewed{Request: over.ID, Finding: "all well"})
}
