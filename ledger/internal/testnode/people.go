package testnode

import (
	"crypto/rand"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Person is somebody registered.
type Person struct {
	*identity.Identity
	attributes []*abe.AttributeKey
}

func newIdentity(t testing.TB) *identity.Identity {
	t.Helper()
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Stranger draws an identity that nobody knows.
func (n *Node) Stranger() *identity.Identity {
	n.Helper()
	return newIdentity(n)
}

// Registration is what makes an identity known.
func Registration(id *identity.Identity) *ledger.IdentityRegistered {
	first := id.Inception()
	return &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery}
}

// Register makes an identity known.
func (n *Node) Register(id *identity.Identity) {
	n.Helper()
	n.Say(id, ledger.PersonChain(id.GID()), Registration(id))
}

// Person registers somebody new.
func (n *Node) Person() *Person {
	n.Helper()
	id := newIdentity(n)
	n.Register(id)
	return &Person{Identity: id}
}

// Authority is an authority and its founder.
type Authority struct {
	*identity.Identity
	Name   policy.Authority
	Chain  ledger.Chain
	master *abe.MasterKey
}

func (n *Node) newAuthority(founder *identity.Identity, name policy.Authority) *Authority {
	n.Helper()
	master, err := abe.GenerateMasterKey(rand.Reader, name)
	n.must(err)
	return &Authority{founder, name, ledger.AuthorityChain(name), master}
}

// Authority founds an authority, has it endorsed, and defines its attributes.
func (n *Node) Authority(name policy.Authority, role ledger.AuthorityKind, attributes ...string) *Authority {
	n.Helper()
	a := n.newAuthority(n.Person().Identity, name)
	chain := ledger.PersonChain(a.GID())
	registration := n.Sign(a.Identity, ledger.SessionID{}, chain, &ledger.AuthorityRegistered{Name: name, Role: role, Key: a.master.PublicKey().Bytes()})
	n.Submit(registration)
	n.Say(n.Registry.Identity, n.Registry.Chain, &ledger.AuthorityEndorsed{
		Name: name, Founder: a.GID(), Registration: ledger.HashEvent(registration[0]),
	})
	for _, attribute := range attributes {
		n.Say(a.Identity, a.Chain, &ledger.AttributeDefined{Name: attribute})
	}
	return a
}

// Enrol enrols a person for an attribute and gives them the key.
func (n *Node) Enrol(a *Authority, p *Person, attribute string) {
	n.Helper()
	key, err := a.master.Issue(rand.Reader, string(p.GID()), attribute, 1)
	n.must(err)
	p.attributes = append(p.attributes, key)
	n.Say(a.Identity, a.Chain,
		&ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{attribute}},
		&ledger.KeyIssued{GID: p.GID(), Attribute: attribute, Version: 1, Sealed: []byte("not opened in tests")})
}

// Representative registers somebody and enrols them.
func (n *Node) Representative(a *Authority, attribute string) *Person {
	n.Helper()
	p := n.Person()
	n.Enrol(a, p, attribute)
	return p
}
