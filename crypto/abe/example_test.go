package abe_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
)

// Two authorities, which need not know each other, issue one attribute each to a person; the person opens what was
// encapsulated to both attributes.
func Example() {
	hospital, err := abe.GenerateMasterKey(rand.Reader, "city-hospital")
	if err != nil {
		log.Fatal(err)
	}
	club, err := abe.GenerateMasterKey(rand.Reader, "health-club")
	if err != nil {
		log.Fatal(err)
	}

	const gid = "gaydambqgaydambqgaydambqgaydambq"
	doctor, err := hospital.Issue(rand.Reader, gid, "doctor", 1)
	if err != nil {
		log.Fatal(err)
	}
	trainer, err := club.Issue(rand.Reader, gid, "trainer", 1)
	if err != nil {
		log.Fatal(err)
	}

	p, err := policy.Parse("doctor@city-hospital and trainer@health-club")
	if err != nil {
		log.Fatal(err)
	}
	inForce := func(policy.Attribute) (uint32, bool) { return 1, true }
	e, err := abe.NewExpression(p, inForce, hospital.PublicKey(), club.PublicKey())
	if err != nil {
		log.Fatal(err)
	}

	context := []byte("patient, compartment, epoch")
	key, ciphertext, err := e.Encapsulate(rand.Reader, abe.Wrap, context)
	if err != nil {
		log.Fatal(err)
	}

	opened, err := e.Decapsulate([]*abe.AttributeKey{doctor, trainer}, abe.Wrap, context, ciphertext)
	fmt.Println(opened == key, err)
	_, err = e.Decapsulate([]*abe.AttributeKey{doctor}, abe.Wrap, context, ciphertext)
	fmt.Println(errors.Is(err, abe.ErrNotSatisfied))
	// Output:
	// true <nil>
	// true
}

// A received attribute key is verified against the authority's public key before it is stored.
func ExampleAttributeKey_Verify() {
	hospital, err := abe.GenerateMasterKey(rand.Reader, "city-hospital")
	if err != nil {
		log.Fatal(err)
	}
	issued, err := hospital.Issue(rand.Reader, "gaydambqgaydambqgaydambqgaydambq", "doctor", 1)
	if err != nil {
		log.Fatal(err)
	}

	key, err := abe.ParseAttributeKey(issued.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	authority, err := abe.ParsePublicKey(hospital.PublicKey().Bytes())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key.Verify(authority))
	fmt.Println(key)
	// Output:
	// <nil>
	// redacted
}

// The header of a ciphertext says for whom it was made.
func ExampleParseHeader() {
	hospital, err := abe.GenerateMasterKey(rand.Reader, "city-hospital")
	if err != nil {
		log.Fatal(err)
	}
	p, err := policy.Parse("doctor@city-hospital or nurse@city-hospital")
	if err != nil {
		log.Fatal(err)
	}
	inForce := func(a policy.Attribute) (uint32, bool) {
		return map[string]uint32{"doctor": 3, "nurse": 1}[a.Name], true
	}
	e, err := abe.NewExpression(p, inForce, hospital.PublicKey())
	if err != nil {
		log.Fatal(err)
	}
	_, ciphertext, err := e.Encapsulate(rand.Reader, abe.Challenge, nil)
	if err != nil {
		log.Fatal(err)
	}

	h, err := abe.ParseHeader(ciphertext)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(h.Label, h.Policy, h.Versions, h.KeyHashes[0] == hospital.PublicKey().Hash())
	// Output:
	// chal doctor@city-hospital or nurse@city-hospital [3 1] true
}
