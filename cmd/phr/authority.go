package main

import (
	"context"
	"strings"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// authorityInit founds an authority and prints the fingerprint by which the registry knows it.
func authorityInit(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	kind := fs.String("kind", "", "`KIND`: hospital, health-club, insurer or employer")
	names, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	name, err := policy.ParseAuthority(names[0])
	if err != nil {
		return err
	}
	role, err := authority.ParseRole(*kind)
	if err != nil || role == ledger.Registry {
		return e.misused("--kind is hospital, health-club, insurer or employer")
	}
	e.direct = true // the authority's key goes into the keystore
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	fingerprint, err := c.FoundAuthority(ctx, name, role)
	if err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Name        policy.Authority     `json:"authority"`
			Kind        ledger.AuthorityKind `json:"kind"`
			Founder     identity.GID         `json:"founder"`
			Fingerprint string               `json:"fingerprint"`
		}{name, role, c.GID(), fingerprint.String()})
	}
	e.say("%s", fingerprint)
	e.note("Give the registry this fingerprint by a way that the node has no part in. It says: phr authority endorse %s %s --data DIR", name, fingerprint)
	return nil
}

// shownMember is a member of an authority as 'authority members' tells of them.
type shownMember struct {
	GID        identity.GID `json:"gid"`
	Display    string       `json:"display,omitempty"`
	Attributes []string     `json:"attributes"`
	Owed       []string     `json:"owed,omitempty"` // attributes whose newest key is not issued yet
	Since      time.Time    `json:"since"`
	Recovered  time.Time    `json:"recovered,omitzero"`          // when other keys took the place of their first
	Pending    time.Time    `json:"recovery_requested,omitzero"` // when somebody asked for that
	Rotate     []string     `json:"rotate,omitempty"`            // attributes that are due to move since
}

// authorityMembers lists who is enrolled.
func authorityMembers(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	data := registryFlag(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dialAuthority(ctx, *data)
	if err != nil {
		return err
	}
	defer hangUp(c)
	members, err := c.Members(ctx)
	if err != nil {
		return err
	}
	recovered, err := c.Recovered(ctx, members)
	if err != nil {
		return err
	}
	t := e.table("MEMBER", "NAME", "ATTRIBUTES", "SINCE", "")
	for _, m := range members {
		r := recovered[m.GID]
		shown := shownMember{GID: m.GID, Display: m.Display, Since: m.Since, Recovered: r.Since, Pending: r.Pending, Rotate: r.Due}
		var told []string
		for _, held := range m.Attributes {
			shown.Attributes, told = append(shown.Attributes, held.Name), append(told, held.Name)
			if !held.Current {
				shown.Owed = append(shown.Owed, held.Name)
				told[len(told)-1] += " (new key to come)"
			}
		}
		if err := t.row(shown, string(m.GID), m.Display, strings.Join(told, ", "), moment(m.Since), recoveredText(&r)); err != nil {
			return err
		}
	}
	return t.end("Nobody is enrolled yet: 'phr authority invite' opens an invitation.")
}

// recoveredText says what is to be done about a member whose identity was recovered.
func recoveredText(r *client.Recovered) string {
	switch {
	case !r.Pending.IsZero():
		return "recovery asked for on " + moment(r.Pending)
	case len(r.Due) > 0:
		return "recovered on " + moment(r.Since) + ": rotate " + strings.Join(r.Due, ", ")
	}
	return ""
}
