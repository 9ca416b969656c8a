package ledger_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// model is a log with a few compartments, real epoch keys and sealed parts, and nothing between the steps of those who use them:
// no network, no node, and in the place of attribute-based encryption a key that whoever holds the attribute version can derive.
type model struct {
	*world
	t      *rapid.T
	rooms  []*room
	staff  []*member
	stored map[string][]byte      // KEYS, by subject
	ever   map[string][]byte      // all that was ever in it: what a thief may have copied
	owned  map[string]*epoch.Keys // what owner parts hold, by subject: opening one is what takes longest
	owed   []string               // subjects that are to be erased, unless the node crashes
	story  []string
}

// room is a compartment.
type room struct {
	name    string
	owner   *person
	chain   ledger.Chain
	terms   []ledger.Term
	since   map[ledger.TermID]uint32 // with which epoch a term from now on begins
	truth   map[ledger.Hash]*ring    // by KID, of every epoch that anybody ever drew
	written []*ledger.Entry
	drafts  []*drafted
}

// ring is the keys of an epoch.
type ring struct {
	keys  *epoch.Keys
	shred *epoch.Shred
}

// drafted is something somebody is about to say.
type drafted struct {
	what  string
	by    *member // nil for the patient
	body  ledger.Body
	parts map[string][]byte
	id    ledger.EventID
}

// member is somebody who holds, or held, an attribute.
type member struct {
	*person
	name      string
	attribute policy.Attribute
	versions  map[uint32]bool                   // of the attribute keys they hold
	hoard     map[*room]map[uint32]*epoch.Keys  // all that they were ever able to open
	allowed   map[*room]map[ledger.EventID]bool // what they ever were to open
}

// tell adds a line to the story, which a failure ends with.
func (m *model) tell(format string, args ...any) {
	m.story = append(m.story, fmt.Sprintf("%3d. ", len(m.story)+1)+fmt.Sprintf(format, args...))
}

func (m *model) fail(format string, args ...any) {
	m.t.Helper()
	m.t.Fatalf("%s\nThe story:\n%s", fmt.Sprintf(format, args...), strings.Join(m.story, "\n"))
}

func (m *model) fact(r *room) ledger.CompartmentFact {
	f, _ := m.state.Compartment(r.chain)
	return f
}

// called is the name of whoever says something.
func called(who *member) string {
	if who == nil {
		return "the patient"
	}
	return who.name
}

// wrapKey is what opens the wrap of a term made for a version of one attribute. Anybody can make it, as in encryption to
// attributes; only holders may use it.
func wrapKey(a policy.Attribute, version uint32, kid ledger.Hash) [epoch.KeySize]byte {
	return sha256.Sum256(fmt.Append(nil, a, version, kid))
}

// visitor opens epochs as a client does that remembers nothing, from the parts that are stored.
type visitor struct {
	m     *model
	r     *room
	who   *member // nil for the patient
	term  *ledger.LiveTerm
	f     ledger.CompartmentFact
	known map[uint32]*epoch.Keys
}

func (m *model) visit(r *room, who *member, term *ledger.LiveTerm) *visitor {
	return &visitor{m, r, who, term, m.fact(r), make(map[uint32]*epoch.Keys)}
}

func (v *visitor) part(n uint32, name string) []byte {
	e, _ := v.f.At(n)
	p, _ := e.Part(name)
	return v.m.stored[ledger.PartSubject(v.r.chain, n, p.Name, p.Hash)]
}

func (r *room) place(n uint32) epoch.Place {
	return epoch.Place{Patient: r.chain.Owner, Compartment: string(r.chain.Compartment), Epoch: n}
}

// keys returns the keys of an epoch; nil if there is no way.
func (v *visitor) keys(n uint32) *epoch.Keys {
	if k, tried := v.known[n]; tried {
		return k
	}
	v.known[n] = nil
	e, _ := v.f.At(n)
	history := v.who == nil || v.term.History
	var k *epoch.Keys
	if v.who == nil {
		k = v.owner(e)
	}
	if k == nil && n < v.f.Epoch.Number && history {
		k = v.link(n + 1)
	}
	if k == nil && v.who != nil {
		k = v.wrap(e)
	}
	v.known[n] = k
	return k
}

func (v *visitor) owner(e *ledger.Epoch) *epoch.Keys {
	p, _ := e.Part(ledger.PartOwner)
	subject := ledger.PartSubject(v.r.chain, e.Number, p.Name, p.Hash)
	k, known := v.m.owned[subject]
	if !known {
		k, _ = epoch.OpenOwner(v.r.owner.Identity, v.r.place(e.Number), e.KID, e.HID, v.m.stored[subject])
		v.m.owned[subject] = k
	}
	return k
}

// link opens the link from an epoch.
func (v *visitor) link(from uint32) *epoch.Keys {
	to, _ := v.f.At(from - 1)
	if newer := v.keys(from); newer != nil {
		k, _ := epoch.OpenLink(newer, v.r.place(from), to.KID, to.HID, v.part(from, ledger.PartLink))
		return k
	}
	return nil
}

func (v *visitor) wrap(e *ledger.Epoch) *epoch.Keys {
	name := ledger.WrapName(v.term.ID)
	p, ok := e.Part(name)
	if !ok || v.who.attribute.String() != p.Expression || !v.who.versions[p.Versions[0]] {
		return nil
	}
	k, _ := epoch.OpenWrap(wrapKey(v.who.attribute, p.Versions[0], e.KID), v.r.place(e.Number), e.KID, e.HID, v.term.ID.String(), v.part(e.Number, name))
	return k
}

