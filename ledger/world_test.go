package ledger_test

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// world is a log and the State that judges it. Everybody of the cast is registered, the authorities are endorsed, the
// representatives hold their attributes, and the patient's health and training compartments are in use.
type world struct {
	people
	rand      io.Reader
	now       time.Time
	state     *ledger.State
	log       [][]*ledger.Entry // the runs that count
	positions []ledger.Position // by the count of control entries

	health, training, profile, access ledger.Chain  // of the patient
	terms                             grants        // live ones
	byDoctor, byTrainer               ledger.TermID // may write
	byAgent, byClerk, byNobody        ledger.TermID // may read; nobody is named in person
	first                             *ledger.Entry // a record of health
	phr                               *ledger.Event // the registration of phr
}

// grants are the live terms of each compartment.
type grants map[ledger.Chain][]ledger.Term

var firstDay = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// settled is the world that every test starts from.
var settled = sync.OnceValue(func() *world {
	w := &world{people: cast(), rand: stream("world"), now: firstDay, positions: make([]ledger.Position, 1), terms: grants{}}
	w.state = ledger.NewState(w.root.GID(), ledger.WholeLog)
	w.profile, w.access = ledger.RecordChain(w.patient.GID(), ledger.Profile), ledger.RecordChain(w.patient.GID(), ledger.Access)
	w.health, w.training = ledger.RecordChain(w.patient.GID(), ledger.Health), ledger.RecordChain(w.patient.GID(), ledger.Training)
	w.found()
	w.staff()
	w.settle()
	return w
})

// newWorld returns a copy of the settled world, with randomness of its own.
func newWorld(t testing.TB) *world {
	w := *settled()
	w.rand = stream(t.Name())
	w.state = w.state.Fork()
	w.log, w.positions, w.terms = slices.Clip(w.log), slices.Clip(w.positions), grants{}
	for c, terms := range settled().terms {
		w.terms[c] = slices.Clone(terms)
	}
	return &w
}

// found starts the node and the authorities.
func (w *world) found() {
	w.join(w.root)
	w.join(w.node)
	w.join(w.registry)
	w.phr = w.signed(w.registry, ledger.PersonChain(w.registry.GID()), registration(w.registry, ledger.Registry))
	w.say(w.root, ledger.NodeChain(w.node.GID()), &ledger.NodeDescribed{Sequence: 1, Registry: ledger.HashEvent(must(w.phr.Marshal()))})
	w.fold(w.phr)
	for _, a := range []struct {
		*person
		role       ledger.AuthorityKind
		attributes []string
	}{
		{w.hospital, ledger.Hospital, []string{"doctor", "nurse"}},
		{w.clinic, ledger.Hospital, []string{"doctor"}},
		{w.club, ledger.HealthClub, []string{"trainer"}},
		{w.insurer, ledger.Insurer, []string{"agent"}},
		{w.employer, ledger.Employer, []string{"hr"}},
	} {
		w.join(a.person)
		e := w.say(a.person, ledger.PersonChain(a.GID()), registration(a.person, a.role))
		w.endorse(a.person, e)
		w.define(a.person, a.attributes...)
	}
	w.define(w.registry, "patient", "auditor")
}

// staff enrols everybody's representatives.
func (w *world) staff() {
	for _, p := range []*person{w.doctor, w.nurse, w.trainer, w.agent, w.clerk, w.nobody, w.patient, w.other} {
		w.join(p)
	}
	w.enrol(w.hospital, w.doctor, "doctor")
	w.enrol(w.hospital, w.nurse, "nurse")
	w.enrol(w.club, w.trainer, "trainer")
	w.enrol(w.insurer, w.agent, "agent")
	w.enrol(w.employer, w.clerk, "hr")
	w.enrol(w.registry, w.patient, "patient")
}

// settle gives the patient a record that is shared, and the other patient an empty one.
func (w *world) settle() {
	for _, p := range []*person{w.patient, w.other} {
		w.say(p, ledger.RecordChain(p.GID(), ledger.Profile), &ledger.PatientRegistered{Key: p.master.PublicKey().Bytes()})
		w.say(p, ledger.RecordChain(p.GID(), ledger.Health), &ledger.CompartmentCreated{Class: ledger.HealthClass})
		w.say(p, ledger.RecordChain(p.GID(), ledger.Training), &ledger.CompartmentCreated{Class: ledger.TrainingClass})
	}
	w.byDoctor = w.grant(w.health, "doctor@city-hospital", true)
	w.byAgent = w.grant(w.health, "agent@acme-insurance", false)
	w.byTrainer = w.grant(w.training, "trainer@city-club", true)
	w.byClerk = w.grant(w.training, "hr@initech", false)
	w.byNobody = w.newTerm()
	own := ledger.GrantAttribute(w.patient.GID(), w.byNobody)
	w.terms[w.health] = append(w.terms[w.health], ledger.Term{ID: w.byNobody, Expression: own.String(), History: true})
	w.say(w.patient, w.health, w.set(w.health))
	w.say(w.patient, w.profile, w.issued(w.patient, w.nobody, own.Name, 1))
	for _, c := range []ledger.Chain{w.health, w.training} {
		w.say(w.patient, c, w.start(c))
	}
	w.first = w.say(w.patient, w.health, w.record(w.health))
}

