package client_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// machine is a patient's compartment under any sequence of what people do with it, interrupted anywhere, beside a simple model of
// who can read what.
type machine struct {
	*world
	maria   *client.Client
	hers    *client.Book
	readers []*keeper

	records []written
	terms   []given
	version uint32 // of doctor@city-hospital
	next    int
	story   []string
}

// reader is somebody to whom the patient may grant.
type reader struct {
	name  string
	to    string // what a grant to them says
	write bool   // they may be given the right to write
	who   *client.Client
}

// keeper is a reader of the model.
type keeper struct {
	reader
	gone bool         // the hospital has let them go
	kept *client.Book // remembers every key it was ever given
	may  map[int]bool // records that they are or were to read
}

// written is a record event of the model.
type written struct {
	text  string
	epoch uint32
	id    ledger.EventID
	root  int // index of the record that it is about; its own if it is one
	kind  chart.Kind

	erased bool
}

// given is a live term of the model.
type given struct {
	id             ledger.TermID
	to             string
	write, history bool
	since          uint32 // epoch
	until          time.Time
}

// bounding is held by the test whose bounds rapid goes by.
var bounding sync.Mutex

// bound says how much a test has rapid try. Tests that do wait for each other: rapid is told by flags of the process.
func bound(t *testing.T, checks, steps string) {
	bounding.Lock()
	t.Cleanup(bounding.Unlock)
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": steps} {
		f := flag.Lookup(name)
		before := f.Value.String()
		must(t, flag.Set(name, value))
		t.Cleanup(func() { must(t, flag.Set(name, before)) })
	}
}

func TestMachine(t *testing.T) {
	w := newWorld(t)
	checks, steps := "4", "20"
	if raceEnabled {
		checks, steps = "1", "12"
	}
	bound(t, checks, steps)
	named := w.person()
	must(t, named.RegisterIdentity(w.ctx))
	w.authority("city-hospital")
	version := uint32(1)
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		m := &machine{world: &world{t, ctx, w.place}, version: version}
		defer func() { version = m.version }()
		leaver := m.person()
		m.enrol(leaver, "doctor@city-hospital")
		m.maria = m.patient()
		m.hers = m.book(m.maria, m.maria, ledger.Health)
		for _, r := range []reader{
			{"the doctor", "doctor@city-hospital", true, w.the("doctor@city-hospital")},
			{"the doctor who may leave", "doctor@city-hospital", true, leaver},
			{"the person named", gid(named), false, named},
			{"the insurer", "agent@acme-insurance", false, w.the("agent@acme-insurance")},
		} {
			m.readers = append(m.readers, &keeper{r, false, m.book(r.who, m.maria, ledger.Health), make(map[int]bool)})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"":        func(*rapid.T) { m.clock.forward(5 * time.Second) }, // nobody says hello too often
			"write":   m.write,
			"amend":   func(t *rapid.T) { m.about(t, chart.Amended) },
			"retract": func(t *rapid.T) { m.about(t, chart.Retracted) },
			"grant":   m.grant,
			"revoke":  m.revoke,
			"rotate":  m.rotate,
			"erase":   m.erase,
			"stop":    m.interrupt,
			"leave":   m.leave,
			"wait":    m.wait,
			"read":    m.read,
		})
		m.all(rt)
	})
}

// tell adds a line to the story that a failure ends with.
func (m *machine) tell(format string, args ...any) {
	m.story = append(m.story, fmt.Sprintf(format, args...))
}

func (m *machine) fail(t *rapid.T, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\nThe story:\n  %s", fmt.Sprintf(format, args...), strings.Join(m.story, "\n  "))
}

// epoch is the number of the epoch in force.
func (m *machine) epoch() uint32 {
	f, err := m.hers.Fact(m.ctx)
	must(m.t, err)
	return f.Epoch.Number
}

// live tells whether a term lets somebody in now.
func (m *machine) live(g *given, r *keeper) bool {
	return g.to == r.to && !r.gone && (g.until.IsZero() || m.clock.now().Before(g.until))
}

// since returns the first epoch that somebody can read; 0 if they are not let in.
func (m *machine) since(r *keeper) (since uint32) {
	for i := range m.terms {
		g := &m.terms[i]
		from := g.since
		if g.history {
			from = 1
		}
		if m.live(g, r) && (since == 0 || from < since) {
			since = from
		}
	}
	return since
}

