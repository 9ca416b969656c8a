package view

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Grantee is whom a grant lets in.
type Grantee struct {
	Kind       string `json:"kind"` // role, person, proxy, emergency, expression
	Name       string `json:"name"` // "doctors of city-hospital" is for screens to say: of a person, their name; else the expression
	Attribute  string `json:"attribute,omitempty"`
	Authority  string `json:"authority,omitempty"`
	Of         string `json:"of,omitempty"` // what the authority is: hospital, health-club, insurer, employer: hospital, health-club, insurer, employer
	GID        string `json:"gid,omitempty"`
	Expression string `json:"expression"`
	Approval   string `json:"approval,omitempty"` // of an emergency term
}

// Grant is who may open a compartment, how, and until when.
type Grant struct {
	ID          string  `json:"id"`
	Patient     Person  `json:"patient"`
	Compartment string  `json:"compartment"`
	To          Grantee `json:"to"`
	Write       bool    `json:"write"`
	History     bool    `json:"history"` // what was written before the grant, too
	Purpose     string  `json:"purpose,omitempty"`
	Since       Time    `json:"since,omitempty"`
	Until       Time    `json:"until,omitempty"`
	Ended       bool    `json:"ended,omitempty"`
	LastOpened  Time    `json:"last_opened,omitempty"`
	LastBy      string  `json:"last_by,omitempty"`
	Live        int     `json:"live,omitempty"` // sessions open now
}

// grant tells of a grant on a compartment. People are called as they are known: see learn.
func (v *View) grant(ctx context.Context, chain ledger.Chain, g *client.Basis) Grant {
	return Grant{
		ID: g.ID.String(), Patient: v.person(chain.GID()), Compartment: string(chain.Compartment), To: v.grantee(ctx, chain.GID(), g),
		Write: g.Write, History: g.History, Purpose: fhir.Printable(g.Purpose), Since: moment(g.Granted), Until: milli(g.Until),
		Ended: v.over(&g.Term) || !g.Revoked.IsZero(),
	}
}

// grantOf tells of a grant that the caller satisfies.
func (v *View) grantOf(ctx context.Context, s *client.Shared) Grant {
	return v.grant(ctx, s.Chain, s.Basis(v.config.Client.GID()))
}

// grantee tells whom a grant of a patient lets in.
func (v *View) grantee(ctx context.Context, patient identity.GID, g *client.Basis) Grantee {
	to := Grantee{Kind: "expression", Name: g.To, GID: string(g.Person), Expression: g.To, Approval: g.Approval}
	own := ledger.GrantAttribute(patient, g.ID)
	if p, err := policy.Parse(g.Expression); err == nil {
		all := p.Attributes()
		roles := slices.DeleteFunc(slices.Clone(all), func(a policy.Attribute) bool { return a == own })
		if len(roles) == 1 {
			to.Kind, to.Attribute, to.Authority, to.Of = "role", roles[0].Name, string(roles[0].Authority), v.kind(ctx, roles[0].Authority)
		}
		if len(roles) < len(all) {
			to.Kind, to.Name = "person", v.person(g.Person).Name // who it is the patient knows
		}
	}
	switch {
	case g.Proxy:
		to.Kind = "proxy"
	case g.Emergency():
		to.Kind = "emergency"
	}
	return to
}

// moment is a time, nil if there is none.
func moment(t time.Time) Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// milli is a time in unix milliseconds, nil if there is none.
func milli(ms int64) Time {
	if ms == 0 {
		return nil
	}
	return moment(time.UnixMilli(ms))
}
