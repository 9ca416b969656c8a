package epoch_test

import (
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/epoch"
)

// A patient starts an epoch and seals a record; a reader who was given the keys opens it, until it is erased.
func Example() {
	keys, err := epoch.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	shred, err := epoch.NewShred(rand.Reader)
	if err != nil {
		panic(err)
	}
	leaf, err := epoch.DrawLeaf(rand.Reader)
	if err != nil {
		panic(err)
	}

	h := epoch.Header{
		Version: 1, Patient: "kx3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r", Compartment: "health", Epoch: 1,
		EventID: [16]byte{1}, Kind: "record.written", Author: "kx3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r",
		Leaf: leaf, Class: "application/fhir+json",
	}
	sealed, err := epoch.Seal(rand.Reader, keys, shred, h, []byte(`{"resourceType":"Observation"}`))
	if err != nil {
		panic(err)
	}
	body, err := epoch.Open(keys, shred, h, sealed)
	fmt.Printf("%s %v\n", body, err)

	shred.Puncture(leaf)
	_, err = epoch.Open(keys, shred, h, sealed)
	fmt.Println(errors.Is(err, epoch.ErrErased))
	// Output:
	// {"resourceType":"Observation"} <nil>
	// true
}

// A grant is one sealed part more: the term's readers find the epoch's keys in it and check what they found.
func ExampleSealWrap() {
	keys, err := epoch.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	at := epoch.Place{Patient: "kx3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r", Compartment: "health", Epoch: 1}
	wrapKey := [32]byte{} // what an encapsulation under the term's expression gives
	const term = "01jd5m2x8t4v6w7y9z0a1b2c3d"

	wrap, err := epoch.SealWrap(rand.Reader, wrapKey, at, term, keys, false)
	if err != nil {
		panic(err)
	}
	opened, err := epoch.OpenWrap(wrapKey, at, keys.KID(), keys.HID(), term, wrap)
	if err != nil {
		panic(err)
	}
	fmt.Println(opened, opened.KID() == keys.KID(), opened.HasHistory())
	// Output: redacted true false
}

// The link leads from an epoch to the one before it.
func ExampleOpenLink() {
	previous, err := epoch.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	current, err := epoch.Generate(rand.Reader)
	if err != nil {
		panic(err)
	}
	at := epoch.Place{Patient: "kx3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r", Compartment: "health", Epoch: 2}
	link, err := epoch.SealLink(rand.Reader, at, current, previous)
	if err != nil {
		panic(err)
	}

	back, err := epoch.OpenLink(current, at, previous.KID(), previous.HID(), link)
	if err != nil {
		panic(err)
	}
	fmt.Println(back.KID() == previous.KID())

	_, err = epoch.OpenLink(current.WithoutHistory(), at, previous.KID(), previous.HID(), link)
	fmt.Println(errors.Is(err, epoch.ErrNoHistory))
	// Output:
	// true
	// true
}
