package challenge_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// node is a node with its gate's key.
type node struct {
	*identity.Identity
	key ed25519.PrivateKey
}

// person is somebody with attribute keys.
type person struct {
	*identity.Identity
	attributes []*abe.AttributeKey
}

// cast is who appears in the tests, and the log that says so. It is made once and never changed; tests that add to the log
// do it on a fork.
type cast struct {
	state    *ledger.State
	root     *identity.Identity
	registry *identity.Identity
	hospital *identity.Identity
	master   *abe.MasterKey
	nodes    [2]*node

	maria, juan *person // patients
	ruiz, leo   *person // doctors at the hospital, to whom Maria's terms give access
	eve         *person // registered, and that is all

	treat  ledger.Term // doctors write Maria's health data
	review ledger.Term // doctors read it
}

var theCast = sync.OnceValue(func() *cast {
	c := &cast{root: newIdentity(), registry: newIdentity(), hospital: newIdentity()}
	c.maria, c.juan, c.ruiz, c.leo, c.eve = newPerson(), newPerson(), newPerson(), newPerson(), newPerson()
	c.state = ledger.NewState(c.root.GID(), ledger.WholeLog)
	for _, id := range []*identity.Identity{
		c.root, c.registry, c.hospital, c.maria.Identity, c.juan.Identity, c.ruiz.Identity, c.leo.Identity, c.eve.Identity,
	} {
		register(c.state, id)
	}
	c.openNodes()
	c.openHospital()
	c.openRecords()
	return c
})

func newIdentity() *identity.Identity {
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	return id
}

func newPerson() *person { return &person{Identity: newIdentity()} }

func newID[thing any](id *ledger.ID[thing]) {
	var err error
	if *id, err = ledger.NewID[thing](rand.Reader, noon); err != nil {
		panic(err)
	}
}

func newUser() nkeys.KeyPair { return must(nkeys.CreateUser()) }

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func parsePolicy(text string) (*policy.Policy, error) { return policy.Parse(text) }

func found[T any](v T, ok bool) (T, error) {
	if !ok {
		return v, errors.New("not found")
	}
	return v, nil
}

// event makes the next event of a chain.
func event(state *ledger.State, author *identity.Identity, chain ledger.Chain, body ledger.Body) *ledger.Entry {
	head, _ := state.Head(chain)
	e := &ledger.Event{
		Chain: chain, Number: head.Number + 1, Prev: head.Hash, Author: author.GID(), Time: noon, Body: body,
	}
	newID(&e.ID)
	if err := e.Sign(author); err != nil {
		panic(err)
	}
	return must(ledger.NewEntry(must(e.Marshal()), noon, state.Position()))
}

// write adds an event to the log.
func write(state *ledger.State, author *identity.Identity, chain ledger.Chain, body ledger.Body) *ledger.Entry {
	e := event(state, author, chain, body)
	if err := state.Fold(e); err != nil {
		panic(err)
	}
	return e
}

func register(state *ledger.State, id *identity.Identity) {
	write(state, id, ledger.PersonChain(id.GID()), &ledger.IdentityRegistered{
		Sign: id.Keys().Sign, Seal: id.Keys().Seal, Recovery: id.RecoveryHash(),
	})
}

// openNodes adds two nodes and the registry that the first one's description names.
func (c *cast) openNodes() {
	founding := event(c.state, c.registry, ledger.PersonChain(c.registry.GID()), &ledger.AuthorityRegistered{
		Name: ledger.RegistryName, Role: ledger.Registry,
		Key: must(abe.GenerateMasterKey(rand.Reader, ledger.RegistryName)).PublicKey().Bytes(),
	})
	for i := range c.nodes {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		n := &node{newIdentity(), key}
		c.nodes[i] = n
		register(c.state, n.Identity)
		write(c.state, c.root, ledger.NodeChain(n.GID()), &ledger.NodeDescribed{
			Sequence: 1, Gate: [32]byte(key.Public().(ed25519.PublicKey)), Suites: []uint16{1},
			Expires: noon.AddDate(1, 0, 0).UnixMilli(), Registry: founding.Hash,
		})
	}
	// The entry's place was chosen before the nodes came; only its event had to be known.
	founding.Control = c.state.Position()
	if err := c.state.Fold(founding); err != nil {
		panic(err)
	}
}

func (c *cast) openHospital() {
	const name = "city-hospital"
	c.master = must(abe.GenerateMasterKey(rand.Reader, name))
	founding := write(c.state, c.hospital, ledger.PersonChain(c.hospital.GID()), &ledger.AuthorityRegistered{
		Name: name, Role: ledger.Hospital, Key: c.master.PublicKey().Bytes(),
	})
	write(c.state, c.registry, ledger.AuthorityChain(ledger.RegistryName), &ledger.AuthorityEndorsed{
		Name: name, Founder: c.hospital.GID(), Registration: founding.Hash,
	})
	for _, attribute := range []string{"doctor", "researcher"} {
		write(c.state, c.hospital, ledger.AuthorityChain(name), &ledger.AttributeDefined{Name: attribute})
		for _, p := range []*person{c.ruiz, c.leo} {
			c.issue(c.state, p, attribute, 1)
		}
	}
}

// issue enrols a person and gives them an attribute's key.
func (c *cast) issue(state *ledger.State, p *person, attribute string, version uint32) *abe.AttributeKey {
	chain := ledger.AuthorityChain("city-hospital")
	write(state, c.hospital, chain, &ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{attribute}})
	write(state, c.hospital, chain, &ledger.KeyIssued{
		GID: p.GID(), Attribute: attribute, Version: version, Sealed: []byte("not opened in these tests"),
	})
	key := must(c.master.Issue(rand.Reader, string(p.GID()), attribute, version))
	p.attributes = append(p.attributes, key)
	return key
}

func (c *cast) openRecords() {
	c.treat = ledger.Term{Expression: "doctor@city-hospital", Write: true, History: true}
	c.review = ledger.Term{Expression: "doctor@city-hospital"}
	newID(&c.treat.ID)
	newID(&c.review.ID)
	for _, p := range []*person{c.maria, c.juan} {
		key := must(abe.GenerateMasterKey(rand.Reader, policy.Authority(p.GID()))).PublicKey()
		write(c.state, p.Identity, ledger.RecordChain(p.GID(), ledger.Profile), &ledger.PatientRegistered{Key: key.Bytes()})
		write(c.state, p.Identity, health(p), &ledger.CompartmentCreated{Class: ledger.HealthClass})
		setTerms(c.state, p, c.treat, c.review)
	}
}

func health(p *person) ledger.Chain { return ledger.RecordChain(p.GID(), ledger.Health) }

func setTerms(state *ledger.State, p *person, terms ...ledger.Term) *ledger.Entry {
	return write(state, p.Identity, health(p), &ledger.PolicySet{Terms: terms})
}
