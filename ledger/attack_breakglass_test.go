package ledger_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
)

// step is something that is said in an emergency, and why it does not count.
type step struct {
	name string
	say  func(*glass) *ledger.Event
	text string // empty: it counts
}

func tryAll(t *testing.T, steps []step) {
	t.Helper()
	for _, tt := range steps {
		t.Run(tt.name, func(t *testing.T) {
			g := newGlass(t)
			e := tt.say(g)
			before := g.state.Copy()
			if err := g.try(e); tt.text == "" {
				if err != nil {
					t.Error(err)
				}
				return
			} else {
				refused(t, err, ledger.ErrInvalid, tt.text)
			}
			if !g.state.Equal(before) {
				t.Error("it was refused, and changed the State")
			}
		})
	}
}

// requested is a request after an edit.
func requested(by func(*glass) *person, edit func(*glass, *ledger.BreakglassRequested)) func(*glass) *ledger.Event {
	return func(g *glass) *ledger.Event {
		b := g.request()
		edit(g, b)
		return g.signed(by(g), g.access, b)
	}
}

func medic(g *glass) *person { return g.medic }

func TestAttack52_Requests(t *testing.T) {
	unchanged := func(*glass, *ledger.BreakglassRequested) {}
	tryAll(t, []step{
		{"as it should be", requested(medic, unchanged), ""},
		{"by one who may approve only", requested(func(g *glass) *person { return g.chief }, unchanged), "does not hold"},
		{"by an insurer", requested(func(g *glass) *person { return g.agent }, unchanged), "does not hold"},
		{"by a doctor of the house", requested(func(g *glass) *person { return g.doctor }, unchanged), "does not hold"},
		{"by nobody", requested(func(g *glass) *person { return newPerson("stranger") }, unchanged), "not registered"},
		{"by the patient", requested(func(g *glass) *person { return g.patient }, unchanged), "always open"},
		{"by the node", requested(func(g *glass) *person { return g.node }, unchanged), "does not hold"},
		{"without a reason", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Reason = "" }), "at least 20"},
		{"with too short a reason", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Reason = strings.Repeat("x", 19) }), "at least 20"},
		{"with a reason of blanks", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Reason = "x" + strings.Repeat(" ", 40) }), "at least 20"},
		{"with 20 letters of many bytes", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Reason = strings.Repeat("ü", 20) }), ""},
		{"with an endless reason", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Reason = strings.Repeat("x", 1001) }), "at most"},
		{"for too long", requested(medic, func(g *glass, b *ledger.BreakglassRequested) {
			b.Expires = g.now.Add(ledger.MaxEmergency + time.Millisecond).UnixMilli()
		}), "ends within"},
		{"for no time", requested(medic, func(g *glass, b *ledger.BreakglassRequested) { b.Expires = g.now.UnixMilli() }), "ends within"},
		{"for ever", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Expires = 1<<63 - 1 }), "ends within"},
		{"by an ordinary term", requested(medic, func(g *glass, b *ledger.BreakglassRequested) { b.Term = g.byDoctor }), "not for emergencies"},
		{"by no term", requested(medic, func(g *glass, b *ledger.BreakglassRequested) { b.Term = g.newTerm() }), "not in force"},
		{"in another compartment", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Compartment = ledger.Training }), "not in force"},
		{"in none", requested(medic, func(_ *glass, b *ledger.BreakglassRequested) { b.Compartment = "a.>" }), "malformed"},
		{"twice", func(g *glass) *ledger.Event { g.ask(); return g.signed(g.medic, g.access, g.request()) }, "not over"},
		{"after it was taken back", func(g *glass) *ledger.Event {
			g.say(g.medic, g.access, &ledger.BreakglassEnded{Request: g.ask().ID})
			return g.signed(g.medic, g.access, g.request())
		}, ""},
		{"on another patient's chain", func(g *glass) *ledger.Event {
			return g.signed(g.medic, ledger.RecordChain(g.other.GID(), ledger.Access), g.request())
		}, "not in force"},
		{"in a session", func(g *glass) *ledger.Event {
			s := g.world.open(g.doctor, g.health, ledger.OpWrite, g.byDoctor)
			return g.signed(g.medic, g.access, g.request(), in(s))
		}, "names no session"},
		{"after the attribute was taken away", func(g *glass) *ledger.Event {
			g.remove(g.medic, "emergency")
			return g.signed(g.medic, g.access, g.request())
		}, "does not hold"},
		{"after the patient denied it", func(g *glass) *ledger.Event {
			g.deny()
			return g.signed(g.medic, g.access, g.request())
		}, "not in force"},
		{"before the epoch has the parts it takes", func(g *glass) *ledger.Event {
			b := g.request()
			b.Term = g.newTerm()
			g.say(g.patient, g.health, g.set(g.health, ledger.Term{
				ID: b.Term, Expression: g.term.Expression, Approval: g.term.Approval, History: true,
			}))
			return g.signed(g.medic, g.access, b)
		}, "without what it takes"},
	})
}

