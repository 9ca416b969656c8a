package client_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// editor is a patient who grants, edits and revokes at random, and looks at each change before it is made.
type editor struct {
	*world
	maria   *client.Client
	hers    *client.Book
	readers []reader
	named   map[ledger.TermID]int // reader whom a grant names
	held    map[ledger.SessionID]*client.Held
}

// access is what a reader can do.
type access struct{ read, write bool }

// What a preview says is what happens: who gains and who loses, how far back a grant opens, which epoch follows, who is given
// its keys, and which sessions end.
func TestPreviewIsWhatHappens(t *testing.T) {
	w := newWorld(t)
	checks := "3"
	if raceEnabled {
		checks = "1"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "14"} {
		f := flag.Lookup(name)
		before := f.Value.String()
		must(t, flag.Set(name, value))
		t.Cleanup(func() { must(t, flag.Set(name, before)) })
	}
	named := w.person()
	must(t, named.RegisterIdentity(w.ctx))
	readers := []reader{
		{"the doctor", "doctor@city-hospital", true, w.the("doctor@city-hospital")},
		{"the person named", gid(named), false, named},
		{"the insurer", "agent@acme-insurance or doctor@city-hospital", false, w.the("agent@acme-insurance")},
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		e := &editor{
			world: &world{t, ctx, w.place}, readers: readers,
			named: make(map[ledger.TermID]int), held: make(map[ledger.SessionID]*client.Held),
		}
		e.maria = e.patient()
		e.hers = e.book(e.maria, e.maria, ledger.Health)
		rt.Repeat(map[string]func(*rapid.T){
			"":      func(*rapid.T) { e.clock.forward(5 * time.Second) }, // nobody says hello too often
			"write": func(*rapid.T) { e.world.write(e.hers, "something") },
			"wait": func(t *rapid.T) {
				e.clock.forward(time.Duration(rapid.IntRange(5, 40).Draw(t, "minutes")) * time.Minute)
			},
			"visit":  e.visit,
			"grant":  e.grant,
			"edit":   e.edit,
			"revoke": e.revoke,
		})
	})
}

func (e *editor) terms() []ledger.LiveTerm {
	f, err := e.hers.Fact(e.ctx)
	must(e.t, err)
	return f.Terms
}

// until draws an end that comes while the machine runs, or none.
func (e *editor) until(t *rapid.T) time.Time {
	minutes := rapid.IntRange(-1, 60).Draw(t, "until")
	if minutes < 5 {
		return time.Time{}
	}
	return e.clock.now().Add(time.Duration(minutes) * time.Minute)
}

func (e *editor) grant(t *rapid.T) {
	if len(e.terms()) > 4 {
		t.Skip("enough is granted")
	}
	i := rapid.IntRange(0, len(e.readers)-1).Draw(t, "reader")
	r := e.readers[i]
	c, err := e.hers.PlanGrant(e.ctx, client.GrantRequest{
		To: r.to, Write: r.write && rapid.Bool().Draw(t, "write"), FromNow: rapid.Bool().Draw(t, "from now"), Until: e.until(t),
	})
	must(e.t, err)
	if i == 1 {
		e.named[c.Term()] = i
	}
	e.change(t, c)
}

// drawn draws a grant that is in the policy.
func (e *editor) drawn(t *rapid.T) ledger.LiveTerm {
	terms := e.terms()
	if len(terms) == 0 {
		t.Skip("nothing is granted")
	}
	return terms[rapid.IntRange(0, len(terms)-1).Draw(t, "term")]
}

func (e *editor) edit(t *rapid.T) {
	term := e.drawn(t)
	var edit client.GrantEdit
	if rapid.Bool().Draw(t, "edit the end") {
		until := e.until(t)
		edit.Until = &until
	}
	if term.Expression == "doctor@city-hospital" && rapid.Bool().Draw(t, "edit the right") {
		write := !term.Write
		edit.Write = &write
	}
	c, err := e.hers.PlanEdit(e.ctx, term.ID, edit)
	if err != nil {
		t.Skip(err)
	}
	e.change(t, c)
}

func (e *editor) revoke(t *rapid.T) {
	c, err := e.hers.PlanRevoke(e.ctx, e.drawn(t).ID)
	must(e.t, err)
	e.change(t, c)
}

// visit opens a session that stays open.
func (e *editor) visit(t *rapid.T) {
	r := e.readers[rapid.IntRange(0, len(e.readers)-1).Draw(t, "reader")]
	c, err := client.Dial(e.ctx, e.config(r.who.Home()))
	must(e.t, err)
	t.Cleanup(c.Close)
	op := ledger.OpRead
	if rapid.Bool().Draw(t, "to write") {
		op = ledger.OpWrite
	}
	if h, err := e.bookOf(c, e.maria.GID(), ledger.Health).Hold(e.ctx, op); err == nil {
		e.held[h.ID()] = h
	}
}

