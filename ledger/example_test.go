package ledger_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// A person registers. A node gives the event its place; whoever folds the entry knows the person's keys, and refuses the same
// entry a second time.
func ExampleState_Fold() {
	person, _, err := identity.Generate(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	now := time.Now()
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		log.Fatal(err)
	}
	first := person.Inception()
	event := &ledger.Event{
		ID: id, Chain: ledger.PersonChain(person.GID()), Number: 1, Author: person.GID(), Time: now,
		Body: &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery},
	}
	if err := event.Sign(person); err != nil {
		log.Fatal(err)
	}
	encoded, err := event.Marshal()
	if err != nil {
		log.Fatal(err)
	}

	state := ledger.NewState("aaaabbbbccccddddeeeeffff22223333", ledger.WholeLog)
	entry, err := ledger.NewEntry(encoded, now, state.Position())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(state.Fold(entry))
	_, err = state.Person(person.GID())
	fmt.Println(err)
	fmt.Println(errors.Is(state.Fold(entry), ledger.ErrConflict))
	// Output:
	// <nil>
	// <nil>
	// true
}

func ExampleParseChain() {
	chain, err := ledger.ParseChain("auth.city-hospital")
	fmt.Println(chain.Authority(), err)
	_, err = ledger.ParseChain("auth.>")
	fmt.Println(err)
	// Output:
	// city-hospital <nil>
	// malformed: chain "auth.>"
}