// remove takes an attribute of the hospital away.
func (g *glass) remove(p *person, attribute string) {
	g.say(g.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{GID: p.GID(), Attributes: []string{attribute}})
}

// deny takes the emergency term away.
func (g *glass) deny() {
	b := g.without(g.health, g.term.ID)
	g.say(g.patient, g.health, b)
	g.terms[g.health] = b.Terms
	g.say(g.patient, g.health, g.start(g.health))
}

// approves is an approval by somebody after an edit.
func approves(by func(*glass) *person, edit func(*glass, *ledger.BreakglassApproved)) func(*glass) *ledger.Event {
	return func(g *glass) *ledger.Event {
		b := g.approval(g.ask())
		edit(g, b)
		return g.signed(by(g), g.access, b)
	}
}

func chief(g *glass) *person { return g.chief }

func TestAttack52_Approvals(t *testing.T) {
	unchanged := func(*glass, *ledger.BreakglassApproved) {}
	tryAll(t, []step{
		{"as it should be", approves(chief, unchanged), ""},
		{"by who asked", approves(medic, unchanged), "two people"},
		{"by who asked and holds both attributes", func(g *glass) *ledger.Event {
			asked := g.say(g.both, g.access, g.request())
			return g.signed(g.both, g.access, g.approval(asked))
		}, "two people"},
		{"by another who holds both", approves(func(g *glass) *person { return g.both }, unchanged), ""},
		{"by another of the emergency room", func(g *glass) *ledger.Event {
			g.enrol(g.hospital, g.nobody, "emergency")
			return g.signed(g.nobody, g.access, g.approval(g.ask()))
		}, "does not hold"},
		{"by an insurer", approves(func(g *glass) *person { return g.agent }, unchanged), "does not hold"},
		{"by the node", approves(func(g *glass) *person { return g.node }, unchanged), "does not hold"},
		{"without a share", approves(chief, func(_ *glass, b *ledger.BreakglassApproved) { b.Share = nil }), "no share"},
		{"with a share of many bytes", approves(chief, func(_ *glass, b *ledger.BreakglassApproved) { b.Share = make([]byte, 2049) }), "no share"},
		{"of another epoch", approves(chief, func(_ *glass, b *ledger.BreakglassApproved) { b.Epoch++ }), "not the current one"},
		{"of no epoch", approves(chief, func(_ *glass, b *ledger.BreakglassApproved) { b.Epoch = 0 }), "not the current one"},
		{"of a request that nobody made", approves(chief, func(_ *glass, b *ledger.BreakglassApproved) { b.Request[3]++ }), "no request"},
		{"replayed", func(g *glass) *ledger.Event {
			asked := g.ask()
			b := g.approval(asked)
			g.say(g.chief, g.access, b)
			return g.signed(g.chief, g.access, b)
		}, "approved already"},
		{"by a second one", func(g *glass) *ledger.Event {
			return g.signed(g.second, g.access, g.approval(g.approve(g.ask())))
		}, "approved already"},
		{"too late", func(g *glass) *ledger.Event {
			asked := g.ask()
			g.now = g.now.Add(time.Hour)
			return g.signed(g.chief, g.access, g.approval(asked))
		}, "is over"},
		{"after it was taken back", func(g *glass) *ledger.Event {
			asked := g.ask()
			g.say(g.medic, g.access, &ledger.BreakglassEnded{Request: asked.ID})
			return g.signed(g.chief, g.access, g.approval(asked))
		}, "is over"},
		{"after the approver left", func(g *glass) *ledger.Event {
			asked := g.ask()
			g.remove(g.chief, "supervisor")
			return g.signed(g.chief, g.access, g.approval(asked))
		}, "does not hold"},
		{"after the patient denied it", func(g *glass) *ledger.Event {
			asked := g.ask()
			g.deny()
			return g.signed(g.chief, g.access, g.approval(asked))
		}, "not in force"},
		{"on another patient's chain", func(g *glass) *ledger.Event {
			return g.signed(g.chief, ledger.RecordChain(g.other.GID(), ledger.Access), g.approval(g.ask()))
		}, "no request"},
	})
}

