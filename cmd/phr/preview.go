package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// previewing says how a change of grants is looked at before it is made.
type previewing struct{ dry, yes bool }

// previewed adds the flags of verbs that change who is let in.
func previewed(fs *flag.FlagSet) *previewing {
	how := new(previewing)
	fs.BoolVar(&how.dry, "dry-run", false, "say what it comes to, and change nothing")
	fs.BoolVar(&how.yes, "yes", false, "do not ask on a terminal whether to go on")
	return how
}

// preview says what a change comes to: on standard output if that is all that is asked for, and to a person at a terminal
// before it is made. It tells whether to make it.
func (e *env) preview(ctx context.Context, change *client.Change, how *previewing) (bool, error) {
	if !how.dry && !e.asks(how) {
		return true, nil
	}
	p, err := change.Preview(ctx)
	if err != nil {
		return false, err
	}
	switch {
	case how.dry && e.json:
		return false, e.emit(showPreview(p))
	case how.dry:
		for _, line := range previewLines(p) {
			e.say("%s", line)
		}
		return false, nil
	}
	for _, line := range previewLines(p) {
		e.note("%s", line)
	}
	return e.goOn()
}

// asks tells whether a person is there to be asked before something is done, who has not said yes already.
func (e *env) asks(how *previewing) bool {
	return isTerminal(e.stdin) && !how.yes && !e.json
}

// goOn asks a person whether to do what they were shown.
func (e *env) goOn() (bool, error) {
	answer, err := e.answer("Go on? [y/N] ")
	if err != nil {
		return false, err
	}
	if answer = strings.ToLower(answer); answer != "y" && answer != "yes" {
		e.note("Nothing was changed.")
		return false, nil
	}
	return true, nil
}

// shownPreview is a preview for programs.
type shownPreview struct {
	Compartment ledger.Compartment `json:"compartment"`
	Before      *shownTerm         `json:"before,omitempty"`
	After       *shownTerm         `json:"after,omitempty"`
	GainRead    [][]string         `json:"gain_read"` // each set is enough
	GainWrite   [][]string         `json:"gain_write"`
	LoseRead    [][]string         `json:"lose_read"`
	LoseWrite   [][]string         `json:"lose_write"`
	Coalitions  [][]string         `json:"coalitions,omitempty"`
	Records     uint64             `json:"records"`
	Opened      uint64             `json:"opened"`
	Epoch       uint32             `json:"epoch"`
	Reason      string             `json:"reason,omitempty"` // of a new epoch
	Wraps       []ledger.TermID    `json:"wraps"`
	Unwrapped   []ledger.TermID    `json:"unwrapped,omitempty"`
	Asleep      []shownAsleep      `json:"asleep,omitempty"` // authorities of which nothing was heard for long
	Sessions    []shownSession     `json:"sessions"`
	Dropped     bool               `json:"dropped,omitempty"`
}

// shownSession is an open session and what becomes of it.
type shownSession struct {
	Session   ledger.SessionID `json:"session"`
	GID       identity.GID     `json:"gid"`
	Display   string           `json:"display,omitempty"`
	Operation ledger.Operation `json:"operation"`
	Until     time.Time        `json:"until"`
	Ends      bool             `json:"ends"`
}

// shownAsleep is an authority, and when it was last heard of.
type shownAsleep struct {
	Authority policy.Authority `json:"authority"`
	Since     time.Time        `json:"since"`
}

func showPreview(p *client.Preview) *shownPreview {
	s := &shownPreview{
		Compartment: p.Chain.Compartment, Before: previewTerm(p, p.Before, p.Ended), After: previewTerm(p, p.After, false),
		GainRead: holders(p, p.Gains.Read), GainWrite: holders(p, p.Gains.Write),
		LoseRead: holders(p, p.Loses.Read), LoseWrite: holders(p, p.Loses.Write),
		Coalitions: texts(p.Coalitions, func(a policy.Authority) string { return string(a) }), Records: p.Records, Opened: p.Opened, Epoch: p.Epoch, Reason: p.Reason, Wraps: listed(p.Wraps),
		Unwrapped: p.Unwrapped, Sessions: []shownSession{}, Dropped: p.Dropped,
	}
	for _, a := range p.Asleep {
		s.Asleep = append(s.Asleep, shownAsleep{a.Name, a.Since})
	}
	for _, open := range p.Sessions {
		s.Sessions = append(s.Sessions, shownSession{open.ID, open.GID, open.Display, open.Operation, open.Until, open.Ends})
	}
	return s
}

// listed makes an empty list of none.
func listed[T any](list []T) []T { return append([]T{}, list...) }

