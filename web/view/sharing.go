package view

import (
	"context"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Compartment is a part of a record.
type Compartment struct {
	Name    string  `json:"name"`
	Class   string  `json:"class"` // health, training
	Records int     `json:"records"`
	Grants  []Grant `json:"grants"` // in force, and ended ones
	Stale   *Stale  `json:"stale,omitempty"`
}

// Sharing is a record's reach: who can open what of it. Of another's record it is as far as the caller can see.
type Sharing struct {
	Patient      Person        `json:"patient"`
	Compartments []Compartment `json:"compartments"`
}

// Sharing tells who can open what of a record.
func (v *View) Sharing(ctx context.Context, args Of) (Sharing, error) {
	gid, err := v.gid(args.Patient)
	if err != nil {
		return Sharing{}, err
	}
	s := Sharing{Compartments: []Compartment{}}
	if gid == v.config.Client.GID() {
		s.Compartments, err = v.ownReach(ctx)
	} else {
		s.Compartments, err = v.reachOf(ctx, gid)
	}
	v.learn(ctx, gid)
	s.Patient = v.person(gid)
	return s, err
}

// ownReach tells who can open what of the caller's record, and who did last.
func (v *View) ownReach(ctx context.Context) ([]Compartment, error) {
	all := []Compartment{}
	facts, err := v.config.Client.Compartments(ctx)
	if err != nil || len(facts) == 0 {
		return all, err
	}
	records, err := v.counts(ctx, v.config.Client.GID())
	if err != nil {
		return all, err
	}
	used, err := v.uses(ctx)
	if err != nil {
		return all, err
	}
	for _, f := range facts {
		b, err := v.config.Client.Book(ctx, f.Chain.GID(), f.Chain.Compartment)
		if err != nil {
			return all, err
		}
		c, err := v.compartment(ctx, b)
		if err != nil {
			return all, err
		}
		c.Records = records[c.Name]
		for i := range c.Grants {
			used[c.Grants[i].ID].mark(&c.Grants[i])
		}
		all = append(all, *c)
	}
	return all, nil
}

// reachOf tells who can open what of somebody else's record, where the caller may read it. Where they may not, or in an emergency alone, it
// is their own grants.
func (v *View) reachOf(ctx context.Context, patient identity.GID) ([]Compartment, error) {
	all := []Compartment{}
	shared, err := v.config.Client.Shared(ctx)
	if err != nil {
		return all, err
	}
	byName := make(map[ledger.Compartment][]client.Shared)
	var names []ledger.Compartment
	for _, s := range shared {
		if name := s.Chain.Compartment; s.Chain.GID() == patient {
			if byName[name] == nil {
				names = append(names, name)
			}
			byName[name] = append(byName[name], s)
		}
	}
	for _, name := range names {
		c, err := v.reachBy(ctx, byName[name])
		if err != nil {
			return all, err
		}
		all = append(all, *c)
	}
	if len(all) == 0 {
		return all, client.ErrNotShared
	}
	return all, nil
}

// reachBy tells who can open a compartment that the caller reads by some terms.
func (v *View) reachBy(ctx context.Context, terms []client.Shared) (*Compartment, error) {
	chain := terms[0].Chain
	for _, t := range terms {
		if t.Term.Emergency() || v.over(&t.Term) {
			continue // asking for it would stand on the patient's access log as a refusal
		}
		b, err := v.config.Client.Book(ctx, chain.GID(), chain.Compartment)
		if err != nil {
			return nil, err
		}
		c, err := v.compartment(ctx, b)
		if isSealed(err) {
			break
		}
		if err != nil {
			return nil, err
		}
		records, err := v.counts(ctx, chain.GID())
		c.Records = records[c.Name]
		return c, err
	}
	c := &Compartment{Name: string(chain.Compartment), Grants: []Grant{}}
	for _, t := range terms {
		c.Grants = append(c.Grants, v.grantOf(ctx, &t))
	}
	return c, nil
}

// compartment tells of a compartment and of the grants on it that stand.
func (v *View) compartment(ctx context.Context, b *client.Book) (*Compartment, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return nil, err
	}
	c := &Compartment{Name: string(b.Compartment()), Class: string(f.Class), Grants: []Grant{}}
	grants, err := b.Grants(ctx)
	if err != nil {
		return nil, err
	}
	v.learnGrantees(ctx, grants)
	for i := range grants {
		if grants[i].Revoked.IsZero() {
			c.Grants = append(c.Grants, v.grant(ctx, f.Chain, &grants[i]))
		}
	}
	why, since, err := b.Stale(ctx)
	if why != "" {
		c.Stale = &Stale{Compartment: c.Name, Why: why, Since: since.UTC()}
	}
	return c, err
}

// counts returns how many records the caller sees in each compartment of a record.
func (v *View) counts(ctx context.Context, patient identity.GID) (map[string]int, error) {
	s, err := v.shelf(ctx, string(patient))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := make(map[string]int)
	for _, row := range s.list() {
		if row.Sealed != client.ErrErased.Error() {
			n[row.Compartment]++
		}
	}
	return n, nil
}

// learnGrantees finds out who the people are that grants name.
func (v *View) learnGrantees(ctx context.Context, grants []client.Basis) {
	var people []identity.GID
	for i := range grants {
		people = append(people, grants[i].Person)
	}
	v.learn(ctx, people...)
}

// SharedPatient is somebody whose record is shared with the caller.
type SharedPatient struct {
	Patient    Person  `json:"patient"` // the name is known once the record was opened
	Grants     []Grant `json:"grants"`
	LastChange Time    `json:"last_change,omitempty"`
	Unread     int     `json:"unread,omitempty"`
	Emergency  bool    `json:"emergency,omitempty"` // only in an emergency
	Load       []Point `json:"load,omitempty"`      // for a trainer: minutes of activity a week
	Resting    *Point  `json:"resting,omitempty"`   // newest resting heart rate
}

// Patients are those whose record is shared with the caller.
type Patients struct {
	Patients []SharedPatient `json:"patients"`
}

// PatientsQuery says whether to open records for names, which the patients' access logs show.
type PatientsQuery struct {
	Open bool `json:"open"`
}
