package view

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// GrantDraft is a grant, or the change of one, that is asked about.
type GrantDraft struct {
	Grant        string   `json:"grant,omitempty"` // of an edit: it gets the end and the right to write that stand here
	To           string   `json:"to,omitempty"`    // a policy, or gid:…
	Compartments []string `json:"compartments,omitempty"`
	Write        bool     `json:"write,omitempty"`
	FromNow      bool     `json:"from_now,omitempty"`
	Until        Time     `json:"until,omitempty"`
	Purpose      string   `json:"purpose,omitempty"`
	Proxy        bool     `json:"proxy,omitempty"` // acts for the patient
}

// GrantPreview says in plain terms what a change comes to. Nothing is signed before grant.make.
type GrantPreview struct {
	Token    string   `json:"token"`
	To       Grantee  `json:"to"`
	Open     []string `json:"open"`    // compartments that they will be able to open
	Write    []string `json:"write"`   // of them, to write into
	Cannot   []string `json:"cannot"`  // compartments that stay sealed to them
	Records  uint64   `json:"records"` // that they can open at once
	Until    Time     `json:"until,omitempty"`
	Also     []string `json:"also,omitempty"`     // others who could, all together, make keys that open it: sets of authorities
	Warnings []string `json:"warnings,omitempty"` // asleep, dropped, everybody, write-refused
	Refused  string   `json:"refused,omitempty"`  // why the node would not take it; then there is no token
	NewEpoch bool     `json:"new_epoch,omitempty"`
	Sessions int      `json:"sessions,omitempty"` // that end at once
}

// grantPlan is what a preview of a grant has shown: the changes that are made, all or none.
type grantPlan struct{ changes []*client.Change }

// PreviewGrant says what a grant, or the change of one, would come to. What can't be made is refused here, before anything is signed.
func (v *View) PreviewGrant(ctx context.Context, d GrantDraft) (GrantPreview, error) {
	changes, err := v.planGrant(ctx, &d)
	if err != nil {
		return v.refusal(ctx, &d, err)
	}
	previews, err := look(ctx, changes)
	if err != nil {
		return v.refusal(ctx, &d, err)
	}
	p, err := v.describe(ctx, previews)
	if err == nil {
		p.Token = v.shown.keep(grantPlan{changes}, v.config.Now())
	}
	return p, err
}

// MakeGrant makes what was shown.
func (v *View) MakeGrant(ctx context.Context, args Token) (Sharing, error) {
	plan, err := redeem[grantPlan](&v.shown, args.Token, v.config.Now())
	if err != nil {
		return Sharing{}, err
	}
	if err := v.config.Client.MakeAll(ctx, plan.changes...); err != nil {
		return Sharing{}, err
	}
	return v.sharingMoved(ctx)
}

// sharingMoved tells every screen that others can open the record now, and what they can.
func (v *View) sharingMoved(ctx context.Context) (Sharing, error) {
	v.post("changed", Changed{What: "grants", Patient: string(v.config.Client.GID())})
	return v.Sharing(ctx, Of{})
}