// can finds out by trying what a reader can do who remembers nothing.
func (e *editor) can(r *reader) (a access) {
	fresh, err := client.Dial(e.ctx, e.config(r.who.Home()))
	must(e.t, err)
	defer fresh.Close()
	b := e.bookOf(fresh, e.maria.GID(), ledger.Health)
	_, err = b.Hold(e.ctx, ledger.OpRead)
	a.read = err == nil
	_, err = b.Hold(e.ctx, ledger.OpWrite)
	a.write = err == nil
	return a
}

// holds tells whether a reader holds one of the sets.
func (e *editor) holds(i int, sets [][]policy.Attribute) bool {
	role := []string{"doctor@city-hospital", "", "agent@acme-insurance"}[i]
	return slices.ContainsFunc(sets, func(set []policy.Attribute) bool {
		return !slices.ContainsFunc(set, func(a policy.Attribute) bool {
			term, err := ledger.TermOf(a)
			named, ok := e.named[term]
			return a.String() != role && (err != nil || !ok || named != i)
		})
	})
}

// change looks at a change, makes it, and compares.
func (e *editor) change(t *rapid.T, c *client.Change) {
	var before []access
	for i := range e.readers {
		before = append(before, e.can(&e.readers[i]))
	}
	was, err := e.hers.Fact(e.ctx)
	must(e.t, err)
	p, err := c.Preview(e.ctx)
	must(e.t, err)
	must(e.t, c.Make(e.ctx))
	now, err := e.hers.Fact(e.ctx)
	must(e.t, err)

	for i := range e.readers {
		want := before[i]
		want.read = (want.read || e.holds(i, p.Gains.Read)) && !e.holds(i, p.Loses.Read)
		want.write = (want.write || e.holds(i, p.Gains.Write)) && !e.holds(i, p.Loses.Write)
		if got := e.can(&e.readers[i]); got != want {
			t.Fatalf("%s can do %+v; before %+v, and the preview says %+v, %+v", e.readers[i].name, got, before[i], p.Gains, p.Loses)
		}
	}
	e.checkKeys(t, p, &was, &now)
	e.checkSessions(t, p)
	e.checkOpened(t, p)
}

// checkKeys compares epoch and wraps.
func (e *editor) checkKeys(t *rapid.T, p *client.Preview, was, now *ledger.CompartmentFact) {
	if now.Epoch.Number != p.Epoch || (p.Reason != "") != (now.Epoch.Number != was.Epoch.Number) {
		t.Fatalf("epoch %d became %d; the preview says %d, %q", was.Epoch.Number, now.Epoch.Number, p.Epoch, p.Reason)
	}
	var wrapped []ledger.TermID
	for _, part := range now.Epoch.Parts {
		if before, _ := was.Epoch.Part(part.Name); !part.Term.IsZero() && before.Hash != part.Hash {
			wrapped = append(wrapped, part.Term)
		}
	}
	if !slices.Equal(wrapped, p.Wraps) {
		t.Fatalf("keys went to %v; the preview says %v", wrapped, p.Wraps)
	}
}

// checkSessions compares what became of the sessions that are held.
func (e *editor) checkSessions(t *rapid.T, p *client.Preview) {
	for id, h := range e.held {
		i := slices.IndexFunc(p.Sessions, func(s client.OpenSession) bool { return s.ID == id })
		if i < 0 {
			continue // under another grant, or over
		}
		if alive := h.Alive(e.ctx); alive == p.Sessions[i].Ends {
			t.Fatalf("a session to %s: alive %v; the preview says %+v", p.Sessions[i].Operation, alive, p.Sessions[i])
		}
	}
}

// checkOpened compares how many records a holder opens by the grant alone.
func (e *editor) checkOpened(t *rapid.T, p *client.Preview) {
	if p.After == nil {
		return
	}
	i := slices.IndexFunc(e.readers, func(r reader) bool { return r.to == p.After.Expression })
	if named, ok := e.named[p.After.ID]; ok {
		i = named
	}
	fresh, err := client.Dial(e.ctx, e.config(e.readers[i].who.Home()))
	must(e.t, err)
	defer fresh.Close()
	got, err := e.bookOf(fresh, e.maria.GID(), ledger.Health).OpenedUnder(e.ctx, *p.After)
	if err != nil || got != p.Opened {
		t.Fatalf("%s opens %d of %d, %v; the preview says %d", e.readers[i].name, got, p.Records, err, p.Opened)
	}
}
