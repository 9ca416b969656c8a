package ledger_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// staffed is the world with those who hold attributes in the model.
var staffed = sync.OnceValue(func() *world {
	w := *settled()
	w.rand, w.state = stream("staffed"), w.state.Fork()
	for _, s := range roster {
		p := newPerson(s.name)
		w.join(p)
		by := s.by(&w)
		w.say(by, ledger.AuthorityChain(by.speaks), &ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{s.attribute}})
		w.say(by, ledger.AuthorityChain(by.speaks), reissued(p, s.attribute, 1))
	}
	w.say(w.patient, ledger.RecordChain(w.patient.GID(), "dental"), &ledger.CompartmentCreated{Class: ledger.HealthClass})
	return &w
})

// reissued is an issuance of a key that nobody needs to open.
func reissued(p *person, attribute string, version uint32) *ledger.KeyIssued {
	return &ledger.KeyIssued{GID: p.GID(), Attribute: attribute, Version: version, Sealed: []byte{1}}
}

var roster = []struct {
	name      string
	by        func(*world) *person
	attribute string
}{
	{"dora, a doctor,", hospitalOf, "doctor"},
	{"dave, a doctor,", hospitalOf, "doctor"},
	{"nina, a nurse,", hospitalOf, "nurse"},
	{"carl, of the clinic,", func(w *world) *person { return w.clinic }, "doctor"},
	{"agnes, an agent,", func(w *world) *person { return w.insurer }, "agent"},
}

func hospitalOf(w *world) *person { return w.hospital }

func newModel(t *rapid.T) *model {
	w := *staffed()
	w.rand, w.state = stream("history"), w.state.Fork()
	m := &model{world: &w, t: t, stored: make(map[string][]byte), ever: make(map[string][]byte), owned: make(map[string]*epoch.Keys)}
	for _, s := range roster {
		m.staff = append(m.staff, &member{
			newPerson(s.name), s.name,
			policy.Attribute{Name: s.attribute, Authority: s.by(&w).speaks},
			map[uint32]bool{1: true},
			make(map[*room]map[uint32]*epoch.Keys), make(map[*room]map[ledger.EventID]bool),
		})
	}
	for _, r := range []*room{
		{name: "maria's dental", owner: w.patient, chain: ledger.RecordChain(w.patient.GID(), "dental")},
		{name: "juan's health", owner: w.other, chain: ledger.RecordChain(w.other.GID(), ledger.Health)},
	} {
		r.since, r.truth = make(map[ledger.TermID]uint32), make(map[ledger.Hash]*ring)
		for _, who := range m.staff {
			who.hoard[r], who.allowed[r] = make(map[uint32]*epoch.Keys), make(map[ledger.EventID]bool)
		}
		m.rooms = append(m.rooms, r)
		m.commit(r, m.draw(m.visit(r, nil, nil), nil))
	}
	return m
}

// Any history of two compartments: who writes and starts epochs is interrupted between every two steps and comes back, people
// are let in and out in every way, parts are forged, and the node erases what it may, or crashes before. One epoch wins each
// time; no record is sealed under one that lost; all who are let in read everything they are to read; and nobody opens what
// was written after they were left out, or before they were let in from then on, whatever they kept and stole.
func TestAnyRotation(t *testing.T) {
	checks := "200"
	if raceEnabled {
		checks = "30"
	}
	for name, value := range map[string]string{"rapid.checks": checks, "rapid.steps": "50"} {
		f := flag.Lookup(name)
		if before := f.Value.String(); before == f.DefValue {
			must(0, f.Value.Set(value))
			t.Cleanup(func() { must(0, f.Value.Set(before)) })
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(rt)
		rt.Repeat(map[string]func(*rapid.T){
			"":      func(rt *rapid.T) { m.t = rt; m.check() },
			"write": func(*rapid.T) { m.atOnce(m.room(), m.write) }, "write later": func(*rapid.T) { m.draft(m.room(), m.write) },
			"start": func(*rapid.T) { m.atOnce(m.room(), m.begin) }, "start later": func(*rapid.T) { m.draft(m.room(), m.begin) },
			"submit": func(*rapid.T) { m.submit(m.room()) }, "forget": func(*rapid.T) { m.forget(m.room()) },
			"grant": func(*rapid.T) { m.grant(m.room()) }, "drop": func(*rapid.T) { m.dropTerm(m.room()) },
			"narrow": func(*rapid.T) { m.narrow(m.room()) }, "wait": func(*rapid.T) { m.wait() }, "fill": func(*rapid.T) { m.fill(m.room()) },
			"move": func(*rapid.T) { m.move() }, "pass by": func(*rapid.T) { m.passBy(m.room()) }, "forge": func(*rapid.T) { m.forge(m.room()) },
			"erase": func(*rapid.T) { m.erase() }, "crash": func(*rapid.T) { m.crash() },
		})
	})
}