func registration(p *person, role ledger.AuthorityKind) *ledger.AuthorityRegistered {
	return &ledger.AuthorityRegistered{Name: p.speaks, Role: role, Key: p.master.PublicKey().Bytes()}
}

func (w *world) join(p *person) {
	first := p.Inception()
	w.say(p, ledger.PersonChain(p.GID()), &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery})
}

func (w *world) endorse(p *person, registered *ledger.Entry) {
	w.say(w.registry, ledger.AuthorityChain(ledger.RegistryName), &ledger.AuthorityEndorsed{Name: p.speaks, Founder: p.GID(), Registration: registered.Hash})
}

func (w *world) define(p *person, attributes ...string) {
	for _, name := range attributes {
		w.say(p, ledger.AuthorityChain(p.speaks), &ledger.AttributeDefined{Name: name})
	}
}

func (w *world) enrol(by, p *person, attribute string) {
	w.say(by, ledger.AuthorityChain(by.speaks), &ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{attribute}})
	w.say(by, ledger.AuthorityChain(by.speaks), w.issued(by, p, attribute, 1))
}

// issued is the issuance of a real attribute key, sealed to its holder.
func (w *world) issued(by, to *person, attribute string, version uint32) *ledger.KeyIssued {
	c := ledger.AuthorityChain(by.speaks)
	if by.speaks.IsGID() {
		c = ledger.RecordChain(by.GID(), ledger.Profile)
	}
	key := must(by.master.Issue(w.rand, string(to.GID()), attribute, version))
	aad := must(ledger.IssueAAD(c, to.GID(), attribute, version))
	return &ledger.KeyIssued{GID: to.GID(), Attribute: attribute, Version: version, Sealed: must(to.Keys().SealTo(ledger.IssueInfo, aad, key.Bytes()))}
}

// grant adds a term with history, which no wrap is made for yet.
func (w *world) grant(c ledger.Chain, expression string, write bool) ledger.TermID {
	id := w.newTerm()
	w.terms[c] = append(w.terms[c], ledger.Term{ID: id, Expression: expression, Write: write, History: true})
	w.say(w.patient, c, w.set(c))
	return id
}

func (w *world) newTerm() ledger.TermID { return must(ledger.NewTermID(w.rand, w.now)) }

// set is the policy of the live terms and more.
func (w *world) set(c ledger.Chain, more ...ledger.Term) *ledger.PolicySet {
	return &ledger.PolicySet{Terms: append(slices.Clip(w.terms[c]), more...)}
}

// without is the policy of the live terms but one.
func (w *world) without(c ledger.Chain, id ledger.TermID) *ledger.PolicySet {
	return &ledger.PolicySet{Terms: slices.DeleteFunc(slices.Clone(w.terms[c]), func(t ledger.Term) bool { return t.ID == id })}
}

// start is the next epoch of a compartment, as its State calls for it.
func (w *world) start(c ledger.Chain) *ledger.EpochStarted {
	f, _ := w.state.Compartment(c)
	b := &ledger.EpochStarted{Epoch: 1, Parts: []ledger.Part{w.part(ledger.PartOwner), w.part(ledger.PartShred)}}
	if f.Epoch != nil {
		b.Epoch = f.Epoch.Number + 1
		b.Parts = append(b.Parts, w.part(ledger.PartLink))
	}
	keys := must(epoch.Generate(w.rand))
	b.KID, b.HID = keys.KID(), keys.HID()
	for _, t := range w.state.Wrapped(c, w.now) {
		b.Parts = append(b.Parts, w.wraps(t.Term)...)
	}
	return b
}

func (w *world) part(name string) ledger.Part { return ledger.Part{Name: name, Hash: w.hash()} }

func (w *world) hash() (h ledger.Hash) {
	must(io.ReadFull(w.rand, h[:]))
	return h
}

// wrap is the part for a term, resolved as of now.
func (w *world) wrap(t ledger.Term) ledger.Part {
	x := must(w.state.Expression(must(policy.Parse(t.Expression))))
	p := w.part(ledger.WrapName(t.ID))
	p.Term, p.Expression, p.Versions = t.ID, t.Expression, x.Versions()
	for _, h := range x.KeyHashes() {
		p.Keys = append(p.Keys, h)
	}
	return p
}

// wraps are all parts for a term: three for one that opens in an emergency.
func (w *world) wraps(t ledger.Term) []ledger.Part {
	parts := []ledger.Part{w.wrap(t)}
	if t.Emergency() {
		approval := w.wrap(ledger.Term{ID: t.ID, Expression: t.Approval})
		approval.Name = ledger.ApprovalName(t.ID)
		release := w.part(ledger.ReleaseName(t.ID))
		release.Term = t.ID
		parts = append(parts, approval, release)
	}
	return parts
}

