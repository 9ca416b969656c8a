package view

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Member is somebody whom an authority has enrolled.
type Member struct {
	Person
	Since      time.Time `json:"since"`
	Attributes []HeldKey `json:"attributes"`
	Recovered  Time      `json:"recovered,omitempty"` // got new keys: the old ones may be lost
	Due        []string  `json:"due,omitempty"`       // attributes that have to be moved therefore
}

// Invitation is an open one. Its code can't be had again.
type Invitation struct {
	ID         string    `json:"id"`
	Attributes []string  `json:"attributes"`
	Uses       int       `json:"uses"`
	Taken      int       `json:"taken"`
	Expires    time.Time `json:"expires"`
	Note       string    `json:"note,omitempty"`
}

// AuthorityState is an authority as its operator sees it.
type AuthorityState struct {
	Name        string       `json:"name"`
	Kind        string       `json:"kind"`
	Fingerprint string       `json:"fingerprint"`
	Endorsed    bool         `json:"endorsed"`
	Serving     bool         `json:"serving"` // enrolments are answered by this process
	Heard       Time         `json:"heard,omitempty"`
	Versions    []Attribute  `json:"versions"`
	Members     []Member     `json:"members"`
	Invitations []Invitation `json:"invitations"`
	Owed        int          `json:"owed"` // keys that others have to be given
	Rekeying    bool         `json:"rekeying,omitempty"`
}

// Offer is an invitation to be made.
type Offer struct {
	Attributes []string `json:"attributes"`
	Uses       int      `json:"uses,omitempty"`
	Days       int      `json:"days,omitempty"`
	Note       string   `json:"note,omitempty"`
}

// Invited is an invitation with its code, which is shown this once.
type Invited struct {
	Invitation
	Code string `json:"code"`
}

// Revocation says which attributes are taken from whom.
type Revocation struct {
	GID        string   `json:"gid,omitempty"` // empty: from nobody; the attributes only move
	Attributes []string `json:"attributes,omitempty"`
	Reason     string   `json:"reason,omitempty"`
}

// Impact is what a revocation would do.
type Impact struct {
	Token        string      `json:"token"`
	Member       *Member     `json:"member,omitempty"` // who loses what
	Moving       []MovingKey `json:"moving"`
	Holders      int         `json:"holders"`  // who get new keys
	Patients     int         `json:"patients"` // whose compartments become stale
	Compartments int         `json:"compartments"`
}

// MovingKey is an attribute that would move to another version.
type MovingKey struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"`
	Holders int    `json:"holders"`
}

// Revoked says what a revocation did.
type Revoked struct {
	Attributes []string `json:"attributes"`
	Issued     int      `json:"issued"`
}

// Authority tells how the caller's authority stands.
func (v *View) Authority(ctx context.Context, _ Nothing) (AuthorityState, error) {
	s := AuthorityState{Versions: []Attribute{}, Members: []Member{}, Invitations: []Invitation{}, Serving: v.config.Serving}
	o, err := v.config.Client.Office(ctx)
	if err != nil {
		return s, err
	}
	recovered, err := v.config.Client.Recovered(ctx, o.Members)
	if err != nil {
		return s, err
	}
	s.Name, s.Kind, s.Endorsed, s.Heard = string(o.Name), string(o.Role), o.Endorsed, moment(o.Said)
	s.Owed, s.Rekeying = o.Owed, o.Rekeying
	if o.Fingerprint != (authority.Fingerprint{}) {
		s.Fingerprint = o.Fingerprint.String()
	}
	for _, a := range o.Attributes {
		s.Versions = append(s.Versions, Attribute{Name: a.Attribute.Name, Version: a.Version})
	}
	for i := range o.Members {
		m := v.member(o.Name, o.Role, &o.Members[i])
		r := recovered[o.Members[i].GID]
		m.Recovered, m.Due = moment(r.Since), r.Due
		s.Members = append(s.Members, m)
	}
	for _, i := range o.Invitations {
		s.Invitations = append(s.Invitations, invitation(i))
	}
	return s, nil
}