func (m *model) room() *room { return m.rooms[max(0, rapid.IntRange(0, 3).Draw(m.t, "room")-2)] }

// draft has somebody prepare something, and atOnce submit it too.
func (m *model) draft(r *room, what func(*room, *visitor)) { what(r, m.author(r)) }

func (m *model) atOnce(r *room, what func(*room, *visitor)) {
	m.draft(r, what)
	last := len(r.drafts) - 1
	d := r.drafts[last]
	r.drafts = r.drafts[:last]
	m.commit(r, d)
}

// author draws the patient or one of those who may write.
func (m *model) author(r *room) *visitor {
	who := rapid.SampledFrom(append([]*member{nil}, m.writers(r)...)).Draw(m.t, "author")
	return m.view(r, who)
}

func (m *model) writers(r *room) []*member {
	return slices.DeleteFunc(slices.Clone(m.staff), func(s *member) bool { return len(m.entitled(r, s, ledger.OpWrite)) == 0 })
}

// view is what somebody who may write sees.
func (m *model) view(r *room, who *member) *visitor {
	if who == nil {
		return m.visit(r, nil, nil)
	}
	return m.visit(r, who, m.entitled(r, who, ledger.OpWrite)[0])
}

// write has somebody seal a record for what they take for the current epoch.
func (m *model) write(r *room, v *visitor) {
	n := v.f.Epoch.Number
	why, _ := m.state.Stale(r.chain, m.now)
	shred := v.shred(n)
	if why != "" || shred == nil {
		m.begin(r, v)
		return
	}
	author := r.owner
	if v.who != nil {
		author = v.who.person
	}
	e := &ledger.Event{ID: must(ledger.NewEventID(m.rand, m.now)), Chain: r.chain, Author: author.GID()}
	content := ledger.Content{Epoch: n, Leaf: must(epoch.DrawLeaf(m.rand)), Media: "note"}
	content.Sealed = must(epoch.Seal(m.rand, v.keys(n), shred, headed(e, &content), []byte("note")))
	content.Bucket = uint32(must(epoch.Bucket(content.Sealed)))
	r.drafts = append(r.drafts, &drafted{what: fmt.Sprint("a record for epoch ", n), by: v.who, body: &ledger.RecordWritten{Content: content}, id: e.ID})
	m.tell("%s seals a record for epoch %d of %s", called(v.who), n, r.name)
}

// begin has somebody draw the next epoch.
func (m *model) begin(r *room, v *visitor) {
	d := m.draw(v, m.state.Wrapped(r.chain, m.now))
	r.drafts = append(r.drafts, d)
	m.tell("%s draws %s of %s", called(v.who), d.what, r.name)
}

// submit sends something that somebody has drafted, perhaps long ago; perhaps their program stops when the parts are stored.
func (m *model) submit(r *room) {
	if len(r.drafts) == 0 {
		m.t.Skip("nothing is drafted")
	}
	i := rapid.IntRange(0, len(r.drafts)-1).Draw(m.t, "draft")
	d := r.drafts[i]
	if len(d.parts) > 0 && rapid.IntRange(0, 4).Draw(m.t, "stops") == 0 {
		m.put(d.parts)
		m.tell("the parts of %s of %s are stored, and no event", d.what, r.name)
		return
	}
	r.drafts = slices.Delete(r.drafts, i, i+1)
	m.commit(r, d)
}

// commit stores the parts of a draft and appends its event; it tells whether that counts.
func (m *model) commit(r *room, d *drafted) bool {
	m.put(d.parts)
	may := make(map[*member]bool)
	for _, who := range m.staff {
		for _, t := range m.entitled(r, who, ledger.OpRead) {
			content, ok := d.body.(*ledger.RecordWritten)
			may[who] = may[who] || ok && (t.History || content.Content.Epoch >= r.since[t.ID])
		}
	}
	run, err := m.speak(r, d.by, d.id, d.body)
	m.tell("%s submits %s of %s: %v", called(d.by), d.what, r.name, err)
	if err != nil {
		if !errors.Is(err, ledger.ErrInvalid) {
			m.fail("%v", err)
		}
		return false
	}
	if content, ok := d.body.(*ledger.RecordWritten); ok {
		f := m.fact(r)
		at, _ := f.At(content.Content.Epoch)
		if won := r.truth[at.KID]; !opens(won.keys, won.shred, run[0]) {
			m.fail("a record counts that is sealed under an epoch which lost")
		}
		r.written = append(r.written, run[0])
		for who := range may {
			if may[who] {
				who.allowed[r][run[0].ID] = true
			}
		}
	}
	return true
}

