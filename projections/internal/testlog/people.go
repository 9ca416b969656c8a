package testlog

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Authority is an authority in force.
type Authority struct {
	*identity.Identity
	Name  policy.Authority
	Chain ledger.Chain
}

// Authority founds an authority, has it endorsed, and defines its attributes.
func (l *Log) Authority(name policy.Authority, role ledger.AuthorityKind, attributes ...string) *Authority {
	a := l.found(l.Person(), name, role)
	for _, attribute := range attributes {
		l.Append(a, a.Chain, &ledger.AttributeDefined{Name: attribute})
	}
	return a
}

// found registers an authority and endorses it: the registry by a description of the node.
func (l *Log) found(founder *identity.Identity, name policy.Authority, role ledger.AuthorityKind) *Authority {
	if name == ledger.RegistryName {
		l.announce(founder)
	} else {
		l.Endorse(l.Register(founder, name, role))
	}
	return &Authority{founder, name, ledger.AuthorityChain(name)}
}

// Register asks for the name of an authority, with a new key.
func (l *Log) Register(founder *identity.Identity, name policy.Authority, role ledger.AuthorityKind) *ledger.Entry {
	return l.Append(founder, ledger.PersonChain(founder.GID()), l.registration(name, role))
}

func (l *Log) registration(name policy.Authority, role ledger.AuthorityKind) *ledger.AuthorityRegistered {
	return &ledger.AuthorityRegistered{Name: name, Role: role, Key: l.masterKey(name).PublicKey().Bytes()}
}

// Endorse has the registry endorse a registration.
func (l *Log) Endorse(registered *ledger.Entry) {
	l.Append(l.registry, l.registry.Chain, &ledger.AuthorityEndorsed{
		Name: registered.Body.(*ledger.AuthorityRegistered).Name, Founder: registered.Author, Registration: registered.Hash,
	})
}

// announce has the root describe the node and name the registration of the registry, which then follows.
func (l *Log) announce(founder *identity.Identity) {
	run := l.Events(ledger.SessionID{}, founder, ledger.PersonChain(founder.GID()), l.registration(ledger.RegistryName, ledger.Registry))
	l.Append(l.Root, ledger.NodeChain(l.Node.GID()), &ledger.NodeDescribed{
		Sequence: 1, Account: "A", Suites: []uint16{1}, Expires: l.now.Add(365 * 24 * time.Hour).UnixMilli(), Registry: run[0].Hash,
	})
	entry, err := ledger.NewEntry(run[0].Raw, l.now, l.State.Position())
	l.must(err)
	l.must(l.State.Fold(entry))
	l.Store(entry)
}

func (l *Log) masterKey(name policy.Authority) *abe.MasterKey {
	m, err := abe.GenerateMasterKey(rand.Reader, name)
	l.must(err)
	return m
}

// Suspend has the registry suspend an authority.
func (l *Log) Suspend(a *Authority) {
	l.Append(l.registry, l.registry.Chain, &ledger.AuthoritySuspended{Name: a.Name, Reason: "test"})
}

// Enrol enrols a person for an attribute and issues the key.
func (l *Log) Enrol(a *Authority, gid identity.GID, attribute, display string) {
	l.Append(a, a.Chain, &ledger.RepresentativeEnrolled{GID: gid, Attributes: []string{attribute}, Display: display})
	l.Append(a, a.Chain, &ledger.KeyIssued{GID: gid, Attribute: attribute, Version: 1, Sealed: []byte("sealed")})
}

// Patient is a patient with a health compartment in its first epoch.
type Patient struct {
	*identity.Identity
	Profile, Access, Health ledger.Chain

	terms []ledger.Term
	epoch uint32
	leaf  uint32
}

// Patient registers a patient.
func (l *Log) Patient() *Patient {
	id := l.Person()
	p := &Patient{
		Identity: id, Profile: ledger.RecordChain(id.GID(), ledger.Profile), Access: ledger.RecordChain(id.GID(), ledger.Access),
		Health: ledger.RecordChain(id.GID(), ledger.Health),
	}
	l.Append(p, p.Profile, &ledger.PatientRegistered{Key: l.masterKey(policy.Authority(id.GID())).PublicKey().Bytes()})
	l.Append(p, p.Health, &ledger.CompartmentCreated{Class: ledger.HealthClass})
	l.start(p)
	return p
}

