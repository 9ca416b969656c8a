package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

func gid(c *client.Client) string { return "gid:" + string(c.GID()) }

// A grant to a person lets that person in, and nobody else; they need not fetch their key first.
func TestGrantToPerson(t *testing.T) {
	w := inTown(t)
	maria, ana, eve := w.patient(), w.person(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	must(t, eve.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "one")
	granted := w.grant(hers, client.GrantRequest{To: gid(ana)})
	w.reads("the person named", w.book(ana, maria, ledger.Health), "one")
	w.barred("somebody else", w.book(eve, maria, ledger.Health))
	w.barred("the person named, in another compartment,", w.book(ana, maria, ledger.Training))
	w.refused("the person named", w.book(ana, maria, ledger.Health))

	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	w.barred("the person named, revoked,", w.book(ana, maria, ledger.Health))
}

// A grant to a person in a role asks for both.
func TestGrantToPersonInRole(t *testing.T) {
	w := inTown(t)
	maria, ruiz, other, agent := w.patient(), w.person(), w.the("doctor@city-hospital"), w.person()
	w.enrol(ruiz, "doctor@city-hospital")
	must(t, agent.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: gid(ruiz) + " and doctor@city-hospital", Write: true})
	w.grant(hers, client.GrantRequest{To: gid(agent) + " and doctor@city-hospital"})
	w.write(w.book(ruiz, maria, ledger.Health), "from the doctor")
	w.barred("a doctor who is not named", w.book(other, maria, ledger.Health))
	w.barred("one who is named and no doctor", w.book(agent, maria, ledger.Health))
	w.reads("the patient", hers, "from the doctor")
}

func TestGrantUntil(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "one")
	w.grant(hers, client.GrantRequest{To: gid(ana), Until: w.clock.now().Add(time.Hour)})
	his := w.book(ana, maria, ledger.Health)
	w.reads("the person named", his, "one")
	w.clock.forward(time.Hour)
	w.barred("the person named, an hour later,", his)
	w.write(hers, "two")
	if f, err := hers.Fact(w.ctx); err != nil || f.Epoch.Number != 2 {
		t.Errorf("after the term ended: epoch %d, %v; want a new one", f.Epoch.Number, err)
	}
	for _, e := range hers.Entries()[1:] {
		if his.Opens(e) {
			t.Error("what was written after the term ended opens under old keys")
		}
	}
	if _, err := hers.Grant(w.ctx, client.GrantRequest{To: gid(ana), Until: w.clock.now().Add(-time.Second)}); err == nil {
		t.Error("granted something that has ended")
	}
}

// From now on: what is older stays sealed, what comes is read, also after the epoch has changed.
func TestGrantFromNow(t *testing.T) {
	w := inTown(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "old")
	must(t, hers.Rotate(w.ctx))
	w.write(hers, "older than the grant")
	w.grant(hers, client.GrantRequest{To: gid(ana), FromNow: true})
	his := w.book(ana, maria, ledger.Health)
	w.reads("the person named", his, "?", "?")
	w.write(hers, "new")
	must(t, hers.Rotate(w.ctx))
	w.write(hers, "newer")
	w.reads("the person named", his, "?", "?", "new", "newer")
	w.reads("the patient", hers, "old", "older than the grant", "new", "newer")
}

// Whoever is given the past and the present under two grants reads both, and so they do when they could read one before.
func TestGrantHistoryLater(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.connect(w.the("doctor@city-hospital").Home())
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "old")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, FromNow: true})
	his := w.book(ruiz, maria, ledger.Health)
	w.write(his, "new")
	w.reads("the doctor", his, "?", "new")
	w.grant(hers, client.GrantRequest{To: gid(ruiz)})
	ruiz.EndSessions()
	w.reads("the doctor with history", his, "old", "new")
	w.write(his, "newer")
	w.reads("the doctor after writing", his, "old", "new", "newer")
}

// The past is reached through links, whoever started the epochs between.
func TestHistoryByLinks(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(ruiz, maria, ledger.Health)
	want := []string{"in the first epoch"}
	w.write(hers, want...)
	for _, b := range []*client.Book{hers, his, his, hers} {
		must(t, b.Rotate(w.ctx))
		want = append(want, w.texts(hers)[0]+" and then", "by the doctor")
		w.write(hers, want[len(want)-2])
		w.write(his, want[len(want)-1])
	}
	agent := w.the("agent@acme-insurance")
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	w.reads("the newcomer", w.book(agent, maria, ledger.Health), want...)
	w.reads("the doctor", his, want...)
	fresh := w.connect(ruiz.Home())
	w.reads("the doctor, anew,", w.book(fresh, maria, ledger.Health), want...)
}

// A writer who is not given the past starts an epoch without a link. The patient adds it before it is too late.
func TestPendingLink(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "old")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, FromNow: true})
	his := w.book(ruiz, maria, ledger.Health)
	w.write(his, "new")
	must(t, his.Rotate(w.ctx))
	f, err := hers.Fact(w.ctx)
	must(t, err)
	if _, there := f.Epoch.Part(ledger.PartLink); there {
		t.Error("whoever does not have the past made a link to it")
	}
	agent := w.the("agent@acme-insurance")
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	w.reads("the newcomer", w.book(agent, maria, ledger.Health), "old", "new")

	must(t, his.Rotate(w.ctx))
	must(t, hers.Rotate(w.ctx))
	w.write(hers, "newest")
	hr := w.the("hr@acme-works")
	w.grant(hers, client.GrantRequest{To: "hr@acme-works"})
	w.reads("the next newcomer", w.book(hr, maria, ledger.Health), "old", "new", "newest")
}