// writer draws one of those who may write.
func (m *machine) writer(t *rapid.T) (string, *client.Book) {
	names, books := []string{"the patient"}, []*client.Book{m.hers}
	for _, r := range m.readers {
		if slices.ContainsFunc(m.terms, func(g given) bool { return g.write && m.live(&g, r) }) {
			names, books = append(names, r.name), append(books, r.kept)
		}
	}
	i := rapid.IntRange(0, len(books)-1).Draw(t, "writer")
	return names[i], books[i]
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
	who, b := m.writer(t)
	m.next++
	r.text = fmt.Sprint(r.kind, " ", m.next)
	ids, err := b.Write(m.ctx, []client.Draft{{Kind: r.kind, Media: chart.Note, Body: []byte(r.text), Refers: refers}}, nil)
	m.tell("%s writes %q: %v", who, r.text, err)
	if err != nil {
		m.fail(t, "%v", err)
	}
	r.id = ids[0]
	m.wrote(t, r)
}

// wrote takes note of a record that stands on the log now.
func (m *machine) wrote(t *rapid.T, r written) {
	r.epoch = m.epoch()
	if entries := m.entriesOf(m.hers); entries[len(m.records)].ID != r.id {
		m.fail(t, "event %s stands where %q should", entries[len(m.records)].ID, r.text)
	}
	for _, who := range m.readers {
		if since := m.since(who); since > 0 && since <= r.epoch {
			who.may[len(m.records)] = true
		}
	}
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
	m.tell("the patient erases %d records or versions: %v", len(ids), err)
	if err != nil {
		m.fail(t, "%v", err)
	}
	versions, epochs := 0, make(map[uint32]bool)
	for i := range m.records {
		if r := &m.records[i]; doomed[r.root] && !r.erased {
			r.erased, epochs[r.epoch] = true, true
			versions++
		}
	}
	if done.Versions != versions || done.Epochs != len(epochs) {
		m.fail(t, "%+v, want %d versions of %d epochs", done, versions, len(epochs))
	}
}

// asked draws a grant.
func (m *machine) asked(t *rapid.T) (client.GrantRequest, given) {
	r := rapid.SampledFrom(m.readers).Draw(t, "reader")
	g := given{to: r.to, history: !rapid.Bool().Draw(t, "from now"), write: r.write && rapid.Bool().Draw(t, "write")}
	if rapid.IntRange(0, 2).Draw(t, "until") == 0 {
		g.until = m.clock.now().Add(24 * time.Hour).Truncate(time.Millisecond)
	}
	return client.GrantRequest{To: r.to, Write: g.write, FromNow: !g.history, Until: g.until}, g
}

func (m *machine) grant(t *rapid.T) {
	if len(m.terms) > 6 {
		t.Skip("enough are let in")
	}
	request, g := m.asked(t)
	granted, err := m.hers.Grant(m.ctx, request)
	m.tell("the patient grants %+v: %v", request, err)
	if err != nil {
		m.fail(t, "%v", err)
	}
	g.id, g.since = granted.Term.ID, m.epoch()
	m.terms = append(m.terms, g)
	m.widened()
}

// widened takes note of who may read more now.
func (m *machine) widened() {
	for _, who := range m.readers {
		since := m.since(who)
		for i, r := range m.records {
			if since > 0 && since <= r.epoch {
				who.may[i] = true
			}
		}
	}
}

func (m *machine) revoke(t *rapid.T) {
	if len(m.terms) == 0 {
		t.Skip("nothing is granted")
	}
	i := rapid.IntRange(0, len(m.terms)-1).Draw(t, "term")
	err := m.hers.Revoke(m.ctx, m.terms[i].id)
	m.tell("the patient takes back the grant to %s: %v", m.terms[i].to, err)
	if err != nil {
		m.fail(t, "%v", err)
	}
	m.terms = slices.Delete(m.terms, i, i+1)
}

func (m *machine) rotate(t *rapid.T) {
	who, b := m.writer(t)
	err := b.Rotate(m.ctx)
	m.tell("%s starts epoch %d: %v", who, m.epoch(), err)
	if err != nil {
		m.fail(t, "%v", err)
	}
}

// leave has the hospital let a doctor go, or not, and move its attribute.
func (m *machine) leave(t *rapid.T) {
	leaver := m.readers[1]
	keep := []*client.Client{m.readers[0].who}
	if leaver.gone = leaver.gone || rapid.Bool().Draw(t, "goes"); !leaver.gone {
		keep = append(keep, leaver.who)
	}
	m.version++
	m.world.version(m.authority("city-hospital"), "doctor", m.version, keep...)
	m.tell("doctor@city-hospital moves to version %d; the second doctor has left: %v", m.version, leaver.gone)
}

// wait lets grants and epochs come to their end.
func (m *machine) wait(t *rapid.T) {
	d := rapid.SampledFrom([]time.Duration{time.Hour, 25 * time.Hour, ledger.MaxEpochAge + time.Hour}).Draw(t, "time")
	m.later(d)
	m.tell("%s later", d)
}

