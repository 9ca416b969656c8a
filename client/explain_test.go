package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// explained returns a term of an explanation.
func explained(t testing.TB, x *client.Explanation, id ledger.TermID) client.ExplainedTerm {
	t.Helper()
	i := slices.IndexFunc(x.Terms, func(t client.ExplainedTerm) bool { return t.ID == id })
	if i < 0 {
		t.Fatalf("no term %s is explained", id)
	}
	return x.Terms[i]
}

// judges are people who hold different things, by name.
func (w *world) judges() map[string]*client.Client {
	all := map[string]*client.Client{
		"two roles": w.person(), "nurse": w.person(), "trainer": w.person(), "agent": w.person(), "elsewhere": w.person(), "nobody": w.person(),
	}
	w.enrol(all["two roles"], "doctor@city-hospital", "nurse@city-hospital")
	w.enrol(all["nurse"], "nurse@city-hospital")
	w.enrol(all["trainer"], "trainer@iron-gym")
	w.enrol(all["agent"], "agent@acme-insurance")
	w.enrol(all["elsewhere"], "doctor@county-hospital")
	must(w.t, all["nobody"].RegisterIdentity(w.ctx))
	return all
}

var whom = []string{"doctor@city-hospital", "nurse@city-hospital", "trainer@iron-gym", "agent@acme-insurance", "doctor@county-hospital"}

// drawRequest draws what a grant asks for.
func drawRequest(people []*client.Client) *rapid.Generator[client.GrantRequest] {
	return rapid.Custom(func(rt *rapid.T) client.GrantRequest {
		return client.GrantRequest{To: drawTo(rt, people), Write: rapid.Bool().Draw(rt, "write"), FromNow: rapid.Bool().Draw(rt, "from now")}
	})
}

// drawTo draws whom a grant is for: attributes joined somehow, and sometimes a person.
func drawTo(rt *rapid.T, people []*client.Client) string {
	var draw func(depth int) string
	draw = func(depth int) string {
		word := rapid.SampledFrom([]string{"", " and ", " or ", "of"}).Draw(rt, "word")
		if word == "" || depth == 0 {
			return rapid.SampledFrom(whom).Draw(rt, "attribute")
		}
		parts := make([]string, rapid.IntRange(2, 3).Draw(rt, "operands"))
		for i := range parts {
			parts[i] = "(" + draw(depth-1) + ")"
		}
		if word == "of" {
			return fmt.Sprintf("%d of (%s)", rapid.IntRange(1, len(parts)).Draw(rt, "k"), strings.Join(parts, ", "))
		}
		return "(" + strings.Join(parts, word) + ")"
	}
	switch rapid.IntRange(0, 3).Draw(rt, "person") {
	case 0:
		return gid(rapid.SampledFrom(people).Draw(rt, "who"))
	case 1:
		return gid(rapid.SampledFrom(people).Draw(rt, "who")) + " and " + draw(1)
	}
	return draw(2)
}

