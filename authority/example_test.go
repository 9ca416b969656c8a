package authority_test

import (
	"crypto/rand"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// A hospital invites somebody, who asks to come in and is taken in. In between lie the node, a log and its rules.
func Example() {
	founder, _, err := identity.Generate(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	hospital, err := authority.New(rand.Reader, founder.GID(), "city-hospital", ledger.Hospital)
	if err != nil {
		fmt.Println(err)
		return
	}
	now := time.Now()
	code, _, err := hospital.Invite(rand.Reader, now, authority.Offer{Attributes: []string{"doctor"}, Note: "Dr Ruiz"})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The doctor types the code.
	typed, err := authority.ParseCode(code.Text())
	if err != nil {
		fmt.Println(err)
		return
	}
	doctor, _, err := identity.Generate(rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	sealed, err := authority.NewRequest(typed, doctor, "Dr Ana Ruiz", founder.Keys())
	if err != nil {
		fmt.Println(err)
		return
	}

	// The hospital fetches the request.
	roster := authority.NewRoster(hospital.Name())
	directory := func(identity.GID) (*identity.Keys, error) { return doctor.Keys(), nil }
	admission, err := hospital.Admit(now, founder, roster, directory, sealed)
	if err != nil {
		fmt.Println(err)
		return
	}
	bodies, err := hospital.Enrol(rand.Reader, roster, admission)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, body := range bodies {
		fmt.Println(body.Kind())
	}

	// Once they stand on the log, the doctor finds the key there.
	entry := &ledger.Entry{Event: &ledger.Event{Chain: ledger.AuthorityChain("city-hospital"), Body: bodies[2]}}
	key, err := authority.OpenKey(doctor, entry, hospital.PublicKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(admission.Display, "holds", key.Attribute())
	// Output:
	// attribute.defined
	// representative.enrolled
	// key.issued
	// Dr Ana Ruiz holds doctor@city-hospital
}

// A person who knows the founder compares the fingerprint before the registry endorses the name.
func ExampleFingerprint() {
	registration := ledger.HashEvent([]byte("an event that registers an authority"))
	said := authority.FingerprintOf(registration).String()
	typed, err := authority.ParseFingerprint(said)
	fmt.Println(typed == authority.FingerprintOf(registration), err)
	// Output: true <nil>
}

// Codes and authorities never print.
func ExampleCode() {
	var code authority.Code
	fmt.Printf("%v %+v\n", code, code)
	// Output: redacted redacted
}