// forget is a crash of somebody's program, or that they give up.
func (m *model) forget(r *room) {
	if len(r.drafts) == 0 {
		m.t.Skip("nothing is drafted")
	}
	d := r.drafts[0]
	r.drafts = r.drafts[1:]
	m.tell("%s forgets %s of %s", called(d.by), d.what, r.name)
}

// patientSays submits what the patient says, as a whole.
func (m *model) patientSays(r *room, what string, bodies ...ledger.Body) {
	m.tell("the patient of %s %s", r.name, what)
	if _, err := m.speak(r, nil, ledger.EventID{}, bodies...); err != nil {
		m.fail("%v", err)
	}
	if f := m.fact(r); f.Must {
		m.fail("access was taken away and no epoch followed")
	}
}

// set is the policy of the room's terms, with an epoch for them, or without one.
func (m *model) set(r *room, starts bool) []ledger.Body {
	before := m.state
	m.state = before.Fork()
	set := &ledger.PolicySet{Terms: slices.Clone(r.terms)}
	if _, err := m.speakQuietly(r, set); err != nil {
		m.fail("%v", err)
	}
	wrapped := m.state.Wrapped(r.chain, m.now)
	m.state = before
	if !starts {
		return []ledger.Body{set}
	}
	d := m.draw(m.visit(r, nil, nil), wrapped)
	m.put(d.parts)
	return []ledger.Body{set, d.body}
}

// speakQuietly is what would become of it.
func (m *model) speakQuietly(r *room, b ledger.Body) ([]*ledger.Entry, error) {
	run := m.place(m.signed(r.owner, r.chain, b))
	return run, m.state.Fold(run...)
}

func (m *model) grant(r *room) {
	if len(r.terms) > 5 {
		m.t.Skip("enough are let in")
	}
	to := rapid.SampledFrom(m.staff).Draw(m.t, "to").attribute
	t := ledger.Term{ID: m.newTerm(), Expression: to.String(), History: rapid.Bool().Draw(m.t, "history")}
	t.Write = to.Authority != "acme-insurance" && rapid.Bool().Draw(m.t, "write")
	if rapid.IntRange(0, 3).Draw(m.t, "until") == 0 {
		t.Until = m.now.Add(12 * time.Hour).UnixMilli()
	}
	m.tend(m.view(r, nil))
	f := m.fact(r)
	why, _ := m.state.Stale(r.chain, m.now)
	r.terms = append(slices.Clip(r.terms), t)
	what := fmt.Sprintf("lets %s in, to write: %v, to history: %v, until: %v", to, t.Write, t.History, t.Until != 0)
	v := m.visit(r, nil, nil)
	if why != "" || !t.History {
		r.since[t.ID] = f.Epoch.Number + 1
		m.patientSays(r, what, m.set(r, true)...)
		return
	}
	p, data := m.sealWrap(r, f.Epoch.Number, v.keys(f.Epoch.Number), t)
	m.put(map[string][]byte{ledger.PartSubject(r.chain, f.Epoch.Number, p.Name, p.Hash): data})
	m.patientSays(r, what, append(m.set(r, false), &ledger.EpochRewrapped{Epoch: f.Epoch.Number, Parts: []ledger.Part{p}})...)
}

func (m *model) term(r *room) int {
	if len(r.terms) == 0 {
		m.t.Skip("nobody is let in")
	}
	return rapid.IntRange(0, len(r.terms)-1).Draw(m.t, "term")
}

func (m *model) dropTerm(r *room) {
	i := m.term(r)
	what := "lets " + r.terms[i].Expression + " in no longer"
	r.terms = slices.Delete(slices.Clone(r.terms), i, i+1)
	m.patientSays(r, what, m.set(r, true)...)
}

func (m *model) narrow(r *room) {
	i := m.term(r)
	r.terms = slices.Clone(r.terms)
	t := &r.terms[i]
	if t.Write = false; t.Until == 0 {
		t.Until = m.now.Add(time.Hour).UnixMilli()
	}
	m.patientSays(r, "lets "+t.Expression+" read for an hour more, or as long as before", m.set(r, true)...)
}

func (m *model) wait() {
	d := rapid.SampledFrom([]time.Duration{20 * time.Minute, 13 * time.Hour, ledger.MaxEpochAge}).Draw(m.t, "time")
	m.now = m.now.Add(d)
	m.tell("%s later", d)
}