// shred opens the key state of an epoch.
func (v *visitor) shred(n uint32) *epoch.Shred {
	e, _ := v.f.At(n)
	k := v.keys(n)
	if k == nil {
		return nil
	}
	s, _ := epoch.OpenShred(k, v.r.place(n), e.Erased, v.part(n, ledger.PartShred))
	return s
}

// opens tells whether a record opens.
func (v *visitor) opens(e *ledger.Entry) bool {
	n := e.Body.(*ledger.RecordWritten).Content.Epoch
	s := v.shred(n)
	return s != nil && opens(v.keys(n), s, e)
}

func opens(k *epoch.Keys, s *epoch.Shred, e *ledger.Entry) bool {
	content := &e.Body.(*ledger.RecordWritten).Content
	_, err := epoch.Open(k, s, headed(e.Event, content), content.Sealed)
	return err == nil
}

func headed(e *ledger.Event, c *ledger.Content) epoch.Header {
	return epoch.Header{
		Version: 1, Patient: e.Chain.Owner, Compartment: string(e.Chain.Compartment), Epoch: c.Epoch, EventID: e.ID,
		Kind: string(ledger.RecordWrittenKind), Author: string(e.Author), Leaf: c.Leaf, Class: c.Media,
	}
}

// draw makes the next epoch of a room by somebody who sees what v sees.
func (m *model) draw(v *visitor, terms []ledger.LiveTerm) *drafted {
	r, f := v.r, v.f
	d := &drafted{by: v.who, parts: make(map[string][]byte)}
	next := uint32(1)
	if f.Epoch != nil {
		next = f.Epoch.Number + 1
	}
	drawn := &ring{must(epoch.Generate(m.rand)), must(epoch.NewShred(m.rand))}
	r.truth[drawn.keys.KID()] = drawn
	b := &ledger.EpochStarted{Epoch: next, KID: drawn.keys.KID(), HID: drawn.keys.HID()}
	add := func(p ledger.Part, data []byte) {
		p.Hash = sha256.Sum256(data)
		b.Parts = append(b.Parts, p)
		d.parts[ledger.PartSubject(r.chain, next, p.Name, p.Hash)] = data
	}
	at := r.place(next)
	add(ledger.Part{Name: ledger.PartOwner}, must(epoch.SealOwner(r.owner.Keys(), at, drawn.keys)))
	add(ledger.Part{Name: ledger.PartShred}, must(epoch.SealShred(m.rand, at, drawn.keys, drawn.shred)))
	if next > 1 {
		if before := v.keys(next - 1); before != nil && before.HasHistory() {
			add(ledger.Part{Name: ledger.PartLink}, must(epoch.SealLink(m.rand, at, drawn.keys, before)))
		}
	}
	for _, t := range terms {
		add(m.sealWrap(r, next, drawn.keys, t.Term))
	}
	d.body, d.what = b, fmt.Sprintf("epoch %d", next)
	return d
}

// sealWrap makes the wrap of a term, resolved as of now.
func (m *model) sealWrap(r *room, n uint32, keys *epoch.Keys, t ledger.Term) (ledger.Part, []byte) {
	p := m.wrap(t)
	a := must(policy.ParseAttribute(t.Expression))
	data := must(epoch.SealWrap(m.rand, wrapKey(a, p.Versions[0], keys.KID()), r.place(n), t.ID.String(), keys, t.History))
	p.Hash = sha256.Sum256(data)
	return p, data
}

// put stores parts.
func (m *model) put(parts map[string][]byte) {
	maps.Copy(m.stored, parts)
	maps.Copy(m.ever, parts)
}

// spent returns the subjects of what nobody needs any more.
func (m *model) spent(r *room) []string {
	f := m.fact(r)
	var all []string
	for _, p := range f.Obsolete() {
		all = append(all, ledger.PartSubject(r.chain, p.Epoch, p.Part.Name, p.Part.Hash))
	}
	return all
}

// speak appends bodies on a room's chain: by the patient, or by a member in a session for the first term that lets them write.
func (m *model) speak(r *room, who *member, id ledger.EventID, bodies ...ledger.Body) ([]*ledger.Entry, error) {
	var all []*ledger.Entry
	for _, b := range bodies {
		author, edits := r.owner, []func(*ledger.Event){}
		if who != nil {
			terms := m.entitled(r, who, ledger.OpWrite)
			if len(terms) == 0 {
				return nil, fmt.Errorf("%w: %s may not write", ledger.ErrInvalid, who.name)
			}
			opened := m.opened(who.person, r.chain, ledger.OpWrite, terms[0].ID)
			m.world.say(m.node, ledger.RecordChain(r.owner.GID(), ledger.Access), opened)
			author, edits = who.person, append(edits, in(opened.Session))
		}
		if !id.IsZero() {
			edits = append(edits, func(e *ledger.Event) { e.ID = id })
		}
		before := m.spent(r)
		run := m.place(m.signed(author, r.chain, b, edits...))
		if err := m.tryFold(run...); err != nil {
			return all, err
		}
		all = append(all, run...)
		m.owed = append(m.owed, slices.DeleteFunc(m.spent(r), func(s string) bool { return slices.Contains(before, s) })...)
	}
	return all, nil
}

// entitled returns the terms under which somebody may read or write now.
func (m *model) entitled(r *room, who *member, op ledger.Operation) []*ledger.LiveTerm {
	var terms []*ledger.LiveTerm
	for _, t := range r.terms {
		if live, err := m.state.Entitled(who.GID(), r.chain, op, t.ID, m.now); err == nil {
			terms = append(terms, live)
		}
	}
	return terms
}
