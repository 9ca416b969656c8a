package client_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// machine is a patient's compartment under any sequence of writes, grants, revocations and rotations, beside a simple model of
// who can read what.
type machine struct {
	*world
	maria   *client.Client
	hers    *client.Book
	readers []reader

	records []written
	terms   []given
	epoch   int
	next    int
}

// reader is somebody to whom the patient may grant.
type reader struct {
	name  string
	to    string // what a grant to them says
	write bool   // they may be given the right to write
	who   *client.Client
}

// written is a record event of the model.
type written struct {
	text  string
	epoch int
	id    ledger.EventID
	root  int // index of the record that it is about; its own if it is one
	kind  chart.Kind

	erased bool
}

// given is a live term of the model.
type given struct {
	id             ledger.TermID
	reader         int
	write, history bool
	since          int // epoch
}

func TestMachine(t *testing.T) {
	w := newWorld(t)
	checks := "5"
	if raceEnabled {
		checks = "2"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "20"} {
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
		{"the insurer", "agent@acme-insurance", false, w.the("agent@acme-insurance")},
	}
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		m := &machine{world: &world{t, ctx, w.place}, readers: readers, epoch: 1}
		m.maria = m.patient()
		m.hers = m.book(m.maria, m.maria, ledger.Health)
		rt.Repeat(map[string]func(*rapid.T){
			"":        func(*rapid.T) { m.clock.forward(5 * time.Second) }, // nobody says hello too often
			"write":   m.write,
			"amend":   func(t *rapid.T) { m.about(t, chart.Amended) },
			"retract": func(t *rapid.T) { m.about(t, chart.Retracted) },
			"grant":   m.grant,
			"revoke":  m.revoke,
			"rotate":  m.rotate,
			"erase":   m.erase,
			"read":    m.read,
		})
		m.all(rt)
	})
}

// writer draws one of those who may write.
func (m *machine) writer(t *rapid.T) *client.Book {
	books := []*client.Book{m.hers}
	for i, r := range m.readers {
		if slices.ContainsFunc(m.terms, func(g given) bool { return g.reader == i && g.write }) {
			books = append(books, m.bookOf(r.who, m.maria.GID(), ledger.Health))
		}
	}
	return books[rapid.IntRange(0, len(books)-1).Draw(t, "writer")]
}

func (m *machine) write(t *rapid.T) {
	m.put(t, written{kind: chart.Written, root: len(m.records)}, ledger.EventID{})
}

// about amends or retracts a record.
func (m *machine) about(t *rapid.T, kind chart.Kind) {
	if len(m.records) == 0 {
		t.Skip("nothing is written")
	}
	i := rapid.IntRange(0, len(m.records)-1).Draw(t, "about")
	root := m.records[i].root
	if m.records[root].erased {
		t.Skip("it is erased")
	}
	m.put(t, written{kind: kind, root: root}, m.records[root].id)
}

