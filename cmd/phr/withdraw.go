package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// authorityRevoke takes attributes from a person.
func authorityRevoke(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	who := fs.String("gid", "", "`GID` of who loses them")
	named := fs.String("attr", "", "`ATTRIBUTES` that they lose, separated by commas (all that they hold)")
	return e.withdraw(ctx, fs, args, named, func(attributes []string, reason string) (client.Revocation, error) {
		gid, err := identity.ParseGID(strings.TrimPrefix(*who, "gid:"))
		if err != nil {
			return client.Revocation{}, e.misused("--gid says who loses them: " + err.Error())
		}
		return client.Revocation{GID: gid, Attributes: attributes, Reason: reason}, nil
	})
}

// authorityRotate moves attributes to their next versions.
func authorityRotate(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	named := fs.String("attr", "", "`ATTRIBUTES` that move, separated by commas")
	return e.withdraw(ctx, fs, args, named, func(attributes []string, reason string) (client.Revocation, error) {
		if len(attributes) == 0 {
			return client.Revocation{}, e.misused("--attr is missing")
		}
		return client.Revocation{Attributes: attributes, Reason: reason}, nil
	})
}

// withdraw shows what a revocation of the attributes named would do, and does it unless it is told not to.
func (e *env) withdraw(
	ctx context.Context, fs *flag.FlagSet, args []string, named *string, what func([]string, string) (client.Revocation, error),
) error {
	reason := fs.String("reason", "", "`TEXT` that stands on the log for everybody")
	how := previewed(fs)
	data := registryFlag(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	names, err := attributeNames(*named)
	if err != nil {
		return e.misused("--attr: " + err.Error())
	}
	r, err := what(names, *reason)
	if err != nil {
		return err
	}
	c, err := e.dialAuthority(ctx, *data)
	if err != nil {
		return err
	}
	defer hangUp(c)
	p, err := c.Impact(ctx, r)
	if err != nil {
		return err
	}
	if ok, err := e.agree(p, how); err != nil || !ok {
		return err
	}
	bar := e.progress("issuing keys", p.Holders)
	done, err := c.Revoke(ctx, r, func(n, _ int) { bar.at(n) })
	bar.done()
	if err != nil {
		return err
	}
	return e.showWithdrawn(done)
}

// attributeNames reads doctor,nurse; doctor@city-hospital is read too.
func attributeNames(list string) (names []string, err error) {
	if list == "" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		name, at, _ := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "@")
		if at == "" {
			at = string(ledger.RegistryName)
		}
		if _, err := policy.ParseAttribute(name + "@" + at); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// agree shows what something comes to: on standard output if that is all that is asked for, and to a person at a terminal
// before it is done. It tells whether to do it.
func (e *env) agree(p *client.Impact, how *previewing) (bool, error) {
	switch {
	case how.dry && e.json:
		return false, e.emit(showImpact(p))
	case how.dry:
		for _, line := range impactLines(p) {
			e.say("%s", line)
		}
		return false, nil
	case !e.asks(how):
		return true, nil
	}
	for _, line := range impactLines(p) {
		e.note("%s", line)
	}
	return e.goOn()
}

// shownImpact is what a revocation comes to, for programs.
type shownImpact struct {
	Authority  policy.Authority `json:"authority"`
	Loses      identity.GID     `json:"loses,omitempty"`
	Display    string           `json:"display,omitempty"`
	Attributes []shownMoving    `json:"attributes"`
	Holders    int              `json:"new_keys_for"`
	Touched    []shownTouched   `json:"touched"`
}

type shownMoving struct {
	Name    string `json:"attribute"`
	Version uint32 `json:"version"` // that it moves to
	Holders int    `json:"holders"`
}

type shownTouched struct {
	Patient     identity.GID       `json:"patient"`
	Compartment ledger.Compartment `json:"compartment"`
	Grant       ledger.TermID      `json:"grant"`
	Since       time.Time          `json:"stale_since,omitzero"`
}

func showImpact(p *client.Impact) *shownImpact {
	s := &shownImpact{Authority: p.Authority, Holders: p.Holders, Attributes: []shownMoving{}, Touched: []shownTouched{}}
	for _, m := range p.Attributes {
		s.Attributes = append(s.Attributes, shownMoving(m))
	}
	for _, t := range p.Touched {
		s.Touched = append(s.Touched, shownTouched{t.Patient, t.Compartment, t.Term, t.Since})
	}
	if p.Member != nil {
		s.Loses, s.Display = p.Member.GID, p.Member.Display
	}
	return s
}

// impactLines says to people what a revocation comes to.
func impactLines(p *client.Impact) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, m := range p.Attributes {
		if p.Member != nil {
			say("%s %s loses %s@%s", p.Member.GID, p.Member.Display, m.Name, p.Authority)
		}
		say("%s@%s moves to version %d: new keys for %s", m.Name, p.Authority, m.Version, people(m.Holders))
	}
	if len(p.Touched) == 0 {
		say("no grant rests on it")
		return lines
	}
	say("%s will be stale, until somebody writes there or the patient starts a new epoch:", plural(compartments(p.Touched), "compartment"))
	for _, t := range p.Touched {
		already := ""
		if !t.Since.IsZero() {
			already = ", stale already since " + moment(t.Since)
		}
		say("  %s of %s, grant %s%s", t.Compartment, t.Patient, t.Term, already)
	}
	return lines
}

func compartments(touched []client.Touched) int {
	type place struct {
		patient     identity.GID
		compartment ledger.Compartment
	}
	places := make(map[place]bool)
	for _, t := range touched {
		places[place{t.Patient, t.Compartment}] = true
	}
	return len(places)
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return thousands(n) + " people"
}

func (e *env) showWithdrawn(w *client.Withdrawn) error {
	if e.json {
		ids := []authority.InvitationID{}
		for _, inv := range w.Invitations {
			ids = append(ids, inv.ID)
		}
		return e.emit(struct {
			Moved       []string                 `json:"moved"`
			Issued      int                      `json:"keys_issued"`
			Invitations []authority.InvitationID `json:"invitations_closed"`
		}{w.Attributes, w.Issued, ids})
	}
	e.say("moved %s; %s issued", strings.Join(w.Attributes, ", "), plural(w.Issued, "new key"))
	if len(w.Invitations) > 0 {
		e.note("%s closed, by which they had come in.", plural(len(w.Invitations), "invitation"))
	}
	return nil
}