func (m *model) fill(r *room) {
	m.state.Fill(r.chain, ledger.MaxEpochRecords-1)
	m.tell("the epoch of %s has room for one record more", r.name)
}

// move moves an attribute to its next version, for all that hold it but perhaps one.
func (m *model) move() {
	who := rapid.SampledFrom(m.staff).Draw(m.t, "who")
	a := who.attribute
	leaves := rapid.Bool().Draw(m.t, "leaves")
	i := slices.IndexFunc(m.staff, func(s *member) bool { return s == who })
	by := roster[i].by(m.world)
	city := ledger.AuthorityChain(by.speaks)
	version, _ := m.state.Version(a)
	if leaves && m.holds(who) {
		m.world.say(by, city, &ledger.RepresentativeRemoved{GID: who.GID(), Attributes: []string{a.Name}})
		m.tell("%s is removed as %s", who.name, a)
	}
	m.world.say(by, city, &ledger.AttributeVersioned{Name: a.Name, Version: version + 1, Reason: "because"})
	for _, s := range m.staff {
		if s.attribute == a && s.versions[version] && !(leaves && s == who) {
			m.world.say(by, city, reissued(s.person, a.Name, version+1))
			s.versions[version+1] = true
		}
	}
	m.tell("%s moves to version %d", a, version+1)
}

func (m *model) holds(who *member) bool { return m.state.Holds(who.GID(), who.attribute) }

// erase has the node erase what it owes; crash has it forget what that is, and sweep when it starts.
func (m *model) erase() {
	for _, subject := range m.owed {
		delete(m.stored, subject)
	}
	m.tell("the node erases %d parts", len(m.owed))
	m.owed = nil
}

func (m *model) crash() {
	m.owed = nil
	n := len(m.stored)
	for _, r := range m.rooms {
		for _, subject := range m.spent(r) {
			delete(m.stored, subject)
		}
	}
	m.tell("the node crashes, and sweeps up %d parts", n-len(m.stored))
}

// check compares what everybody can open with what they are to.
func (m *model) check() {
	for _, r := range m.rooms {
		patient := m.visit(r, nil, nil)
		for _, e := range r.written {
			if !patient.opens(e) {
				m.fail("the patient of %s does not open event %d", r.name, e.Number)
			}
		}
		for _, who := range m.staff {
			m.checkMember(r, who)
		}
	}
}

func (m *model) checkMember(r *room, who *member) {
	for _, t := range m.entitled(r, who, ledger.OpRead) {
		v := m.visit(r, who, t)
		for _, e := range r.written {
			if n := e.Body.(*ledger.RecordWritten).Content.Epoch; !t.History && n < r.since[t.ID] {
				continue
			}
			who.allowed[r][e.ID] = true
			if !v.opens(e) {
				m.fail("%s does not open event %d of %s, under term %s to history: %v", who.name, e.Number, r.name, t.ID, t.History)
			}
		}
	}
	m.steal(r, who)
	for _, e := range r.written {
		if n := e.Body.(*ledger.RecordWritten).Content.Epoch; who.hoard[r][n] != nil && !who.allowed[r][e.ID] {
			m.fail("%s opens event %d of epoch %d of %s, and never was to", who.name, e.Number, n, r.name)
		}
	}
}

// steal has somebody open all they can with every part that was ever stored, every key they hold, and every one they ever had.
func (m *model) steal(r *room, who *member) {
	f := m.fact(r)
	kept := who.hoard[r]
	for n := f.Epoch.Number; n > 0; n-- {
		e, _ := f.At(n)
		for _, p := range e.Parts {
			data := m.ever[ledger.PartSubject(r.chain, n, p.Name, p.Hash)]
			if p.Term.IsZero() || who.attribute.String() != p.Expression || !who.versions[p.Versions[0]] || kept[n] != nil && kept[n].HasHistory() {
				continue
			}
			if k, err := epoch.OpenWrap(wrapKey(who.attribute, p.Versions[0], e.KID), r.place(n), e.KID, e.HID, p.Term.String(), data); err == nil {
				kept[n] = k
			}
		}
		if p, ok := e.Part(ledger.PartLink); ok && kept[n] != nil && kept[n].HasHistory() && (kept[n-1] == nil || !kept[n-1].HasHistory()) {
			to, _ := f.At(n - 1)
			if k, err := epoch.OpenLink(kept[n], r.place(n), to.KID, to.HID, m.ever[ledger.PartSubject(r.chain, n, p.Name, p.Hash)]); err == nil {
				kept[n-1] = k
			}
		}
	}
}