// member tells of somebody whom an authority has enrolled.
func (v *View) member(name policy.Authority, role ledger.AuthorityKind, m *authority.Member) Member {
	told := Member{
		Person:     Person{GID: string(m.GID), Name: fhir.Printable(m.Display), Authority: string(name), Me: m.GID == v.config.Client.GID()},
		Since:      m.Since.UTC(),
		Attributes: []HeldKey{},
	}
	for _, held := range m.Attributes {
		told.Attributes = append(told.Attributes, HeldKey{Attribute: held.Name, Authority: string(name), Kind: string(role), Version: held.Version})
	}
	return told
}

func invitation(i *authority.Invitation) Invitation {
	return Invitation{
		ID: i.ID.String(), Attributes: append([]string{}, i.Attributes...), Uses: i.Uses, Taken: len(i.Taken), Expires: i.Expires.UTC(), Note: i.Note,
	}
}

// Invite opens an invitation, and returns its code, which is kept nowhere.
func (v *View) Invite(ctx context.Context, args Offer) (Invited, error) {
	o := authority.Offer{Attributes: args.Attributes, Uses: args.Uses, Note: args.Note}
	if args.Days != 0 {
		o.Expires = v.config.Now().Add(time.Duration(args.Days) * 24 * time.Hour)
	}
	code, opened, err := v.config.Client.Invite(ctx, o)
	if err != nil {
		return Invited{}, err
	}
	v.authorityMoved()
	return Invited{invitation(opened), code.Text()}, nil
}

func (v *View) authorityMoved() { v.post("changed", Changed{What: "authority"}) }

// revocationPlan is what an impact has shown.
type revocationPlan struct {
	asked  client.Revocation
	moving []client.Moving
}

// Impact says what a revocation would do, and does nothing.
func (v *View) Impact(ctx context.Context, args Revocation) (Impact, error) {
	p := Impact{Moving: []MovingKey{}}
	r := client.Revocation{GID: identity.GID(args.GID), Attributes: args.Attributes, Reason: args.Reason}
	impact, err := v.config.Client.Impact(ctx, r)
	if err != nil {
		return p, err
	}
	if impact.Member != nil {
		m := v.member(impact.Authority, ledger.AuthorityKind(v.kind(ctx, impact.Authority)), impact.Member)
		p.Member = &m
	}
	for _, m := range impact.Attributes {
		p.Moving = append(p.Moving, MovingKey(m))
	}
	p.Holders = impact.Holders
	patients, compartments := make(map[identity.GID]bool), make(map[ledger.Chain]bool)
	for _, t := range impact.Touched {
		patients[t.Patient], compartments[ledger.RecordChain(t.Patient, t.Compartment)] = true, true
	}
	p.Patients, p.Compartments = len(patients), len(compartments)
	p.Token = v.shown.keep(revocationPlan{r, impact.Attributes}, v.config.Now())
	return p, nil
}

// RevokeAttributes does what was shown, if it still comes to the same.
func (v *View) RevokeAttributes(ctx context.Context, args Token) (Revoked, error) {
	done := Revoked{Attributes: []string{}}
	plan, err := redeem[revocationPlan](&v.shown, args.Token, v.config.Now())
	if err != nil {
		return done, err
	}
	now, err := v.config.Client.Impact(ctx, plan.asked)
	if err != nil {
		return done, err
	}
	if !slices.Equal(now.Attributes, plan.moving) {
		return done, errMoved
	}
	w, err := v.config.Client.Revoke(ctx, plan.asked, v.progress("authority.revoke"))
	v.authorityMoved() // the versions may have moved, though not all keys are issued
	if err != nil {
		return done, err
	}
	done.Attributes, done.Issued = append(done.Attributes, w.Attributes...), w.Issued
	return done, nil
}

// Reissue gives the keys that are owed.
func (v *View) Reissue(ctx context.Context, _ Nothing) (AuthorityState, error) {
	if _, err := v.config.Client.Reissue(ctx, v.progress("authority.reissue")); err != nil {
		return AuthorityState{}, err
	}
	v.authorityMoved()
	return v.Authority(ctx, Nothing{})
}

// progress tells the screens how far a call is.
func (v *View) progress(call string) func(done, total int) {
	return func(done, total int) { v.post("progress", Progress{Call: call, Done: done, Total: total}) }
}