func TestAttack52_Openings(t *testing.T) {
	opens := func(edit func(*glass, *ledger.BreakglassOpened)) func(*glass) *ledger.Event {
		return func(g *glass) *ledger.Event {
			b := g.opening(g.approve(g.ask()))
			edit(g, b)
			return g.signed(g.node, g.access, b)
		}
	}
	tryAll(t, []step{
		{"as it should be", opens(func(*glass, *ledger.BreakglassOpened) {}), ""},
		{"that nobody approved", func(g *glass) *ledger.Event {
			b := g.opening(g.ask())
			b.Approver = g.chief.GID()
			return g.signed(g.node, g.access, b)
		}, "nobody has approved"},
		{"to another", opens(func(g *glass, b *ledger.BreakglassOpened) { b.Requester = g.both.GID() }), "another requester"},
		{"in another's name", opens(func(g *glass, b *ledger.BreakglassOpened) { b.Approver = g.second.GID() }), "another requester"},
		{"for longer", opens(func(_ *glass, b *ledger.BreakglassOpened) { b.Expires++ }), "another requester"},
		{"of no request", opens(func(_ *glass, b *ledger.BreakglassOpened) { b.Request[1]++ }), "no request"},
		{"by who asked", func(g *glass) *ledger.Event { return g.signed(g.medic, g.access, g.opening(g.approve(g.ask()))) }, "not a node"},
		{"by the patient", func(g *glass) *ledger.Event { return g.signed(g.patient, g.access, g.opening(g.approve(g.ask()))) }, "not a node"},
		{"twice", func(g *glass) *ledger.Event { return g.signed(g.node, g.access, g.opening(g.open())) }, "opened already"},
		{"too late", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.now = g.now.Add(time.Hour)
			return g.signed(g.node, g.access, g.opening(asked))
		}, "is over"},
		{"after the patient ended it", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.say(g.patient, g.access, &ledger.BreakglassEnded{Request: asked.ID})
			return g.signed(g.node, g.access, g.opening(asked))
		}, "is over"},
		{"after the epoch moved", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.say(g.patient, g.health, g.start(g.health))
			return g.signed(g.node, g.access, g.opening(asked))
		}, "not the current one"},
		{"after who asked was removed", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.remove(g.medic, "emergency")
			return g.signed(g.node, g.access, g.opening(asked))
		}, "does not hold"},
		{"after who approved was removed", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.remove(g.chief, "supervisor")
			return g.signed(g.node, g.access, g.opening(asked))
		}, "does not hold"},
		{"after who approved revoked their identity", func(g *glass) *ledger.Event {
			asked := g.approve(g.ask())
			g.say(g.chief, ledger.PersonChain(g.chief.GID()), &ledger.IdentityRevoked{Reason: "lost"})
			return g.signed(g.node, g.access, g.opening(asked))
		}, "revoked"},
	})
}

