package main

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// shownExplanation says who can open a compartment, for programs.
type shownExplanation struct {
	Patient     identity.GID        `json:"patient"`
	Compartment ledger.Compartment  `json:"compartment"`
	Epoch       uint32              `json:"epoch"`
	Records     uint64              `json:"records_in_epoch"`
	Stale       string              `json:"stale,omitempty"`
	Since       time.Time           `json:"stale_since,omitzero"`
	As          string              `json:"as,omitempty"`
	MayRead     *bool               `json:"may_read,omitempty"`
	MayWrite    *bool               `json:"may_write,omitempty"`
	Nobody      string              `json:"nobody,omitempty"`
	Grants      []shownExplanations `json:"grants"`
	Coalitions  [][]string          `json:"coalitions"` // the smallest, over all grants
	Epochs      []shownEpoch        `json:"epochs"`
	Versions    []shownVersion      `json:"versions"`
	If          *shownConsidered    `json:"if,omitempty"`
}

type shownExplanations struct {
	shownTerm
	Approval   string     `json:"approval,omitempty"` // who must agree, in an emergency
	Sets       [][]string `json:"sets"`               // each is enough
	Coalitions [][]string `json:"coalitions"`         // each could make keys that open it
	Held       []string   `json:"held,omitempty"`
	Satisfied  *bool      `json:"satisfied,omitempty"`
	Missing    [][]string `json:"missing,omitempty"` // each would be enough
	MayRead    bool       `json:"may_read,omitempty"`
	MayWrite   bool       `json:"may_write,omitempty"`
}