func TestRevokeOneOfTwo(t *testing.T) {
	w := inTown(t)
	maria, ana, ben := w.patient(), w.person(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	must(t, ben.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "one")
	first := w.grant(hers, client.GrantRequest{To: gid(ana)})
	w.grant(hers, client.GrantRequest{To: gid(ben)})
	a, b := w.book(ana, maria, ledger.Health), w.book(ben, maria, ledger.Health)
	w.reads("the first", a, "one")
	w.reads("the second", b, "one")
	must(t, hers.Revoke(w.ctx, first.Term.ID))
	w.write(hers, "two")
	w.barred("the first, revoked,", a)
	w.reads("the second", b, "one", "two")
	for _, e := range hers.Entries()[1:] {
		if a.Opens(e) {
			t.Error("what was written after the revocation opens under the keys of before")
		}
	}
	if err := hers.Revoke(w.ctx, first.Term.ID); err == nil || !strings.Contains(err.Error(), "phr grants") {
		t.Errorf("revoking twice: %v", err)
	}
}

func TestGrantRefused(t *testing.T) {
	w := inTown(t)
	w.the("agent@acme-insurance")
	w.the("trainer@iron-gym")
	w.the("doctor@city-hospital")
	maria := w.patient()
	other := w.person()
	must(t, other.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	somebody := gid(other)
	stranger, _, err := identity.Generate(neverEnds{})
	must(t, err)
	for _, c := range []struct {
		name, says string
		request    client.GrantRequest
	}{
		{"write for an insurer", "never write", client.GrantRequest{To: "agent@acme-insurance", Write: true}},
		{"write for a trainer on health", "doctor@city-hospital", client.GrantRequest{To: "trainer@iron-gym", Write: true}},
		{"write for a person alone", somebody + " and doctor@city-hospital", client.GrantRequest{To: somebody, Write: true}},
		{"the bare registry", "let everybody in", client.GrantRequest{To: "patient@phr"}},
		{"two people in one grant", "a grant for each", client.GrantRequest{To: somebody + " and " + gid(maria)}},
		{"a person in an or", "a grant for each", client.GrantRequest{To: somebody + " or doctor@city-hospital"}},
		{"a person below an or", "a grant for each", client.GrantRequest{To: "(" + somebody + " or a@city-hospital) and doctor@city-hospital"}},
		{"somebody who is not registered", "registered", client.GrantRequest{To: "gid:" + string(stranger.GID())}},
		{"no GID", "whom to grant to", client.GrantRequest{To: "gid:nobody"}},
		{"an authority that is none", "nowhere", client.GrantRequest{To: "doctor@nowhere"}},
		{"an attribute that is none", "not defined", client.GrantRequest{To: "surgeon@city-hospital"}},
		{"a version", "#", client.GrantRequest{To: "doctor@city-hospital#3"}},
		{"nobody", "whom to grant to", client.GrantRequest{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if granted, err := hers.Grant(w.ctx, c.request); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("granted %v, %v; want an error that says %q", granted, err, c.says)
			}
		})
	}
	if f, err := hers.Fact(w.ctx); err != nil || len(f.Terms) != 0 || f.Epoch.Number != 1 {
		t.Errorf("after nothing but refusals: terms %v, epoch %d, %v", f.Terms, f.Epoch.Number, err)
	}
	his := w.book(other, maria, ledger.Health)
	if _, err := his.Grant(w.ctx, client.GrantRequest{To: gid(other)}); err == nil {
		t.Error("somebody else granted")
	}
}

// neverEnds gives the bytes of an identity that nobody has.
type neverEnds struct{}

func (neverEnds) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i*7 + 1)
	}
	return len(p), nil
}

func TestCompartments(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	must(t, maria.CreateCompartment(w.ctx, "emergency", ledger.HealthClass))
	if err := maria.CreateCompartment(w.ctx, "emergency", ledger.HealthClass); !errors.Is(err, client.ErrExists) {
		t.Errorf("creating a compartment twice: %v, want ErrExists", err)
	}
	for _, name := range []ledger.Compartment{"profile", "access", "a b", "", "x.y"} {
		if err := maria.CreateCompartment(w.ctx, name, ledger.HealthClass); err == nil {
			t.Errorf("created %q", name)
		}
	}
	must(t, maria.RegisterPatient(w.ctx))
	facts, err := maria.Compartments(w.ctx)
	must(t, err)
	var names []ledger.Compartment
	for _, f := range facts {
		names = append(names, f.Chain.Compartment)
	}
	if want := []ledger.Compartment{"emergency", ledger.Health, ledger.Training}; !slices.Equal(names, want) {
		t.Errorf("compartments %q, want %q", names, want)
	}
	if _, err := w.book(maria, maria, "nothing").Write(w.ctx, notes("x"), nil); err == nil || !strings.Contains(err.Error(), "compartment list") {
		t.Errorf("writing to a compartment that is not there: %v", err)
	}
}