// planGrant works out what changes.
func (v *View) planGrant(ctx context.Context, d *GrantDraft) ([]*client.Change, error) {
	switch {
	case d.Grant != "":
		return v.planEdit(ctx, d)
	case strings.TrimSpace(d.To) == "":
		return nil, misused("say who may open it")
	case len(d.Compartments) == 0:
		return nil, misused("say what they may open")
	case d.Proxy:
		return v.planProxy(ctx, d)
	}
	var changes []*client.Change
	r := client.GrantRequest{To: d.To, Write: d.Write, FromNow: d.FromNow, Purpose: d.Purpose}
	if d.Until != nil {
		r.Until = *d.Until
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(d.Compartments))) {
		b, err := v.ownBook(ctx, name)
		if err != nil {
			return nil, err
		}
		c, err := b.PlanGrant(ctx, r)
		if err != nil {
			return nil, err
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (v *View) planProxy(ctx context.Context, d *GrantDraft) ([]*client.Change, error) {
	r := client.ProxyRequest{To: identity.GID(strings.TrimPrefix(d.To, "gid:")), Write: d.Write, FromNow: d.FromNow}
	for _, name := range d.Compartments {
		r.Compartments = append(r.Compartments, ledger.Compartment(name))
	}
	if d.Until != nil {
		r.Until = *d.Until
	}
	return v.config.Client.PlanProxy(ctx, r)
}

func (v *View) planEdit(ctx context.Context, d *GrantDraft) ([]*client.Change, error) {
	held, err := v.holding(ctx, d.Grant)
	if err != nil {
		return nil, err
	}
	edit := client.GrantEdit{Write: &d.Write, Until: d.Until}
	if d.Until == nil {
		edit.Until = new(time.Time) // none
	}
	c, err := held.book.PlanEdit(ctx, held.grant.ID, edit)
	return []*client.Change{c}, err
}

// look works out what changes come to.
func look(ctx context.Context, changes []*client.Change) ([]*client.Preview, error) {
	var all []*client.Preview
	for _, c := range changes {
		p, err := c.Preview(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// describe says in plain terms what changes come to.
func (v *View) describe(ctx context.Context, previews []*client.Preview) (GrantPreview, error) {
	g := previews[0].Grant()
	v.learn(ctx, g.Person)
	patient := v.config.Client.GID()
	p := GrantPreview{To: v.grantee(ctx, patient, g), Open: []string{}, Write: []string{}, Cannot: []string{}, Until: milli(g.Until)}
	for _, one := range previews {
		p.add(one, patient)
	}
	reach, err := v.reach(ctx, g, g.ID)
	if err != nil {
		return p, err
	}
	for _, r := range reach {
		switch {
		case slices.Contains(p.Open, r.name):
		case r.never:
			p.Cannot = append(p.Cannot, r.name)
		case r.always:
			p.Open = append(p.Open, r.name)
		}
		if r.writes && !slices.Contains(p.Write, r.name) {
			p.Write = append(p.Write, r.name)
		}
	}
	return p, nil
}

// add adds what the change of one compartment comes to.
func (p *GrantPreview) add(one *client.Preview, patient identity.GID) {
	name := string(one.Chain.Compartment)
	p.Open = append(p.Open, name)
	if one.After.Write {
		p.Write = append(p.Write, name)
	}
	p.Records += one.Opened
	p.NewEpoch = p.NewEpoch || one.Reason != ""
	for _, s := range one.Sessions {
		if s.Ends {
			p.Sessions++
		}
	}
	for _, set := range one.Coalitions {
		if text, ok := coalition(set, patient); ok && !slices.Contains(p.Also, text) {
			p.Also = append(p.Also, text)
		}
	}
	if one.Dropped {
		p.warn("dropped")
	}
	if len(one.Asleep) > 0 {
		p.warn("asleep")
	}
}

func (p *GrantPreview) warn(code string) {
	if !slices.Contains(p.Warnings, code) {
		p.Warnings = append(p.Warnings, code)
	}
}

// coalition names authorities that could act together; it is none of the patient's own.
func coalition(set []policy.Authority, patient identity.GID) (string, bool) {
	var names []string
	for _, name := range set {
		if name == policy.Authority(patient) {
			return "", false
		}
		names = append(names, string(name))
	}
	return strings.Join(names, " + "), true
}

// refusal says why something is not granted: of what went wrong otherwise it is the error.
func (v *View) refusal(ctx context.Context, d *GrantDraft, err error) (GrantPreview, error) {
	p := GrantPreview{Open: []string{}, Write: []string{}, Cannot: []string{}}
	told := errorOf(err)
	switch told.Code {
	case CodeOther, CodeInput, CodeAsleep:
	default:
		return p, err
	}
	p.To, p.Until = Grantee{Kind: "expression", Name: d.To, Expression: d.To}, d.Until
	p.Refused = told.Message
	switch {
	case errors.Is(err, client.ErrAsleep):
		p.warn("asleep")
	case errors.Is(err, client.ErrEverybody):
		p.warn("everybody")
	case d.Write && v.readable(ctx, *d):
		p.warn("write-refused")
	}
	return p, nil
}

// readable tells whether it could be granted to read alone.
func (v *View) readable(ctx context.Context, d GrantDraft) bool {
	d.Write = false
	changes, err := v.planGrant(ctx, &d)
	if err == nil {
		_, err = look(ctx, changes)
	}
	return err == nil
}
