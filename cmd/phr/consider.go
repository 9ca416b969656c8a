package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// shownConsidered says what a grant that is not made would change.
type shownConsidered struct {
	To         string         `json:"to"`
	InsteadOf  *ledger.TermID `json:"instead_of,omitempty"`
	Dropped    bool           `json:"dropped,omitempty"`
	In         []shownLetIn   `json:"in"`
	Out        [][]string     `json:"out"`
	Coalitions [][]string     `json:"coalitions"`
	Satisfied  *bool          `json:"satisfied,omitempty"` // by the one asked about
	Missing    [][]string     `json:"missing,omitempty"`
}

type shownLetIn struct {
	Set     []string       `json:"set"`
	Already *ledger.TermID `json:"already,omitempty"` // by another grant
}

// consider asks what a grant would change.
func consider(ctx context.Context, b *client.Book, next, instead, as string) (*shownConsidered, error) {
	var id ledger.TermID
	var err error
	if instead != "" {
		if id, err = ledger.ParseTermID(instead); err != nil {
			return nil, fmt.Errorf("the grant %s: %w", quote(instead), err)
		}
	}
	c, err := b.Consider(ctx, next, id, strings.TrimPrefix(as, "gid:"))
	if err != nil {
		return nil, err
	}
	s := showConsidered(c)
	if as != "" {
		s.Satisfied, s.Missing = &c.Satisfied, texts(c.Missing, attributeText)
	}
	return s, nil
}

func showConsidered(c *client.Considered) *shownConsidered {
	s := &shownConsidered{
		To: c.Expression, Dropped: c.Dropped, In: []shownLetIn{}, Out: texts(c.Out, attributeText), Coalitions: texts(c.Coalitions, authorityText),
	}
	if p, err := policy.Parse(c.Expression); err == nil {
		for _, a := range p.Attributes() {
			s.To = strings.ReplaceAll(s.To, a.String(), attributeText(a))
		}
	}
	if c.Instead != nil {
		s.InsteadOf = &c.Instead.ID
	}
	for _, in := range c.In {
		shown := shownLetIn{Set: texts([][]policy.Attribute{in.Set}, attributeText)[0]}
		if !in.Already.IsZero() {
			shown.Already = &in.Already
		}
		s.In = append(s.In, shown)
	}
	return s
}

// attributeText writes an attribute; one that stands for a person as that person.
func attributeText(a policy.Attribute) string {
	if gid, person := client.PersonOf(a); person {
		return "gid:" + string(gid)
	}
	return a.String()
}

// tellConsidered says who would be let in, and who no longer.
func (e *env) tellConsidered(x *shownExplanation) {
	s := x.If
	e.say("")
	if s.InsteadOf == nil {
		e.say("if it were granted to %s:", s.To)
	} else {
		e.say("if grant %s were to %s instead:", s.InsteadOf, s.To)
	}
	if s.Dropped {
		e.say("  a part that everybody in the registry satisfies would be left out")
	}
	for _, in := range s.In {
		already := ""
		if in.Already != nil {
			already = fmt.Sprintf(" (is let in already, by grant %s)", in.Already)
		}
		e.say("  + %s would be let in%s", strings.Join(in.Set, " and "), already)
	}
	for _, set := range s.Out {
		e.say("  - %s would no longer be let in by it", strings.Join(set, " and "))
	}
	if len(s.In) == 0 {
		e.say("  nobody would be let in who is not")
	}
	for _, set := range s.Coalitions {
		e.say("  %s could make keys for it", x.coalition(set))
	}
	switch {
	case s.Satisfied == nil:
	case *s.Satisfied:
		e.say("  %s would satisfy it", x.As)
	default:
		for _, set := range s.Missing {
			e.say("  %s would not: missing is %s", x.As, strings.Join(set, " and "))
		}
	}
}