func (m *machine) put(t *rapid.T, r written, refers ledger.EventID) {
	b := m.writer(t)
	m.next++
	r.text, r.epoch = fmt.Sprint(r.kind, " ", m.next), m.epoch
	ids, err := b.Write(m.ctx, []client.Draft{{Kind: r.kind, Media: chart.Note, Body: []byte(r.text), Refers: refers}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.id = ids[0]
	m.records = append(m.records, r)
}

// erase erases up to three records, by any of their versions, of which some may be erased already.
func (m *machine) erase(t *rapid.T) {
	if len(m.records) == 0 {
		t.Skip("nothing is written")
	}
	var ids []ledger.EventID
	doomed := make(map[int]bool)
	for range rapid.IntRange(1, 3).Draw(t, "how many") {
		r := m.records[rapid.IntRange(0, len(m.records)-1).Draw(t, "erased")]
		ids, doomed[r.root] = append(ids, r.id), true
	}
	done, err := m.hers.Erase(m.ctx, ids...)
	if err != nil {
		t.Fatal(err)
	}
	versions, epochs := 0, make(map[int]bool)
	for i := range m.records {
		if r := &m.records[i]; doomed[r.root] && !r.erased {
			r.erased, epochs[r.epoch] = true, true
			versions++
		}
	}
	if done.Versions != versions || done.Epochs != len(epochs) {
		t.Fatalf("%+v, want %d versions of %d epochs", done, versions, len(epochs))
	}
}

func (m *machine) grant(t *rapid.T) {
	i := rapid.IntRange(0, len(m.readers)-1).Draw(t, "reader")
	r := m.readers[i]
	fromNow := rapid.Bool().Draw(t, "from now")
	write := r.write && !fromNow && rapid.Bool().Draw(t, "write")
	granted, err := m.hers.Grant(m.ctx, client.GrantRequest{To: r.to, Write: write, FromNow: fromNow})
	if err != nil {
		t.Fatal(err)
	}
	if fromNow {
		m.epoch++
	}
	m.terms = append(m.terms, given{granted.Term.ID, i, write, !fromNow, m.epoch})
}

func (m *machine) revoke(t *rapid.T) {
	if len(m.terms) == 0 {
		t.Skip("nothing is granted")
	}
	i := rapid.IntRange(0, len(m.terms)-1).Draw(t, "term")
	if err := m.hers.Revoke(m.ctx, m.terms[i].id); err != nil {
		t.Fatal(err)
	}
	m.terms = slices.Delete(m.terms, i, i+1)
	m.epoch++
}

func (m *machine) rotate(t *rapid.T) {
	if err := m.writer(t).Rotate(m.ctx); err != nil {
		t.Fatal(err)
	}
	m.epoch++
}

func (m *machine) read(t *rapid.T) { m.check(t, rapid.IntRange(0, len(m.readers)-1).Draw(t, "reader")) }

// all checks what everybody reads, and the patient's chart.
func (m *machine) all(t *rapid.T) {
	for i := range m.readers {
		m.check(t, i)
	}
	if got, want := m.bodies(t, m.hers), m.texts(1); !slices.Equal(got, want) {
		t.Fatalf("the patient reads %q, want %q", got, want)
	}
	folded, err := client.Chart(m.ctx, m.hers)
	if err != nil {
		t.Fatal(err)
	}
	state := make(map[int]chart.Kind)
	for _, r := range m.records {
		state[r.root] = r.kind
	}
	current := 0
	for _, kind := range state {
		if kind != chart.Retracted {
			current++
		}
	}
	if got := len(folded.List(chart.Query{Current: true})); got != current || len(folded.List(chart.Query{})) != len(state) {
		t.Fatalf("%d records stand in the chart, want %d", got, current)
	}
}

// check compares what somebody reads, who remembers nothing, with the model.
func (m *machine) check(t *rapid.T, i int) {
	r := m.readers[i]
	since := m.epoch + 1
	for _, g := range m.terms {
		if g.reader == i && g.history {
			since = 1
		}
		if g.reader == i {
			since = min(since, g.since)
		}
	}
	fresh, err := client.Dial(m.ctx, m.config(r.who.Home()))
	if err != nil {
		t.Fatal(err)
	}
	defer fresh.Close()
	b, err := fresh.Book(m.ctx, m.maria.GID(), ledger.Health)
	if err != nil {
		t.Fatal(err)
	}
	if since > m.epoch {
		if got, err := b.Records(m.ctx); err == nil {
			t.Fatalf("%s reads %d records, and nothing is granted", r.name, len(got))
		}
		return
	}
	if got, want := m.bodies(t, b), m.texts(since); !slices.Equal(got, want) {
		t.Fatalf("%s reads %q, want %q", r.name, got, want)
	}
}

func (m *machine) bodies(t *rapid.T, b *client.Book) []string {
	records, err := b.Records(m.ctx)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, r := range records {
		if r.Unreadable != "" {
			r.Body = []byte("?")
		}
		all = append(all, string(r.Body))
	}
	return all
}

// texts is what the model lets somebody read who is given the epochs from one on.
func (m *machine) texts(since int) []string {
	var all []string
	for _, r := range m.records {
		if r.epoch < since || r.erased {
			r.text = "?"
		}
		all = append(all, r.text)
	}
	return all
}
