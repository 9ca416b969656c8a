package identity_test

import (
	"crypto/rand"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
)

// A GID names a person and vouches for the person's first keys.
func Example() {
	id, recovery, err := identity.Generate(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, hash := id.Keys(), recovery.Hash()

	// Somebody else has the GID from the person, the keys from a directory that may lie.
	inception, err := identity.ParseInception(keys.Sign[:], keys.Seal, hash[:])
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("same GID:", inception.GID() == id.GID())

	signature := id.Sign("phr/example", []byte("hello"))
	fmt.Println("signature:", inception.Keys.Verify("phr/example", []byte("hello"), signature))
	// Output:
	// same GID: true
	// signature: <nil>
}

// Whatever is sealed to a person's keys opens with the identity, and with identities that were rotated from it.
func ExampleKeys_SealTo() {
	id, _, err := identity.Generate(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, err := id.Keys().SealTo("phr/example", nil, []byte("attribute key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	plaintext, err := id.Open("phr/example", nil, sealed)
	fmt.Printf("%s %v\n", plaintext, err)
	// Output: attribute key <nil>
}

// Both sides of an exchange get the same secret; the receiver's key pair serves once.
func ExampleExport() {
	receiver, err := identity.GenerateEphemeral()
	if err != nil {
		fmt.Println(err)
		return
	}
	enc, sent, err := identity.Export(receiver.Public(), "phr/example", "session", 32)
	if err != nil {
		fmt.Println(err)
		return
	}
	received, err := receiver.Export("phr/example", "session", enc, 32)
	fmt.Println(string(sent) == string(received), err)
	// Output: true <nil>
}

// Secrets never print.
func ExampleIdentity() {
	id, recovery, err := identity.Generate(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v %+v\n", id, recovery)
	// Output: redacted redacted
}