// interrupt has somebody's program stop anywhere in what it does. Another of theirs finishes what waits at home, and what has
// become of the rest stands on the log.
func (m *machine) interrupt(t *rapid.T) {
	step := rapid.IntRange(0, 6).Draw(t, "step")
	end := rapid.SampledFrom([]fate{lostBefore, lostAfter}).Draw(t, "end")
	what := rapid.SampledFrom([]string{"write", "rotate", "grant", "revoke"}).Draw(t, "what")
	home := m.maria.Home()
	if who, b := m.writer(t); who != "the patient" && (what == "write" || what == "rotate") {
		i := slices.IndexFunc(m.readers, func(r *keeper) bool { return r.kept == b })
		home = m.readers[i].who.Home()
	}
	var g given
	var request client.GrantRequest
	if what == "grant" {
		request, g = m.asked(t)
	}
	m.next++
	text := fmt.Sprint("interrupted ", m.next)
	before := m.terms
	through := m.brief(home, m.hers, step, end, func(ctx context.Context, b *client.Book) (err error) {
		switch {
		case what == "write":
			_, err = b.Write(ctx, notes(text), nil)
		case what == "rotate":
			_, err = b.StartEpoch(ctx, "because")
		case what == "grant":
			_, err = b.Grant(ctx, request)
		case len(before) > 0:
			err = b.Revoke(ctx, before[0].id)
		}
		return err
	})
	m.tell("a program of %s stops at step %d, %d, of: %s; it was through: %v", home.Identity().GID()[:6], step, end, what, through)
	m.clock.forward(5 * time.Second)
	_, err := m.cold(m.hers, home).Resume(m.ctx, nil)
	must(m.t, err)
	m.settle(t, text, g)
}

// settle takes over from the log what an interrupted program came to.
func (m *machine) settle(t *rapid.T, text string, g given) {
	if got := m.bodies(t, m.hers); len(got) > len(m.records) {
		if len(got) != len(m.records)+1 || got[len(got)-1] != text {
			m.fail(t, "after %q was interrupted, %q are there", text, got[len(m.records):])
		}
		last := m.entriesOf(m.hers)[len(m.records)]
		m.wrote(t, written{text: text, id: last.ID, root: len(m.records), kind: chart.Written})
	}
	f, err := m.hers.Fact(m.ctx)
	must(m.t, err)
	m.terms = slices.DeleteFunc(slices.Clone(m.terms), func(g given) bool {
		return !slices.ContainsFunc(f.Terms, func(t ledger.LiveTerm) bool { return t.ID == g.id })
	})
	for _, t := range f.Terms {
		if !slices.ContainsFunc(m.terms, func(g given) bool { return g.id == t.ID }) {
			g.id, g.since = t.ID, f.Epoch.Number
			m.terms = append(m.terms, g)
		}
	}
	m.widened()
}

func (m *machine) read(t *rapid.T) { m.check(t, rapid.SampledFrom(m.readers).Draw(t, "reader")) }

// all checks what everybody reads, and the patient's chart.
func (m *machine) all(t *rapid.T) {
	for _, r := range m.readers {
		m.check(t, r)
	}
	for _, b := range []*client.Book{m.hers, m.cold(m.hers, m.maria.Home())} {
		if got, want := m.bodies(t, b), m.texts(1); !slices.Equal(got, want) {
			m.fail(t, "the patient reads %q, want %q", got, want)
		}
	}
	entries := m.entriesOf(m.hers)
	for _, r := range m.readers {
		for i, e := range entries {
			if !r.may[i] && r.kept.Opens(e) {
				m.fail(t, "%s opens %q with all the keys they ever had", r.name, m.records[i].text)
			}
		}
	}
	folded, err := client.Chart(m.ctx, m.hers)
	must(m.t, err)
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
		m.fail(t, "%d records stand in the chart, want %d", got, current)
	}
}

// check compares what somebody reads, who remembers nothing, with the model.
func (m *machine) check(t *rapid.T, r *keeper) {
	m.clock.forward(5 * time.Second)
	since := m.since(r)
	b := m.cold(m.hers, r.who.Home())
	if since == 0 {
		if got, err := b.Records(m.ctx); err == nil {
			m.fail(t, "%s reads %d records, and nothing is granted", r.name, len(got))
		}
		return
	}
	for _, b := range []*client.Book{b, r.kept} {
		if got, want := m.bodies(t, b), m.texts(since); b != r.kept && !slices.Equal(got, want) {
			m.fail(t, "%s reads %q, want %q", r.name, got, want)
		}
	}
	m.tell("%s reads from epoch %d on", r.name, since)
}

func (m *machine) bodies(t *rapid.T, b *client.Book) []string {
	records, err := b.Records(m.ctx)
	if err != nil {
		m.fail(t, "%v", err)
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
func (m *machine) texts(since uint32) []string {
	var all []string
	for _, r := range m.records {
		if r.epoch < since || r.erased {
			r.text = "?"
		}
		all = append(all, r.text)
	}
	return all
}