func previewTerm(p *client.Preview, t *ledger.Term, ended bool) *shownTerm {
	if t == nil {
		return nil
	}
	s := showTerm(p.Chain, &client.ExplainedTerm{Term: *t, Person: p.Person, Ended: ended})
	return &s
}

// previewLines says in words what a change comes to.
func previewLines(p *client.Preview) []string {
	before, after := previewTerm(p, p.Before, p.Ended), previewTerm(p, p.After, false)
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	switch {
	case before == nil:
		add("A new grant on %s: %s may %s, %s%s.", p.Chain.Compartment, after.To, after.may(), after.from(), after.ending())
	case after == nil:
		add("The end of grant %s on %s: %s may %s, %s%s.", before.Grant, p.Chain.Compartment, before.To, before.may(), before.from(), before.ending())
	default:
		add("Grant %s on %s, to %s, %s.", before.Grant, p.Chain.Compartment, before.To, before.from())
		add("Now they may %s%s; then they may %s%s.", before.may(), lasting(before), after.may(), lasting(after))
	}
	if p.Dropped {
		add("A part of it that everybody in the registry satisfies is left out. You can always open your record yourself.")
	}
	lines = append(lines, holderLines(p)...)
	lines = append(lines, keyLines(p)...)
	for _, s := range p.Sessions {
		add("%s", sessionLine(&s))
	}
	if p.Before != nil && len(p.Sessions) == 0 {
		add("Nobody has a session open on it.")
	}
	if p.Before != nil {
		add("What they opened before they may have kept.")
	}
	for _, set := range p.Coalitions {
		add("%s could let in others by this grant: who is one of theirs is their word.", names(set))
	}
	return lines
}

// lasting is until when a grant lasts, in words that also say that it has no end.
func lasting(s *shownTerm) string {
	if s.Until == nil {
		return ", without an end"
	}
	return s.ending()
}

// holderLines says who gains and who loses.
func holderLines(p *client.Preview) []string {
	var lines []string
	for _, h := range []struct {
		sets [][]policy.Attribute
		text string
	}{
		{p.Gains.Read, "Can read then, and cannot now"},
		{p.Gains.Write, "Can write then, and cannot now"},
		{p.Loses.Read, "Can read now, and no more then"},
		{p.Loses.Write, "Can write now, and no more then"},
	} {
		for _, set := range holders(p, h.sets) {
			lines = append(lines, fmt.Sprintf("%s: whoever holds %s.", h.text, strings.Join(set, " and ")))
		}
	}
	if len(lines) == 0 {
		lines = []string{"Nobody can read or write more or less than before, as long as it lasts."}
	}
	return lines
}

// holders writes sets of attributes, the person named in the grant by their GID.
func holders(p *client.Preview, sets [][]policy.Attribute) [][]string {
	term := p.After
	if term == nil {
		term = p.Before
	}
	x := &client.ExplainedTerm{Term: *term, Person: p.Person}
	return texts(sets, func(a policy.Attribute) string { return named(a.String(), p.Chain, x) })
}

// keyLines says what holders of the grant can open, and which keys follow.
func keyLines(p *client.Preview) []string {
	var lines []string
	add := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	if p.After != nil {
		add("Of %s written so far they can open %s by it, and what is written while it lasts.", plural(int(p.Records), "entry"), thousands(int(p.Opened)))
	}
	switch {
	case p.Reason != "":
		add("%s goes on under new keys, as epoch %d: what is written from then on is sealed to you and to %s.",
			p.Chain.Compartment, p.Epoch, plural(len(p.Wraps), "grant"))
	case len(p.Wraps) > 0:
		add("They are given the keys of epoch %d, which stays.", p.Epoch)
	default:
		add("No key changes: epoch %d goes on.", p.Epoch)
	}
	for _, id := range p.Wraps {
		switch {
		case p.Reason == "":
		case p.Before == nil && id == p.After.ID:
			add("  This new grant gets the new keys.")
		default:
			add("  %s gets the new keys.", id)
		}
	}
	for _, id := range p.Unwrapped {
		add("  %s gets no keys: an authority it rests on is not in force.", id)
	}
	for _, a := range p.Asleep {
		add("Nothing was heard of %s since %s: whom it has removed since may get the new keys too. Ask it to run 'phr authority serve'.", a.Name, moment(a.Since))
	}
	return lines
}

// sessionLine says what becomes of an open session.
func sessionLine(s *client.OpenSession) string {
	who := string(s.GID)
	if s.Display != "" {
		who = s.Display + ", " + who
	}
	if s.Ends {
		return fmt.Sprintf("Open to %s by %s: ends at once.", s.Operation, who)
	}
	return fmt.Sprintf("Open to %s by %s: goes on, until %s at the latest.", s.Operation, who, moment(s.Until))
}