// What is explained is what the gate does, for any policy and anybody, and what was considered is what is then granted. So it
// stays when people leave, attributes move on, authorities are suspended, and time goes by.
func TestExplainedAsTheGateDoes(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "one")
	judges := w.judges()
	people := []*client.Client{judges["agent"], judges["nobody"], judges["nurse"]}
	var granted []ledger.TermID
	verdicts := 0
	compare := func(ids ...ledger.TermID) {
		w.clock.forward(10 * time.Second) // nobody says hello too often
		for name, c := range judges {
			x, err := hers.Explain(w.ctx, string(c.GID()))
			must(t, err)
			b := w.book(c, maria, ledger.Health)
			for _, id := range ids {
				e := explained(t, x, id)
				for op, may := range map[ledger.Operation]bool{ledger.OpRead: e.MayRead, ledger.OpWrite: e.MayWrite} {
					if err := b.Force(w.ctx, op, id); (err == nil) != may {
						t.Errorf("%q to %s: it is explained that %s (holding %v) may: %v; the gate says %v", e.Expression, op, name, e.Held, may, err)
					}
					verdicts++
				}
			}
		}
	}
	policies := 6
	if raceEnabled {
		policies = 2
	}
	for seed := range policies {
		r := drawRequest(people).Example(seed)
		considered, err := hers.Consider(w.ctx, r.To, ledger.TermID{}, "")
		must(t, err)
		g, err := hers.Grant(w.ctx, r)
		if err != nil {
			r.Write = false // it is not for those who may write
			g, err = hers.Grant(w.ctx, r)
			must(t, err)
		}
		granted = append(granted, g.Term.ID)
		compare(g.Term.ID)
		for name, c := range judges {
			x, err := hers.Explain(w.ctx, string(c.GID()))
			must(t, err)
			if in := letIn(considered, c, whatHolds(name)); in != explained(t, x, g.Term.ID).Satisfied {
				t.Errorf("%q: it was considered that %s would be let in: %v", r.To, name, in)
			}
		}
	}
	// Whoever acts for her, an insurer's agent too, goes by their name; an emergency is no reason for an ordinary session.
	acting, err := maria.AddProxy(w.ctx, client.ProxyRequest{
		To: judges["agent"].GID(), Compartments: []ledger.Compartment{ledger.Health}, Write: true, Until: w.clock.now().Add(300 * time.Hour),
	})
	must(t, err)
	emergency, err := hers.AllowEmergency(w.ctx, "nurse@city-hospital", "doctor@city-hospital")
	must(t, err)
	compare(acting[0].Term.ID, emergency.Term.ID)
	granted = append(granted, acting[0].Term.ID)
	last := granted[max(0, len(granted)-4):]
	w.version(w.authority("county-hospital"), "doctor", 2)
	w.grant(hers, client.GrantRequest{To: gid(judges["nobody"]), Until: w.clock.now().Add(time.Hour)})
	w.say(w.authority("city-hospital"), ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{
		GID: judges["two roles"].GID(), Attributes: []string{"doctor"}, Reason: "left",
	})
	w.write(hers, "two")
	compare(last...)
	w.suspend("acme-insurance")
	compare(last...)
	w.say(judges["nurse"], ledger.PersonChain(judges["nurse"].GID()), &ledger.IdentityRevoked{Reason: "lost"})
	compare(last...)
	w.clock.forward(2 * time.Hour)
	f, err := hers.Fact(w.ctx)
	must(t, err)
	compare(f.Terms[len(f.Terms)-1].ID)
	t.Logf("%d policies, %d verdicts", len(granted), verdicts)
}

func whatHolds(name string) []string {
	return map[string][]string{
		"two roles": {"doctor@city-hospital", "nurse@city-hospital"}, "nurse": {"nurse@city-hospital"}, "trainer": {"trainer@iron-gym"},
		"agent": {"agent@acme-insurance"}, "elsewhere": {"doctor@county-hospital"},
	}[name]
}

// letIn tells whether somebody has one of the sets that would be let in.
func letIn(c *client.Considered, who *client.Client, holds []string) bool {
	return slices.ContainsFunc(c.In, func(in client.LetIn) bool {
		return !slices.ContainsFunc(in.Set, func(a policy.Attribute) bool {
			return a != client.PersonAttribute(who.GID()) && !slices.Contains(holds, a.String())
		})
	})
}

// Of an expression, too, it is said what the gate would say to who holds that.
func TestExplainExpression(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	w.the("doctor@city-hospital")
	w.the("agent@acme-insurance")
	hers := w.book(maria, maria, ledger.Health)
	both := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital and agent@acme-insurance"}).Term.ID
	writes := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true}).Term.ID
	for _, tt := range []struct {
		as              string
		both, writes    bool
		missing         string
		nobody, failure string
	}{
		{as: "doctor@city-hospital", writes: true, missing: "[[agent@acme-insurance]]"},
		{as: "doctor@city-hospital and agent@acme-insurance", both: true, writes: true, missing: "[]"},
		{as: "agent@acme-insurance", missing: "[[doctor@city-hospital]]"},
		{as: "doctor@nowhere", missing: "[[agent@acme-insurance doctor@city-hospital]]"},
		{as: string(newHome(t).Identity().GID()), missing: "[[agent@acme-insurance doctor@city-hospital]]", nobody: "nobody is registered"},
		{as: "doctor@city-hospital or agent@acme-insurance", failure: "not one person's attributes"},
		{as: "2 of (doctor@city-hospital, agent@acme-insurance, x@yy)", failure: "not one person's attributes"},
		{as: "a doctor", failure: "whom to explain for"},
	} {
		x, err := hers.Explain(w.ctx, tt.as)
		if tt.failure != "" {
			if err == nil || !strings.Contains(err.Error(), tt.failure) {
				t.Errorf("as %q: %v, want %q", tt.as, err, tt.failure)
			}
			continue
		}
		must(t, err)
		one, other := explained(t, x, both), explained(t, x, writes)
		if one.MayRead != tt.both || one.MayWrite || other.MayRead != tt.writes || other.MayWrite != tt.writes ||
			fmt.Sprint(one.Missing) != tt.missing || !strings.Contains(x.Nobody, tt.nobody) || (x.Nobody == "") != (tt.nobody == "") {
			t.Errorf("as %q: %+v, %+v, nobody %q", tt.as, one, other, x.Nobody)
		}
	}
	x, err := hers.Explain(w.ctx, "")
	must(t, err)
	if got := fmt.Sprint(x.Coalitions); got != "[[city-hospital]]" {
		t.Errorf("the fewest authorities are %s", got)
	}
	if one := explained(t, x, both); one.MayRead || one.Missing != nil || fmt.Sprint(one.Coalitions) != "[[acme-insurance city-hospital]]" {
		t.Errorf("about nobody it is said %+v", one)
	}
}

