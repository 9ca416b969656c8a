package policy_test

import (
	"fmt"
	"log"

	"github.com/phrledger/phr/crypto/policy"
)

func Example() {
	p, err := policy.Parse("DOCTOR@City-Hospital AND (2 of (nurse@city-hospital, chief@city-hospital, agent@acme) OR consultant@phr)")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(p)

	doctor, err := policy.ParseAttribute("doctor@city-hospital")
	if err != nil {
		log.Fatal(err)
	}
	ok, missing := p.Satisfied(func(a policy.Attribute) bool { return a == doctor })
	fmt.Println(ok, missing)

	coalitions, err := p.Coalitions()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(coalitions)
	// Output:
	// doctor@city-hospital and (consultant@phr or 2 of (agent@acme, chief@city-hospital, nurse@city-hospital))
	// false [[consultant@phr] [agent@acme chief@city-hospital] [agent@acme nurse@city-hospital] [chief@city-hospital nurse@city-hospital]]
	// [[city-hospital]]
}

func ExampleParse_malformed() {
	_, err := policy.Parse("doctor@city-hospital#3")
	fmt.Println(err)
	// Output: malformed policy at byte 20: a version "#3" is never typed; leave it out, the one in force is taken
}

func ExamplePolicy_MinimalSets() {
	p, err := policy.Parse("doctor@city and (nurse@city or trainer@club)")
	if err != nil {
		log.Fatal(err)
	}
	sets, err := p.MinimalSets()
	if err != nil {
		log.Fatal(err)
	}
	for _, set := range sets {
		fmt.Println(set)
	}
	// Output:
	// [doctor@city nurse@city]
	// [doctor@city trainer@club]
}

func ExampleWidens() {
	before, err := policy.Parse("doctor@city and nurse@city")
	if err != nil {
		log.Fatal(err)
	}
	after, err := policy.Parse("doctor@city and (nurse@city or agent@acme)")
	if err != nil {
		log.Fatal(err)
	}
	added, err := policy.Widens(before, after)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("new readers hold", added)
	// Output: new readers hold [[agent@acme doctor@city]]
}

func ExamplePolicy_Without() {
	p, err := policy.Parse("PATIENT@PHR or DOCTOR@HOSPITAL")
	if err != nil {
		log.Fatal(err)
	}
	rest, ok := p.Without(func(a policy.Attribute) bool { return a.Authority == "phr" })
	fmt.Println(rest, ok)
	// Output: doctor@hospital true
}
