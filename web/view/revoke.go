package view

import (
	"context"
	"slices"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// GrantNames are ids of grants.
type GrantNames struct {
	Grants []string `json:"grants"`
}

// RevokePreview says what stops, and what can't be undone.
type RevokePreview struct {
	Token        string   `json:"token"`
	To           Grantee  `json:"to"`
	Compartments []string `json:"compartments"`
	Sessions     int      `json:"sessions"` // that end at once
	Opened       bool     `json:"opened"`   // they have opened something: they keep it
	LastOpened   Time     `json:"last_opened,omitempty"`
	StillOpen    []Grant  `json:"still_open,omitempty"` // other grants by which they go on reading
}

// revokePlan is what a preview of a revocation has shown: the changes that are made, all or none.
type revokePlan struct{ changes []*client.Change }

// PreviewRevoke says what stops if grants of one grantee are taken away, and what goes on.
func (v *View) PreviewRevoke(ctx context.Context, args GrantNames) (RevokePreview, error) {
	p := RevokePreview{Compartments: []string{}}
	meant, all, err := v.meant(ctx, args.Grants)
	if err != nil {
		return p, err
	}
	p.To = v.grantee(ctx, meant[0].book.Patient(), &meant[0].grant)
	used, err := v.uses(ctx)
	if err != nil {
		return p, err
	}
	plan, err := planRevoke(ctx, meant)
	if err != nil {
		return p, err
	}
	previews, err := look(ctx, plan.changes)
	if err != nil {
		return p, err
	}
	for _, one := range previews {
		p.add(one)
	}
	for _, m := range meant {
		p.used(used[m.grant.ID.String()])
	}
	if p.StillOpen, err = v.stillOpen(ctx, meant, all); err != nil {
		return p, err
	}
	p.Token = v.shown.keep(plan, v.config.Now())
	return p, nil
}

// meant finds the grants that are asked about, which stand and are to the same people, and all others with them.
func (v *View) meant(ctx context.Context, ids []string) (meant, all []placed, err error) {
	if all, err = v.ownGrants(ctx); err != nil {
		return nil, nil, err
	}
	for _, p := range all {
		if slices.Contains(ids, p.grant.ID.String()) && p.grant.Revoked.IsZero() {
			meant = append(meant, p)
		}
	}
	switch {
	case len(ids) == 0:
		return nil, nil, misused("say which grants")
	case len(meant) != len(ids):
		return nil, nil, &Error{Code: CodeMoved, Message: "It is not shared any more.", Todo: "Look again."}
	}
	for _, m := range meant {
		if m.grant.To != meant[0].grant.To {
			return nil, nil, misused("these are not shared with the same people: stop sharing with each apart")
		}
	}
	return meant, all, nil
}

// planRevoke plans that grants end: those of a compartment in one change.
func planRevoke(ctx context.Context, meant []placed) (plan revokePlan, err error) {
	var books []*client.Book
	ids := make(map[*client.Book][]ledger.TermID)
	for _, m := range meant {
		if ids[m.book] == nil {
			books = append(books, m.book)
		}
		ids[m.book] = append(ids[m.book], m.grant.ID)
	}
	for _, b := range books {
		c, err := b.PlanRevoke(ctx, ids[b][0], ids[b][1:]...)
		if err != nil {
			return plan, err
		}
		plan.changes = append(plan.changes, c)
	}
	return plan, nil
}

// add adds what the end of grants on one compartment comes to.
func (p *RevokePreview) add(one *client.Preview) {
	p.Compartments = append(p.Compartments, string(one.Chain.Compartment))
	for _, s := range one.Sessions {
		if s.Ends {
			p.Sessions++
		}
	}
}

// used adds what was opened by a grant, if anything was.
func (p *RevokePreview) used(u *use) {
	if u == nil {
		return
	}
	p.Opened = true
	if p.LastOpened == nil || u.last.From.After(*p.LastOpened) {
		p.LastOpened = moment(u.last.From)
	}
}

// stillOpen returns the grants by which some of those who are let in by others can read without these.
func (v *View) stillOpen(ctx context.Context, without, all []placed) ([]Grant, error) {
	var ids []ledger.TermID
	for _, p := range without {
		ids = append(ids, p.grant.ID)
	}
	reach, err := v.reach(ctx, &without[0].grant, ids...)
	if err != nil {
		return nil, err
	}
	var left []Grant
	for _, r := range reach {
		for _, t := range r.by {
			if i := slices.IndexFunc(all, func(p placed) bool { return p.grant.ID == t.ID }); i >= 0 {
				left = append(left, v.grant(ctx, all[i].chain(), &all[i].grant))
			}
		}
	}
	return left, nil
}

// MakeRevoke takes away what was shown.
func (v *View) MakeRevoke(ctx context.Context, args Token) (Sharing, error) {
	plan, err := redeem[revokePlan](&v.shown, args.Token, v.config.Now())
	if err != nil {
		return Sharing{}, err
	}
	if err := v.config.Client.MakeAll(ctx, plan.changes...); err != nil {
		return Sharing{}, err
	}
	return v.sharingMoved(ctx)
}