// An 'or' with the attacker's attribute shows as widening before it is signed, however it is written.
func TestAttack15_WideningIsShown(t *testing.T) {
	w := inTown(t)
	maria, mallory, ana := w.patient(), w.the("agent@acme-insurance"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	doctors := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital and doctor@county-hospital or doctor@city-hospital"}).Term.ID
	person := w.grant(hers, client.GrantRequest{To: gid(ana) + " and doctor@city-hospital"}).Term.ID
	const attacker = "agent@acme-insurance"
	for _, tt := range []struct {
		to      string
		instead ledger.TermID
		in, out string
	}{
		{"doctor@city-hospital or " + attacker, doctors, "[" + attacker + "]", ""},
		{attacker + " or doctor@city-hospital", doctors, "[" + attacker + "]", ""},
		{"1 of (doctor@city-hospital, " + attacker + ")", doctors, "[" + attacker + "]", ""},
		{"2 of (doctor@city-hospital, " + attacker + ", nurse@city-hospital)", doctors, "[" + attacker + " nurse@city-hospital]", "[doctor@city-hospital]"},
		{"doctor@city-hospital and nurse@city-hospital or " + attacker, doctors, "[" + attacker + "]", "[doctor@city-hospital]"},
		{"doctor@city-hospital and (nurse@city-hospital or " + attacker + ")", doctors, "", "[doctor@city-hospital]"},
		{"DOCTOR@CITY-HOSPITAL", doctors, "", ""},
		{"doctor@city-hospital or patient@phr", doctors, "", ""},
		{"doctor@city-hospital", person, "[doctor@city-hospital] already", ""},
		{gid(ana) + " and doctor@city-hospital", person, "", ""},
		{gid(mallory) + " and doctor@city-hospital", person, "[doctor@city-hospital person@{mallory}] already", "[doctor@city-hospital person@{ana}]"},
		{gid(ana), person, "[person@{ana}]", ""},
		{attacker, ledger.TermID{}, "[" + attacker + "]", ""},
		{"doctor@city-hospital and nurse@city-hospital", ledger.TermID{}, "[doctor@city-hospital nurse@city-hospital] already", ""},
	} {
		before, err := hers.Fact(w.ctx)
		must(t, err)
		c, err := hers.Consider(w.ctx, tt.to, tt.instead, string(mallory.GID()))
		must(t, err)
		names := strings.NewReplacer("{ana}", string(ana.GID()), "{mallory}", string(mallory.GID()))
		var in []string
		for _, set := range c.In {
			text := fmt.Sprint(set.Set)
			if !set.Already.IsZero() {
				text += " already"
			}
			in = append(in, text)
		}
		if alone := strings.Contains(tt.in, "["+attacker+"]"); c.Satisfied != alone || (c.Missing == nil) != alone {
			t.Errorf("%q would let the attacker in: %v, missing %v", tt.to, c.Satisfied, c.Missing)
		}
		if got := strings.Join(in, " "); got != names.Replace(tt.in) {
			t.Errorf("%q lets in %s, want %s", tt.to, got, names.Replace(tt.in))
		}
		if got := strings.Trim(fmt.Sprint(c.Out), "[]"); got != strings.Trim(names.Replace(tt.out), "[]") {
			t.Errorf("%q no longer lets in %s, want %s", tt.to, got, tt.out)
		}
		if after, err := hers.Fact(w.ctx); err != nil || len(after.Terms) != len(before.Terms) || after.Set != before.Set {
			t.Errorf("considering %q has changed the policy, %v", tt.to, err)
		}
	}
	for _, to := range []string{"patient@phr", "patient@phr or auditor@phr", "", "doctor@", "gid:nobody"} {
		if c, err := hers.Consider(w.ctx, to, ledger.TermID{}, ""); err == nil {
			t.Errorf("%q is considered: %+v", to, c)
		}
	}
	if _, err := hers.Consider(w.ctx, attacker, ledger.TermID{1}, ""); err == nil {
		t.Error("a grant that is not there is replaced")
	}
}

// What a node says that somebody holds is believed as far as the authority has signed it.
func TestHeldIsProven(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, other := w.patient(), w.person(), w.person()
	w.enrol(ruiz, "doctor@city-hospital")
	w.enrol(other, "doctor@city-hospital")
	hospital := w.authority("city-hospital")
	chain := ledger.AuthorityChain("city-hospital")
	var issued, enrolled []byte
	must(t, hospital.Say(w.ctx, chain, func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			raw, err := e.Marshal()
			must(t, err)
			switch b := e.Body.(type) {
			case *ledger.KeyIssued:
				if b.GID == ruiz.GID() {
					issued = raw
				}
			case *ledger.RepresentativeEnrolled:
				enrolled = raw
			}
		}
		return nil, nil
	}))
	if a, counts, err := maria.CheckHeld(w.ctx, ruiz.GID(), issued); err != nil || !counts || a.String() != "doctor@city-hospital" {
		t.Errorf("what was issued: %s, %v, %v", a, counts, err)
	}
	forged := slices.Clone(issued)
	forged[len(forged)-60] ^= 1
	for name, err := range map[string]error{
		"issued to somebody else": held(maria, w, other.GID(), issued),
		"no issuance":             held(maria, w, other.GID(), enrolled),
		"changed on the way":      held(maria, w, ruiz.GID(), forged),
		"cut short":               held(maria, w, ruiz.GID(), issued[:len(issued)-1]),
	} {
		if err == nil {
			t.Errorf("it is believed what was %s", name)
		}
	}
	w.version(hospital, "doctor", 2)
	if _, counts, err := maria.CheckHeld(w.ctx, ruiz.GID(), issued); err != nil || counts {
		t.Errorf("a version that was left counts: %v, %v", counts, err)
	}
	w.suspend("city-hospital")
	if _, counts, err := maria.CheckHeld(w.ctx, ruiz.GID(), issued); err != nil || counts {
		t.Errorf("what a suspended authority issued counts: %v, %v", counts, err)
	}
}