// start begins the next epoch of the health compartment, with a wrap for every term.
func (l *Log) start(p *Patient) {
	p.epoch++
	parts := []ledger.Part{{Name: ledger.PartOwner, Hash: ledger.Hash{1}}, {Name: ledger.PartShred, Hash: ledger.Hash{2}}}
	for _, t := range p.terms {
		parts = append(parts, l.wraps(t)...)
	}
	l.Append(p, p.Health, &ledger.EpochStarted{Epoch: p.epoch, KID: ledger.Hash{3, byte(p.epoch)}, HID: ledger.Hash{4, byte(p.epoch)}, Parts: parts})
}

func (l *Log) wrap(t ledger.Term) ledger.Part {
	part := ledger.Part{Name: ledger.WrapName(t.ID), Hash: ledger.Hash{5}, Term: t.ID, Expression: t.Expression}
	p, err := policy.Parse(t.Expression)
	l.must(err)
	for _, a := range p.Attributes() {
		version, _ := l.State.Version(a)
		part.Versions = append(part.Versions, version)
	}
	for _, name := range p.Authorities() {
		key, ok := l.State.Patient(identity.GID(name))
		if !ok {
			fact, _ := l.State.Authority(name)
			key = fact.Key
		}
		part.Keys = append(part.Keys, key.Hash())
	}
	return part
}

// Grant grants the health compartment to whoever satisfies an expression.
func (l *Log) Grant(p *Patient, expression string, write bool) ledger.TermID {
	return l.grant(p, ledger.Term{ID: l.term(), Expression: expression, Write: write})
}

// GrantTo grants reading the health compartment to one person.
func (l *Log) GrantTo(p *Patient, gid identity.GID) ledger.TermID {
	return l.grantTo(p, gid, ledger.Term{})
}

// grantTo names a person in a term and issues what they need for it.
func (l *Log) grantTo(p *Patient, gid identity.GID, t ledger.Term) ledger.TermID {
	t.ID = l.term()
	own := ledger.GrantAttribute(p.GID(), t.ID)
	t.Expression = own.String()
	l.grant(p, t)
	l.Append(p, p.Profile, &ledger.KeyIssued{GID: gid, Attribute: own.Name, Version: 1, Sealed: []byte("sealed")})
	return t.ID
}

func (l *Log) term() ledger.TermID {
	id, err := ledger.NewTermID(rand.Reader, l.now)
	l.must(err)
	return id
}

func (l *Log) grant(p *Patient, t ledger.Term) ledger.TermID {
	p.terms = append(p.terms, t)
	l.Append(p, p.Health, &ledger.PolicySet{Terms: p.terms})
	l.Append(p, p.Health, &ledger.EpochRewrapped{Epoch: p.epoch, Parts: l.wraps(t)})
	return t.ID
}

// Policy returns the grants in force anew, with a note.
func (p *Patient) Policy(note []byte) *ledger.PolicySet {
	return &ledger.PolicySet{Terms: p.terms, Note: note}
}

// Revoke drops all grants.
func (l *Log) Revoke(p *Patient) {
	p.terms = nil
	l.Append(p, p.Health, &ledger.PolicySet{})
	l.start(p)
}

// Open opens a session of ten minutes on the health compartment.
func (l *Log) Open(p *Patient, gid identity.GID, op ledger.Operation, term ledger.TermID) ledger.SessionID {
	id, err := ledger.NewSessionID(rand.Reader, l.now)
	l.must(err)
	l.Append(l.Node, p.Access, &ledger.SessionOpened{
		Session: id, GID: gid, User: "U", Operation: op, Compartment: ledger.Health, Term: term,
		Expires: l.now.Add(10 * time.Minute).UnixMilli(),
	})
	return id
}

// Record returns the body of a new record in a bucket of bytes, a power of two.
func (p *Patient) Record(bucket uint32) *ledger.RecordWritten {
	p.leaf++
	c := ledger.Content{Epoch: p.epoch, Media: "fhir", Bucket: bucket, Sealed: make([]byte, epoch.Overhead+int(bucket))}
	binary.BigEndian.PutUint32(c.Leaf[:], p.leaf)
	c.Sealed[0] = 1 // the format
	return &ledger.RecordWritten{Content: c}
}

// Records returns n bodies.
func (p *Patient) Records(n int) []ledger.Body {
	bodies := make([]ledger.Body, n)
	for i := range bodies {
		bodies[i] = p.Record(256)
	}
	return bodies
}
