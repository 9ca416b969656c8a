package view

import (
	"context"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Attribute is a role that an authority gives.
type Attribute struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"`
}

// KnownAuthority is one that a grant may name.
type KnownAuthority struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"` // hospital, health-club, insurer, employer
	Attributes []Attribute `json:"attributes"`
	Heard      Time        `json:"heard,omitempty"`
	Asleep     bool        `json:"asleep,omitempty"` // not heard of for so long that nothing is granted to it
}

// Circle is whom a patient may choose from.
type Circle struct {
	Authorities []KnownAuthority `json:"authorities"`
	People      []Person         `json:"people"` // who were granted something, or opened something, before
}

// Circle tells whom a patient may choose from.
func (v *View) Circle(ctx context.Context, _ Nothing) (Circle, error) {
	c := Circle{Authorities: []KnownAuthority{}, People: []Person{}}
	all, err := v.config.Client.Authorities(ctx)
	if err != nil {
		return c, err
	}
	for _, a := range all {
		if !a.Active || a.Role == ledger.Registry {
			continue
		}
		known := KnownAuthority{
			Name: string(a.Name), Kind: string(a.Role), Attributes: []Attribute{}, Heard: moment(a.Heard), Asleep: a.Asleep(v.config.Now()),
		}
		for _, held := range a.Attributes {
			known.Attributes = append(known.Attributes, Attribute{Name: held.Attribute.Name, Version: held.Version})
		}
		c.Authorities = append(c.Authorities, known)
	}
	patient, err := v.config.Client.IsPatient(ctx)
	if err != nil || !patient {
		return c, err
	}
	people, err := v.acquainted(ctx)
	v.learn(ctx, people...)
	for _, gid := range people {
		c.People = append(c.People, v.person(gid))
	}
	slices.SortStableFunc(c.People, byName)
	return c, err
}

// byName orders people, those without a name last.
func byName(a, b Person) int {
	switch {
	case a.Name == "" && b.Name != "":
		return 1
	case a.Name != "" && b.Name == "":
		return -1
	}
	return strings.Compare(a.Name, b.Name)
}

// acquainted returns who was granted something of the caller's record in person, or had a session on it.
func (v *View) acquainted(ctx context.Context) (people []identity.GID, err error) {
	met := func(gid identity.GID) {
		if gid != "" && gid != v.config.Client.GID() && !slices.Contains(people, gid) {
			people = append(people, gid)
		}
	}
	grants, err := v.ownGrants(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range grants {
		met(p.grant.Person)
	}
	a, err := v.config.Client.Accounting(ctx, client.AccountingQuery{})
	if err != nil {
		return nil, err
	}
	for _, d := range a.Disclosures {
		if !d.Session.IsZero() {
			met(d.Who.GID)
		}
	}
	return people, nil
}