// explain says who can open a compartment today, why, and why not; what a grant would change; and what rests on which keys.
func explain(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	as := fs.String("as", "", "`WHOM` to explain it for: a GID, or attributes joined by and")
	next := fs.String("if", "", "`WHOM` it might be granted to, as in phr grant: says who would be let in that is not")
	instead := fs.String("instead-of", "", "`GRANT` in whose place --if is considered")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if t.compartment == "" {
		return e.misused("--compartment is missing")
	}
	if *instead != "" && *next == "" {
		return e.misused("--instead-of goes with --if")
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	books, err := e.books(ctx, c, t)
	if err != nil {
		return err
	}
	s, err := e.explanation(ctx, books[0], *as)
	if err != nil {
		return err
	}
	if *next != "" {
		if s.If, err = consider(ctx, books[0], *next, *instead, *as); err != nil {
			return err
		}
	}
	if e.json {
		return e.emit(s)
	}
	e.tell(s)
	if s.Patient != c.GID() {
		return nil
	}
	return e.alarmOverdue(ctx, c)
}

// explanation asks for all that is to be told of a compartment.
func (e *env) explanation(ctx context.Context, b *client.Book, as string) (*shownExplanation, error) {
	x, err := b.Explain(ctx, strings.TrimPrefix(as, "gid:"))
	if err != nil {
		return nil, err
	}
	resting, err := b.Resting(ctx)
	if err != nil {
		return nil, err
	}
	s := showExplanation(x, as)
	s.Epochs, s.Versions = showEpochs(resting), showVersions(resting, x)
	return s, nil
}

func showExplanation(x *client.Explanation, as string) *shownExplanation {
	s := &shownExplanation{
		Patient: x.Patient, Compartment: x.Chain.Compartment, Epoch: x.Epoch, Records: x.Records, Stale: x.Stale, Since: x.Since, As: as,
		Nobody: x.Nobody, Grants: []shownExplanations{}, Coalitions: texts(x.Coalitions, authorityText),
	}
	patient := strings.TrimPrefix(as, "gid:") == string(x.Patient)
	read, write := patient, patient
	for _, term := range x.Terms {
		attribute := func(a policy.Attribute) string { return named(a.String(), x.Chain, &term) }
		shown := shownExplanations{
			shownTerm: showTerm(x.Chain, &term), Approval: term.Approval, Sets: texts(term.Sets, attribute), Missing: texts(term.Missing, attribute),
			Coalitions: texts(term.Coalitions, authorityText), MayRead: term.MayRead, MayWrite: term.MayWrite,
		}
		if as != "" {
			shown.Satisfied = &term.Satisfied
			shown.Held = texts([][]policy.Attribute{term.Held}, attribute)[0]
		}
		read, write = read || term.MayRead, write || term.MayWrite
		s.Grants = append(s.Grants, shown)
	}
	if as != "" {
		s.MayRead, s.MayWrite = &read, &write
	}
	return s
}

func authorityText(a policy.Authority) string { return string(a) }

// texts writes sets of things as sets of texts.
func texts[T any](sets [][]T, text func(T) string) [][]string {
	all := make([][]string, len(sets))
	for i, set := range sets {
		for _, thing := range set {
			all[i] = append(all[i], text(thing))
		}
	}
	return all
}

// tell writes an explanation for people.
func (e *env) tell(s *shownExplanation) {
	e.say("%s of %s: epoch %d, %s in it", s.Compartment, s.Patient, s.Epoch, plural(int(s.Records), "record"))
	if s.Stale != "" {
		e.say("a new epoch is due before anything is written, since %s: %s", moment(s.Since), s.Stale)
	}
	e.say("the patient can always open it")
	if len(s.Grants) == 0 {
		e.say("nobody else can")
	}
	for _, g := range s.Grants {
		e.tellGrant(s, &g)
	}
	e.tellCoalitions(s)
	e.tellResting(s)
	if s.If != nil {
		e.tellConsidered(s)
	}
	if s.As != "" {
		e.say("")
		e.say("%s", s.verdict())
	}
}

// tellGrant says who is let in by a grant, and, if somebody is asked about, whether they are.
func (e *env) tellGrant(s *shownExplanation, g *shownExplanations) {
	e.say("grant %s: %s may %s, %s%s", g.Grant, g.To, g.may(), g.from(), g.ending())
	for _, set := range g.Sets {
		e.say("  it takes %s", strings.Join(set, " and "))
	}
	if len(g.Sets) == 0 {
		e.say("  there are too many ways to satisfy it for a list: share by several grants")
	}
	if g.Approval != "" {
		e.say("  in an emergency only, once somebody else, who is %s, has agreed", g.Approval)
	}
	for _, set := range g.Coalitions {
		e.say("  %s could make such keys", s.coalition(set))
	}
	if g.Satisfied == nil {
		return
	}
	if len(g.Held) > 0 {
		e.say("  %s has %s", s.As, strings.Join(g.Held, " and "))
	}
	switch {
	case *g.Satisfied && g.Ended:
		e.say("  %s satisfies it, but it has ended", s.As)
	case *g.Satisfied && !g.MayRead:
		e.say("  %s satisfies it, and opens it in an emergency only", s.As)
	case *g.Satisfied:
		e.say("  %s can open it by this grant", s.As)
	}
	for _, set := range g.Missing {
		e.say("  %s can't: missing is %s", s.As, strings.Join(set, " and "))
	}
}

// coalition names authorities that act together.
func (s *shownExplanation) coalition(set []string) string {
	return strings.ReplaceAll(strings.Join(set, " together with "), string(s.Patient), "the patient")
}

// tellCoalitions says who could cheat, with the least effort.
func (e *env) tellCoalitions(s *shownExplanation) {
	without := slices.DeleteFunc(slices.Clone(s.Coalitions), func(set []string) bool { return slices.Contains(set, string(s.Patient)) })
	e.say("")
	if len(without) == 0 {
		apart := ""
		if slices.ContainsFunc(s.Grants, func(g shownExplanations) bool { return g.Approval != "" }) {
			apart = ", but for emergencies, which take the node as well"
		}
		e.say("no authority could open it without the patient%s", apart)
		return
	}
	e.say("the fewest authorities that could open it without the patient, by making keys for whom they like:")
	for _, set := range without {
		alone := ""
		if len(set) == 1 {
			alone = " alone"
		}
		e.say("  %s%s", s.coalition(set), alone)
	}
}

// verdict says in a line what somebody asked about may do today.
func (s *shownExplanation) verdict() string {
	switch {
	case s.Nobody != "":
		return s.As + " may neither read nor write today: " + s.Nobody
	case *s.MayWrite:
		return s.As + " may read and write today"
	case *s.MayRead:
		return s.As + " may read today, and not write"
	}
	return s.As + " may neither read nor write today"
}
