package main

import (
	"context"
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
	Grants      []shownExplanations `json:"grants"`
}

type shownExplanations struct {
	shownTerm
	Sets       [][]string `json:"sets"`       // each is enough
	Coalitions [][]string `json:"coalitions"` // each could make keys that open it
	Satisfied  *bool      `json:"satisfied,omitempty"`
	Missing    [][]string `json:"missing,omitempty"` // each would be enough
}

// explain says who can open a compartment today, why, and why not.
func explain(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	as := fs.String("as", "", "`WHOM` to explain it for: a GID, or attributes joined by and")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if t.compartment == "" {
		return e.misused("--compartment is missing")
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
	x, err := books[0].Explain(ctx, strings.TrimPrefix(*as, "gid:"))
	if err != nil {
		return err
	}
	s := showExplanation(x, *as)
	if e.json {
		return e.emit(s)
	}
	e.tell(&s)
	return nil
}

func showExplanation(x *client.Explanation, as string) shownExplanation {
	s := shownExplanation{
		Patient: x.Patient, Compartment: x.Chain.Compartment, Epoch: x.Epoch, Records: x.Records, Stale: x.Stale, Since: x.Since, As: as,
		Grants: []shownExplanations{},
	}
	for _, term := range x.Terms {
		attribute := func(a policy.Attribute) string { return named(a.String(), x.Chain, &term) }
		shown := shownExplanations{
			shownTerm: showTerm(x.Chain, &term), Sets: texts(term.Sets, attribute), Missing: texts(term.Missing, attribute),
			Coalitions: texts(term.Coalitions, func(a policy.Authority) string { return string(a) }),
		}
		if as != "" {
			shown.Satisfied = &term.Satisfied
		}
		s.Grants = append(s.Grants, shown)
	}
	return s
}

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
		e.say("grant %s: %s may %s, %s%s", g.Grant, g.To, g.may(), g.from(), g.ending())
		for _, set := range g.Sets {
			e.say("  it takes %s", strings.Join(set, " and "))
		}
		for _, set := range g.Coalitions {
			e.say("  %s could make such keys", strings.ReplaceAll(strings.Join(set, " together with "), string(s.Patient), "the patient"))
		}
		switch {
		case g.Satisfied == nil:
		case *g.Satisfied && g.Ended:
			e.say("  %s satisfies it, but it has ended", s.As)
		case *g.Satisfied:
			e.say("  %s can open it by this grant", s.As)
		default:
			for _, set := range g.Missing {
				e.say("  %s can't: missing is %s", s.As, strings.Join(set, " and "))
			}
		}
	}
}
