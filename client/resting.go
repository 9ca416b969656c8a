package client

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Resting says how much data rests on which keys, by the log: on each epoch, and on each version of an attribute that a wrap
// which still stands was made for.
type Resting struct {
	Epochs   []RestingEpoch // by number
	Versions []RestingVersion
}

// RestingEpoch is one epoch and what is sealed under it.
type RestingEpoch struct {
	Number  uint32
	Started time.Time // log time
	Records uint64    // written, amended and retracted, without those that are erased
	Erased  uint64
	Linked  bool            // whoever opens it, with history, opens the one before
	Wraps   []ledger.TermID // that still stand
}

// RestingVersion is a version of an attribute, and what wraps made for it give to those who hold it, with what else their
// terms ask for.
type RestingVersion struct {
	Attribute policy.Attribute
	Version   uint32
	InForce   uint32 // the version in force; 0 if its authority is suspended or unknown
	Alone     bool   // one of the wraps opens by this attribute alone
	Wraps     int    // for which it was made, and that stand
	Epochs    int    // which they open, by links too
	Records   uint64 // in those
	Oldest    time.Time
}

// Old tells whether the version opens wraps and no session any more: what a holder who was removed could still open, if they
// had kept the wraps.
func (v *RestingVersion) Old() bool { return v.Version != v.InForce }

// Resting says how much data rests on which keys.
func (b *Book) Resting(ctx context.Context) (*Resting, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return nil, err
	}
	epochs := slices.Concat(f.Past, []*ledger.Epoch{f.Epoch})
	standing := standing(&f, epochs)
	r := &Resting{}
	for i, e := range epochs {
		resting := RestingEpoch{Number: e.Number, Started: e.Started, Erased: e.Erased, Records: e.Records - min(e.Records, e.Erased)}
		_, resting.Linked = e.Part(ledger.PartLink)
		for _, p := range standing[i] {
			if p.Name == ledger.WrapName(p.Term) {
				resting.Wraps = append(resting.Wraps, p.Term)
			}
		}
		r.Epochs = append(r.Epochs, resting)
	}
	opened, err := r.versions(&f, standing)
	if err != nil {
		return nil, err
	}
	for _, v := range opened {
		r.Versions = append(r.Versions, *v)
	}
	if err := b.c.versionsInForce(ctx, r.Versions); err != nil {
		return nil, err
	}
	slices.SortFunc(r.Versions, func(a, b RestingVersion) int {
		return cmp.Or(cmp.Compare(a.Attribute.String(), b.Attribute.String()), cmp.Compare(a.Version, b.Version))
	})
	return r, nil
}

// standing returns the parts of each epoch that were made for a term and still stand, by the log.
func standing(f *ledger.CompartmentFact, epochs []*ledger.Epoch) [][]ledger.Part {
	type name struct {
		epoch uint32
		part  string
	}
	gone := make(map[name]bool)
	for _, p := range f.Obsolete() {
		gone[name{p.Epoch, p.Part.Name}] = true
	}
	all := make([][]ledger.Part, len(epochs))
	for i, e := range epochs {
		for _, p := range e.Parts {
			if !p.Term.IsZero() && p.Expression != "" && !gone[name{e.Number, p.Name}] {
				all[i] = append(all[i], p)
			}
		}
	}
	return all
}

type attributeVersion struct {
	attribute policy.Attribute
	version   uint32
}

// versions finds what each attribute version opens.
func (r *Resting) versions(f *ledger.CompartmentFact, standing [][]ledger.Part) (map[attributeVersion]*RestingVersion, error) {
	found := make(map[attributeVersion]*RestingVersion)
	reached := make(map[attributeVersion]map[int]bool)
	for i, parts := range standing {
		for _, p := range parts {
			expression, err := policy.Parse(p.Expression)
			if err != nil {
				return nil, err
			}
			attributes := expression.Attributes()
			if len(p.Versions) != len(attributes) {
				continue // no wrap: only whoever sees the whole log refuses it
			}
			for j, a := range attributes {
				key := attributeVersion{a, p.Versions[j]}
				v := found[key]
				if v == nil {
					v = &RestingVersion{Attribute: a, Version: key.version}
					found[key], reached[key] = v, make(map[int]bool)
				}
				alone, _ := expression.Satisfied(func(x policy.Attribute) bool { return x == a })
				v.Alone = v.Alone || alone && !r.shared(f, p.Term)
				v.Wraps++
				for _, n := range r.reach(f, i, p.Term) {
					if !reached[key][n] {
						reached[key][n] = true
						v.add(&r.Epochs[n])
					}
				}
			}
		}
	}
	return found, nil
}

// reach returns which epochs whoever opens a wrap of one of them comes to: back along the links, if the term has history.
func (r *Resting) reach(f *ledger.CompartmentFact, from int, term ledger.TermID) []int {
	reached := []int{from}
	history := slices.ContainsFunc(f.Terms, func(t ledger.LiveTerm) bool { return t.ID == term && t.History })
	for n := from; history && n > 0 && r.Epochs[n].Linked; n-- {
		reached = append(reached, n-1)
	}
	return reached
}

// shared tells whether a term's wraps open to several people together only.
func (r *Resting) shared(f *ledger.CompartmentFact, term ledger.TermID) bool {
	return slices.ContainsFunc(f.Terms, func(t ledger.LiveTerm) bool { return t.ID == term && t.Emergency() })
}

func (v *RestingVersion) add(e *RestingEpoch) {
	v.Epochs++
	v.Records += e.Records
	if v.Oldest.IsZero() || e.Started.Before(v.Oldest) {
		v.Oldest = e.Started
	}
}

// versionsInForce fills in which version of each attribute is in force.
func (c *Client) versionsInForce(ctx context.Context, versions []RestingVersion) error {
	learnt := make(map[policy.Authority]bool)
	for i := range versions {
		v := &versions[i]
		name := v.Attribute.Authority
		if !learnt[name] {
			learnt[name] = true
			err := c.learn(ctx, protocol.DirAuthority, protocol.AuthorityQuery{Name: name})
			if err != nil && codeOf(err) != protocol.CodeNotFound {
				return err
			}
		}
		v.InForce = c.versionInForce(v.Attribute)
	}
	return nil
}

// versionInForce returns the version of an attribute in force, for all the client knows; 0 if its authority is not.
func (c *Client) versionInForce(a policy.Attribute) uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if fact, ok := c.state.Authority(a.Authority); !a.Authority.IsGID() && (!ok || !fact.Active) {
		return 0
	}
	version, _ := c.state.Version(a)
	return version
}
