package testnode

import (
	"crypto/rand"
	"crypto/sha256"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Patient is a patient with a health compartment and the keys of its epoch.
type Patient struct {
	Person
	Profile, Access, Health ledger.Chain
	Terms                   []ledger.Term

	n     *Node
	epoch uint32
	keys  *epoch.Keys
	shred *epoch.Shred
}

// Patient registers a patient whose health compartment is in its first epoch.
func (n *Node) Patient() *Patient {
	n.Helper()
	p := &Patient{Person: *n.Person(), n: n}
	p.Profile = ledger.RecordChain(p.GID(), ledger.Profile)
	p.Access = ledger.RecordChain(p.GID(), ledger.Access)
	p.Health = ledger.RecordChain(p.GID(), ledger.Health)
	master, err := abe.GenerateMasterKey(rand.Reader, policy.Authority(p.GID()))
	n.must(err)
	n.Say(p.Identity, p.Profile, &ledger.PatientRegistered{Key: master.PublicKey().Bytes()})
	started, parts := p.NextEpoch("first")
	n.Submit(n.Sign(p.Identity, ledger.SessionID{}, p.Health, &ledger.CompartmentCreated{Class: ledger.HealthClass}, started), parts...)
	return p
}

// NextEpoch draws the keys of the next epoch, which are taken into use, and wraps them for every term.
func (p *Patient) NextEpoch(reason string) (*ledger.EpochStarted, []protocol.PartData) {
	p.n.Helper()
	var err error
	p.epoch++
	p.keys, err = epoch.Generate(rand.Reader)
	p.n.must(err)
	p.shred, err = epoch.NewShred(rand.Reader)
	p.n.must(err)
	started := &ledger.EpochStarted{Epoch: p.epoch, KID: p.keys.KID(), HID: p.keys.HID(), Reason: reason}
	owner, err := epoch.SealOwner(p.Keys(), p.place(), p.keys)
	p.n.must(err)
	shred, err := epoch.SealShred(rand.Reader, p.place(), p.keys, p.shred)
	p.n.must(err)
	parts := []protocol.PartData{p.part(ledger.PartOwner, owner), p.part(ledger.PartShred, shred)}
	started.Parts = []ledger.Part{
		{Name: ledger.PartOwner, Hash: sha256.Sum256(owner)}, {Name: ledger.PartShred, Hash: sha256.Sum256(shred)},
	}
	for _, t := range p.Terms {
		named, data := p.Wraps(t)
		started.Parts, parts = append(started.Parts, named...), append(parts, data...)
	}
	return started, parts
}

// NextLinked is NextEpoch with the link to the epoch before.
func (p *Patient) NextLinked(reason string) (*ledger.EpochStarted, []protocol.PartData) {
	p.n.Helper()
	previous := p.keys
	started, parts := p.NextEpoch(reason)
	link, err := epoch.SealLink(rand.Reader, p.place(), p.keys, previous)
	p.n.must(err)
	started.Parts = append(started.Parts, ledger.Part{Name: ledger.PartLink, Hash: sha256.Sum256(link)})
	return started, append(parts, p.part(ledger.PartLink, link))
}

func (p *Patient) place() epoch.Place {
	return epoch.Place{Patient: string(p.GID()), Compartment: string(ledger.Health), Epoch: p.epoch}
}

func (p *Patient) part(name string, data []byte) protocol.PartData {
	return protocol.PartData{Chain: p.Health.String(), Epoch: p.epoch, Name: name, Data: data}
}

// Wrap gives the epoch's keys to those who satisfy a term.
func (p *Patient) Wrap(t ledger.Term) (ledger.Part, protocol.PartData) {
	p.n.Helper()
	parsed, err := policy.Parse(t.Expression)
	p.n.must(err)
	var x *abe.Expression
	p.n.Fold.View(func(s *ledger.State) { x, err = s.Expression(parsed) })
	p.n.must(err)
	context, err := ledger.WrapContext(p.Health, p.epoch, p.keys.KID(), t.ID)
	p.n.must(err)
	key, ciphertext, err := x.Encapsulate(rand.Reader, abe.Wrap, context)
	p.n.must(err)
	sealed, err := epoch.SealWrap(rand.Reader, key, p.place(), t.ID.String(), p.keys, t.History)
	p.n.must(err)
	data, err := (&ledger.Wrap{Ciphertext: ciphertext, Sealed: sealed}).Marshal()
	p.n.must(err)
	part := ledger.Part{
		Name: ledger.WrapName(t.ID), Hash: sha256.Sum256(data), Term: t.ID, Expression: t.Expression, Versions: x.Versions(),
	}
	for _, h := range x.KeyHashes() {
		part.Keys = append(part.Keys, h)
	}
	return part, p.part(part.Name, data)
}

// Term makes a term that is in no policy yet.
func (n *Node) Term(expression string, write bool) ledger.Term {
	n.Helper()
	id, err := ledger.NewTermID(rand.Reader, n.Now())
	n.must(err)
	return ledger.Term{ID: id, Expression: expression, Write: write, History: true}
}

// Granting adds a term and returns the submission that says so.
func (p *Patient) Granting(t ledger.Term) ([][]byte, []protocol.PartData) {
	p.n.Helper()
	p.Terms = append(slices.Clip(p.Terms), t)
	parts, data := p.Wraps(t)
	return p.n.Sign(p.Identity, ledger.SessionID{}, p.Health,
		&ledger.PolicySet{Terms: p.Terms}, &ledger.EpochRewrapped{Epoch: p.epoch, Parts: parts}), data
}

// Grant grants the health compartment to whoever satisfies an expression.
func (p *Patient) Grant(expression string, write bool) ledger.TermID {
	p.n.Helper()
	t := p.n.Term(expression, write)
	events, parts := p.Granting(t)
	p.n.Submit(events, parts...)
	return t.ID
}

// Revoke drops all terms and starts an epoch.
func (p *Patient) Revoke() {
	p.n.Helper()
	p.Terms = nil
	started, parts := p.NextEpoch("revoked")
	p.n.Submit(p.n.Sign(p.Identity, ledger.SessionID{}, p.Health, &ledger.PolicySet{}, started), parts...)
}

// Record seals a body of some bytes as a record by an author, for the epoch in use.
func (p *Patient) Record(author identity.GID, body []byte) *Prepared {
	p.n.Helper()
	leaf, err := epoch.DrawLeaf(rand.Reader)
	p.n.must(err)
	prepared := &Prepared{ID: p.n.NewEventID()}
	sealed, err := epoch.Seal(rand.Reader, p.keys, p.shred, epoch.Header{
		Version: 1, Patient: string(p.GID()), Compartment: string(ledger.Health), Epoch: p.epoch, EventID: prepared.ID,
		Kind: string(ledger.RecordWrittenKind), Author: string(author), Leaf: leaf, Class: "note",
	}, body)
	p.n.must(err)
	bucket, err := epoch.Bucket(sealed)
	p.n.must(err)
	prepared.Body = &ledger.RecordWritten{Content: ledger.Content{
		Epoch: p.epoch, Leaf: leaf, Media: "note", Bucket: uint32(bucket), Sealed: sealed,
	}}
	return prepared
}

// Records seals many records by the patient, of incompressible bodies.
func (p *Patient) Records(count, size int) []ledger.Body {
	p.n.Helper()
	bodies := make([]ledger.Body, count)
	body := make([]byte, size)
	for i := range bodies {
		_, err := rand.Read(body)
		p.n.must(err)
		bodies[i] = p.Record(p.GID(), body)
	}
	return bodies
}

// Erasing erases a record and returns the submission that says so.
func (p *Patient) Erasing(record *Prepared) ([][]byte, []protocol.PartData) {
	p.n.Helper()
	leaf := record.Body.(*ledger.RecordWritten).Content.Leaf
	p.shred.Puncture(leaf)
	sealed, err := epoch.SealShred(rand.Reader, p.place(), p.keys, p.shred)
	p.n.must(err)
	return p.n.Sign(p.Identity, ledger.SessionID{}, p.Health, &ledger.RecordErased{
		Epoch: p.epoch, Records: []ledger.EventID{record.ID}, Leaves: [][6]byte{leaf}, Shred: sha256.Sum256(sealed),
	}), []protocol.PartData{p.part(ledger.PartShred, sealed)}
}