// Sessions by an emergency term, whoever opens them.
func TestAttack52_Sessions(t *testing.T) {
	session := func(p func(*glass) *person, edit func(*glass, *ledger.SessionOpened)) func(*glass) *ledger.Event {
		return func(g *glass) *ledger.Event {
			g.open()
			b := g.look(p(g))
			edit(g, b)
			return g.signed(g.node, g.access, b)
		}
	}
	unchanged := func(*glass, *ledger.SessionOpened) {}
	tryAll(t, []step{
		{"as it should be", session(medic, unchanged), ""},
		{"of who approved", session(chief, unchanged), "does not hold"},
		{"of another of the emergency room", session(func(g *glass) *person { return g.both }, unchanged), "none was opened"},
		{"of an insurer", session(func(g *glass) *person { return g.agent }, unchanged), "does not hold"},
		{"to write", session(medic, func(_ *glass, b *ledger.SessionOpened) { b.Operation = ledger.OpWrite }), "reading only"},
		{"that was asked for only", func(g *glass) *ledger.Event { g.ask(); return g.signed(g.node, g.access, g.look(g.medic)) }, "none was opened"},
		{"that was approved only", func(g *glass) *ledger.Event { g.approve(g.ask()); return g.signed(g.node, g.access, g.look(g.medic)) }, "none was opened"},
		{"when it is over", func(g *glass) *ledger.Event { g.over(); return g.signed(g.node, g.access, g.look(g.medic)) }, "is over"},
		{"when it has expired", func(g *glass) *ledger.Event {
			g.open()
			g.now = g.now.Add(time.Hour)
			return g.signed(g.node, g.access, g.look(g.medic))
		}, "is over"},
		{"after who asked was removed", func(g *glass) *ledger.Event {
			g.open()
			g.remove(g.medic, "emergency")
			return g.signed(g.node, g.access, g.look(g.medic))
		}, "does not hold"},
		{"renewed when it is over", func(g *glass) *ledger.Event {
			asked := g.open()
			b := g.look(g.medic)
			g.say(g.node, g.access, b)
			g.say(g.patient, g.access, &ledger.BreakglassEnded{Request: asked.ID})
			return g.signed(g.node, g.access, &ledger.SessionRenewed{Session: b.Session, Expires: g.now.Add(time.Minute).UnixMilli()})
		}, "is over"},
		{"renewed beyond its end", func(g *glass) *ledger.Event {
			g.open()
			g.now = g.now.Add(50 * time.Minute)
			b := g.look(g.medic)
			b.Expires = g.now.Add(time.Minute).UnixMilli()
			g.say(g.node, g.access, b)
			return g.signed(g.node, g.access, &ledger.SessionRenewed{Session: b.Session, Expires: g.now.Add(14 * time.Minute).UnixMilli()})
		}, "longer than the emergency"},
	})
}

func TestAttack52_EndsAndReviews(t *testing.T) {
	ends := func(by func(*glass) *person) func(*glass) *ledger.Event {
		return func(g *glass) *ledger.Event {
			return g.signed(by(g), g.access, &ledger.BreakglassEnded{Request: g.open().ID})
		}
	}
	reviews := func(by func(*glass) *person) func(*glass) *ledger.Event {
		return func(g *glass) *ledger.Event {
			return g.signed(by(g), g.access, &ledger.BreakglassReviewed{Request: g.over().ID, Finding: "all well"})
		}
	}
	patient := func(g *glass) *person { return g.patient }
	second := func(g *glass) *person { return g.second }
	tryAll(t, []step{
		{"ended by the patient", ends(patient), ""},
		{"ended by who asked", ends(medic), ""},
		{"ended by who approved", ends(chief), ""},
		{"ended by another", ends(second), "may end it"},
		{"ended by the node", ends(func(g *glass) *person { return g.node }), "may end it"},
		{"ended twice", func(g *glass) *ledger.Event {
			return g.signed(g.patient, g.access, &ledger.BreakglassEnded{Request: g.over().ID})
		}, "over already"},
		{"reviewed by the patient", reviews(patient), ""},
		{"reviewed by another who could have approved", reviews(second), ""},
		{"reviewed by who asked", reviews(medic), "had a part"},
		{"reviewed by who approved", reviews(chief), "had a part"},
		{"reviewed by a doctor", reviews(func(g *glass) *person { return g.doctor }), "does not hold"},
		{"reviewed by an insurer", reviews(func(g *glass) *person { return g.agent }), "does not hold"},
		{"reviewed without a word", func(g *glass) *ledger.Event {
			return g.signed(g.second, g.access, &ledger.BreakglassReviewed{Request: g.over().ID, Finding: "  "})
		}, "says what was found"},
		{"reviewed while it is open", func(g *glass) *ledger.Event {
			return g.signed(g.second, g.access, &ledger.BreakglassReviewed{Request: g.open().ID, Finding: "all well"})
		}, "not over"},
		{"reviewed when nothing was opened", func(g *glass) *ledger.Event {
			asked := g.ask()
			g.say(g.medic, g.access, &ledger.BreakglassEnded{Request: asked.ID})
			return g.signed(g.second, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "all well"})
		}, "nothing was opened"},
		{"reviewed twice", func(g *glass) *ledger.Event {
			asked := g.over()
			g.say(g.second, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "all well"})
			return g.signed(g.both, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "all well"})
		}, "reviewed already"},
		{"reviewed after the patient did", func(g *glass) *ledger.Event {
			asked := g.over()
			g.say(g.patient, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "why me"})
			return g.signed(g.second, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "all well"})
		}, ""},
		{"reviewed when the patient has denied it since", func(g *glass) *ledger.Event {
			asked := g.over()
			g.deny()
			return g.signed(g.second, g.access, &ledger.BreakglassReviewed{Request: asked.ID, Finding: "all well"})
		}, ""},
	})
}
