package client

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Accounting tells who was given what of a patient's record, when, why and under which grant, and who was not.
type Accounting struct {
	Patient     identity.GID
	Node        identity.GID // that it was asked of
	Disclosures []Disclosure // in the order in which they began
}

// Disclosure is one line of an accounting: a session from its opening to its end, whatever it was renewed in between; attempts that were
// refused one; or an emergency in which nobody opened one.
type Disclosure struct {
	Who         Person
	First       bool // nobody of that GID had a session on the record before
	Acting      bool // for the patient
	Operation   ledger.Operation
	Compartment ledger.Compartment
	From        time.Time // log time
	Until       time.Time // when it ended; of one that goes on, when it will unless it is renewed
	Open        bool      // it goes on
	Outcome     string    // how it ended, or why it was refused; "" while it goes on
	Refused     uint32    // attempts; 0 for what was not refused
	Session     ledger.SessionID
	Grant       *Basis       // nil where there is none: of what was refused
	Emergency   *Emergency   // nil if it is none
	Approver    Person       // of the emergency; its GID is empty if nobody approved
	Reviews     []Review     // of the emergency
	Node        identity.GID // that opened or refused; empty for an emergency in which nobody opened
	Places      []Place      // of the events that say all this
}

// Basis is the grant that a session rests on.
type Basis struct {
	ledger.Term              // in its newest form
	To          string       // its expression, with the GID of the person it names
	Person      identity.GID // it names; "" if none, or none that the caller may know of
	Granted     time.Time    // log time; zero if no policy on the log holds the grant
	Revoked     time.Time    // log time; zero if it was not
}

// Review is what somebody found about an emergency.
type Review struct {
	Who     Person
	Time    time.Time // log time
	Finding string
}

// AccountingQuery says which disclosures are wanted. The zero value is all.
type AccountingQuery struct {
	Since, Until time.Time // what went on at or after Since, and before Until; zero is without bound
	Compartment  ledger.Compartment
	GID          identity.GID // of who had access, or wanted it
}

func (q *AccountingQuery) takes(d *Disclosure) bool {
	return (q.Compartment == "" || q.Compartment == d.Compartment) && (q.GID == "" || q.GID == d.Who.GID) &&
		!d.Until.Before(q.Since) && (q.Until.IsZero() || d.From.Before(q.Until))
}

// Accounting returns the accounting of disclosures of the caller's record.
func (c *Client) Accounting(ctx context.Context, q AccountingQuery) (*Accounting, error) {
	log, err := c.accessLog(ctx)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(disclosures(log, c.config.Now()), func(d Disclosure) bool { return !q.takes(&d) })
	if err := c.addBases(ctx, all); err != nil {
		return nil, err
	}
	return &Accounting{c.GID(), c.Node().GID, all}, c.addPeopleTo(ctx, all)
}

// addBases adds the grants that sessions rest on.
func (c *Client) addBases(ctx context.Context, all []Disclosure) error {
	known := make(map[ledger.TermID]*Basis)
	var persons map[ledger.TermID]identity.GID
	for i := range all {
		d := &all[i]
		if d.Grant == nil {
			continue
		}
		basis := known[d.Grant.ID]
		if basis == nil {
			var err error
			if persons == nil {
				if persons, err = c.persons(ctx); err != nil {
					return err
				}
			}
			if basis, err = c.basis(ctx, d.Compartment, d.Grant.ID, persons[d.Grant.ID]); err != nil {
				return err
			}
			known[d.Grant.ID] = basis
		}
		d.Grant, d.Acting = basis, basis.Proxy
	}
	return nil
}

// basis returns what the policies on the log say of a grant, one that is over too. Person is whom it names, if anybody.
func (c *Client) basis(ctx context.Context, name ledger.Compartment, id ledger.TermID, person identity.GID) (*Basis, error) {
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return nil, err
	}
	basis := &Basis{Term: ledger.Term{ID: id}}
	return basis, b.do(ctx, loginKey, func(*session) error {
		if story := storyOf(b.sets, id); story != nil {
			*basis = *story.basis(b.chain, person)
		}
		return nil
	})
}

// basis sums the story up, of a grant that names person, if anybody.
func (s *grantStory) basis(chain ledger.Chain, person identity.GID) *Basis {
	basis := basisOf(chain, &s.term, person)
	basis.Granted = s.granted
	if s.ended != nil {
		basis.Revoked = s.ended.LogTime
	}
	return basis
}

func basisOf(chain ledger.Chain, t *ledger.Term, person identity.GID) *Basis {
	basis := &Basis{Term: *t, To: t.Expression, Person: person}
	if person != "" {
		basis.To = strings.ReplaceAll(basis.To, ledger.GrantAttribute(chain.GID(), t.ID).String(), "gid:"+string(person))
	}
	return basis
}

// addPeopleTo adds who the people are.
func (c *Client) addPeopleTo(ctx context.Context, all []Disclosure) error {
	var gids []identity.GID
	for i := range all {
		all[i].each(func(p *Person) { gids = append(gids, p.GID) })
	}
	known, err := c.people(ctx, gids)
	for i := range all {
		all[i].each(func(p *Person) { *p = all[i].named(known[p.GID], *p) })
	}
	return err
}

// each calls fn with everybody who has a part in a disclosure.
func (d *Disclosure) each(fn func(*Person)) {
	fn(&d.Who)
	fn(&d.Approver)
	for i := range d.Reviews {
		fn(&d.Reviews[i].Who)
	}
}

// named returns somebody under the name that counts for the disclosure, if they have several: that by an authority which the grant
// names.
func (d *Disclosure) named(known []Person, p Person) Person {
	for _, k := range known {
		if d.Grant == nil {
			return k
		}
		asked, err := policy.Parse(d.Grant.Expression)
		if err == nil && slices.ContainsFunc(asked.Attributes(), func(a policy.Attribute) bool { return a.Authority == k.Authority }) {
			return k
		}
		p = cmp.Or(p, k)
	}
	return p
}
