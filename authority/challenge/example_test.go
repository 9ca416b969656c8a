package challenge_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// A person logs in to a node. The messages go over whatever there is between them.
func Example() {
	now := time.Now()
	state, maria := logWithOnePerson(now)
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	node := ledger.NodeFact{GID: maria.GID()} // as the root describes it
	node.Gate, node.Expires = [32]byte(public), now.Add(time.Hour).UnixMilli()

	user, err := nkeys.CreateUser()
	if err != nil {
		fmt.Println(err)
		return
	}
	client, err := challenge.NewClient(challenge.ClientConfig{
		Rand: rand.Reader, Identity: challenge.Held{Identity: maria}, User: user, Node: node,
		Request: challenge.Request{Operation: ledger.OpLogin, TTL: 600},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	gate := challenge.NewGate(challenge.GateConfig{Rand: rand.Reader, GID: node.GID, Key: key})

	hello, err := client.Hello(now)
	if err != nil {
		fmt.Println(err)
		return
	}
	question, err := gate.Hello(now, state, hello)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := client.Answer(now, question)
	if err != nil {
		fmt.Println(err)
		return
	}
	verified, err := gate.Answer(now, state, answer)
	if err != nil {
		fmt.Println(err)
		return
	}
	// For reading or writing, verified.Opened() is appended to the patient's access chain here.
	session, sealed, err := gate.Seal(verified, nil, challenge.Grant{JWT: "a NATS user JWT"})
	if err != nil {
		fmt.Println(err)
		return
	}
	grant, err := client.Open(sealed)
	fmt.Println(session.GID() == maria.GID(), grant.Session == session.ID(), grant.JWT, err)
	// Output: true true a NATS user JWT <nil>
}

// logWithOnePerson returns the fold of a log on which one person is registered.
func logWithOnePerson(now time.Time) (*ledger.State, *identity.Identity) {
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	state := ledger.NewState(id.GID(), ledger.WholeLog)
	e := &ledger.Event{Chain: ledger.PersonChain(id.GID()), Number: 1, Author: id.GID(), Time: now, Body: &ledger.IdentityRegistered{
		Sign: id.Keys().Sign, Seal: id.Keys().Seal, Recovery: id.RecoveryHash(),
	}}
	newID(&e.ID)
	if err := e.Sign(id); err != nil {
		panic(err)
	}
	if err := state.Fold(must(ledger.NewEntry(must(e.Marshal()), now, ledger.Position{}))); err != nil {
		panic(err)
	}
	return state, id
}