func (w *world) content(c ledger.Chain) ledger.Content {
	f, _ := w.state.Compartment(c)
	body, bucket := sealed()
	return ledger.Content{Epoch: f.Epoch.Number, Leaf: must(epoch.DrawLeaf(w.rand)), Media: "fhir", Bucket: bucket, Sealed: body}
}

func (w *world) record(c ledger.Chain) *ledger.RecordWritten {
	return &ledger.RecordWritten{Content: w.content(c)}
}

// erasure is that of an entry's record.
func (w *world) erasure(e *ledger.Entry) *ledger.RecordErased {
	content := e.Body.(*ledger.RecordWritten).Content
	return &ledger.RecordErased{Epoch: content.Epoch, Records: []ledger.EventID{e.ID}, Leaves: [][6]byte{content.Leaf}, Shred: w.hash()}
}

// opened is a session for somebody on a compartment of the patient's.
func (w *world) opened(p *person, c ledger.Chain, op ledger.Operation, term ledger.TermID) *ledger.SessionOpened {
	return &ledger.SessionOpened{
		Session: must(ledger.NewSessionID(w.rand, w.now)), GID: p.GID(), User: "UABC", Operation: op, Compartment: c.Compartment, Term: term,
		Expires: w.now.Add(ledger.MaxSession).UnixMilli(),
	}
}

func (w *world) open(p *person, c ledger.Chain, op ledger.Operation, term ledger.TermID) ledger.SessionID {
	b := w.opened(p, c, op, term)
	w.say(w.node, w.access, b)
	return b.Session
}

// draft is the next event of a chain, not signed.
func (w *world) draft(author *person, c ledger.Chain, b ledger.Body) *ledger.Event {
	head, _ := w.state.Head(c)
	return &ledger.Event{
		ID: must(ledger.NewEventID(w.rand, w.now)), Chain: c, Number: head.Number + 1, Prev: head.Hash, Author: author.GID(), Time: w.now, Body: b,
	}
}

// signed is the next event of a chain after edits.
func (w *world) signed(author *person, c ledger.Chain, b ledger.Body, edits ...func(*ledger.Event)) *ledger.Event {
	e := w.draft(author, c, b)
	for _, edit := range edits {
		edit(e)
	}
	w.sign(author, e)
	return e
}

func (w *world) sign(author *person, e *ledger.Event) {
	var signer ledger.Signer = author
	switch e.Body.(type) {
	case *ledger.IdentityRotated: // a planned one
		if err := e.Consent(author); err != nil {
			panic(err)
		}
		signer = author.recovery
	case *ledger.RecoveryRequested:
		signer = author.recovery
	}
	if err := e.Sign(signer); err != nil {
		panic(err)
	}
}

// place gives events their places in the log, as ingest does now.
func (w *world) place(events ...*ledger.Event) []*ledger.Entry {
	run := make([]*ledger.Entry, len(events))
	for i, e := range events {
		placed := must(ledger.NewEntry(must(e.Marshal()), w.now, w.state.Position()))
		run[i] = must(ledger.ParseEntry(must(placed.Marshal())))
	}
	return run
}

// tryFold folds a run and keeps it if it counts.
func (w *world) tryFold(run ...*ledger.Entry) error {
	if err := w.state.Fold(run...); err != nil {
		return err
	}
	w.log = append(w.log, run)
	if p := w.state.Position(); p.Count == uint64(len(w.positions)) {
		w.positions = append(w.positions, p)
	}
	w.now = w.now.Add(time.Second)
	return nil
}

// try places and folds one event.
func (w *world) try(e *ledger.Event) error { return w.tryFold(w.place(e)...) }

// fold is try for events that count.
func (w *world) fold(e *ledger.Event) *ledger.Entry {
	run := w.place(e)
	if err := w.tryFold(run...); err != nil {
		panic(err)
	}
	return run[0]
}

// say appends an event that counts. It panics if it does not.
func (w *world) say(author *person, c ledger.Chain, b ledger.Body, edits ...func(*ledger.Event)) *ledger.Entry {
	return w.fold(w.signed(author, c, b, edits...))
}

// run is n records of one author that the last one is signed for.
func (w *world) run(author *person, c ledger.Chain, n int, edits ...func(*ledger.Event)) []*ledger.Event {
	events := make([]*ledger.Event, n)
	for i := range events {
		e := w.draft(author, c, w.record(c))
		if i > 0 {
			e.Number, e.Prev = events[i-1].Number+1, ledger.HashEvent(must(events[i-1].Marshal()))
		}
		for _, edit := range edits {
			edit(e)
		}
		events[i] = e
	}
	w.sign(author, events[n-1])
	return events
}

// in makes an event one of a session.
func in(s ledger.SessionID) func(*ledger.Event) { return func(e *ledger.Event) { e.Session = s } }

// refused checks that an error is one of want, and says text.
func refused(t testing.TB, err, want error, text string) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("it counts; want: %s", text)
	case !errors.Is(err, want) || !strings.Contains(err.Error(), text):
		t.Errorf("refused with %q (of %v); want %q (of %v)", err, errors.Is(err, want), text, want)
	}
}
