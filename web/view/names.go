package view

import (
	"context"
	"sync"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// names are those that are known: what authorities say of professionals, and what patients say of themselves on their cards.
type names struct {
	mu    sync.Mutex
	known map[identity.GID]Person
}

// call says how somebody is called.
func (n *names) call(p Person) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.known[identity.GID(p.GID)] = p
}

// forget has it asked anew how somebody is called.
func (n *names) forget(gid identity.GID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.known, gid)
}

// of returns somebody as far as they are known.
func (n *names) of(gid identity.GID) (Person, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	p, ok := n.known[gid]
	if !ok {
		p.GID = string(gid)
	}
	return p, ok
}

// learn finds out who people are, once for each. That authorities name none of them is remembered too. While the node is away they
// stay without names.
func (v *View) learn(ctx context.Context, people ...identity.GID) {
	var unknown []identity.GID
	for _, gid := range people {
		if _, ok := v.names.of(gid); !ok && gid != "" {
			unknown = append(unknown, gid)
		}
	}
	if len(unknown) == 0 {
		return
	}
	found, err := v.config.Client.People(ctx, unknown...)
	if err != nil {
		return
	}
	for _, gid := range unknown {
		p := found[gid]
		v.names.call(Person{GID: string(gid), Name: fhir.Printable(p.Name), Authority: string(p.Authority)})
	}
}

// person returns somebody under the name that is known: see learn.
func (v *View) person(gid identity.GID) Person {
	p, _ := v.names.of(gid)
	p.Me = gid == v.config.Client.GID()
	return p
}