func held(c *client.Client, w *world, gid identity.GID, encoded []byte) error {
	_, _, err := c.CheckHeld(w.ctx, gid, encoded)
	return err
}

// A policy with more ways to satisfy it than anybody would read is explained all the same, but for the list of them.
func TestExplainTangle(t *testing.T) {
	w := newWorld(t)
	maria, chief := w.patient(), w.person()
	var pairs, holds []string
	for i := range 13 {
		holds = append(holds, fmt.Sprintf("a%d@city-hospital", i), fmt.Sprintf("b%d@city-hospital", i))
		pairs = append(pairs, fmt.Sprintf("(a%d@city-hospital or b%d@city-hospital)", i, i))
	}
	w.enrol(chief, holds[:13]...)
	w.enrol(chief, holds[13:]...)
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "one")
	granted := w.grant(hers, client.GrantRequest{To: strings.Join(pairs, " and ")})
	x, err := hers.Explain(w.ctx, string(chief.GID()))
	must(t, err)
	if e := explained(t, x, granted.Term.ID); !e.MayRead || e.Sets != nil || len(e.Held) != len(holds) {
		t.Errorf("explained as %+v", e)
	}
	if fmt.Sprint(x.Coalitions) != "[[city-hospital]]" {
		t.Errorf("coalitions %v", x.Coalitions)
	}
	x, err = hers.Explain(w.ctx, strings.Join(holds[:24], " and "))
	must(t, err)
	if e := explained(t, x, granted.Term.ID); e.MayRead || len(e.Missing) != 2 {
		t.Errorf("explained as %+v", e)
	}
	if c, err := hers.Consider(w.ctx, strings.Join(pairs, " and "), ledger.TermID{}, ""); !errors.Is(err, policy.ErrTooComplex) {
		t.Errorf("what would be let in is listed: %+v, %v", c, err)
	}
	w.reads("who holds enough", w.book(chief, maria, ledger.Health), "one")
}
