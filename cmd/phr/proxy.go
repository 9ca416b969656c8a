package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// shownProxy is somebody's right to act for a patient on one compartment.
type shownProxy struct {
	Patient     identity.GID       `json:"patient"`
	Proxy       identity.GID       `json:"proxy"`
	Grant       ledger.TermID      `json:"grant"`
	Compartment ledger.Compartment `json:"compartment"`
	Write       bool               `json:"write"`
	History     bool               `json:"history"`
	Until       time.Time          `json:"until"`
	Ended       bool               `json:"ended,omitempty"`
}

func showProxy(p *client.Proxy) shownProxy {
	return shownProxy{
		Patient: p.Chain.GID(), Proxy: p.Person, Grant: p.Term.ID, Compartment: p.Chain.Compartment,
		Write: p.Term.Write, History: p.Term.History, Until: time.UnixMilli(p.Term.Until), Ended: p.Ended,
	}
}

// proxyAdd lets a person act for the caller on several compartments at once.
func proxyAdd(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	var r client.ProxyRequest
	var t target
	fs.StringVar(&t.patient, "patient", "", "`ID` of the patient (yourself)")
	to := fs.String("to", "", "`PERSON` who is to act for you: gid:GID")
	fs.Func("compartment", "`NAME` of a compartment; may stand more than once", func(name string) error {
		c, err := ledger.ParseCompartment(name)
		r.Compartments = append(r.Compartments, c)
		return err
	})
	fs.BoolVar(&r.Write, "write", false, "let them write, too")
	fs.BoolVar(&r.FromNow, "from-now", false, "let them read what is written from now on, and nothing earlier")
	until := fs.String("until", "", "`DATE`, the last day, or a time such as 30d; at most a year")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *to == "" || len(r.Compartments) == 0 || *until == "" {
		return e.misused("--to, --compartment and --until are needed")
	}
	var err error
	if r.To, err = parsePerson(*to); err != nil {
		return err
	}
	if r.Until, err = parseUntil(*until, time.Now()); err != nil {
		return e.misused("--until: " + err.Error())
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := t.mustBe(c); err != nil {
		return err
	}
	named, err := c.AddProxy(ctx, r)
	if err != nil {
		return err
	}
	for _, p := range named {
		s := showProxy(&p)
		if e.json {
			if err := e.emit(s); err != nil {
				return err
			}
			continue
		}
		e.say("%s", s.Grant)
		e.note("%s may now %s %s for you, until %s.", s.Proxy, readOrWrite(s.Write), s.Compartment, moment(s.Until))
	}
	if !e.json {
		e.note("What they write says so. They can't name others, share, renew or erase: that stays yours. phr proxy end takes it back.")
	}
	return nil
}

// parsePerson reads a person as they are typed.
func parsePerson(text string) (identity.GID, error) {
	gid, err := identity.ParseGID(strings.TrimPrefix(text, "gid:"))
	if err != nil {
		return "", &hinted{fmt.Errorf("%s is no person: %w", quote(text), err), "a proxy is one person, gid:GID, and no role; phr id show prints one's own"}
	}
	return gid, nil
}

// mustBe tells whether the patient meant is the caller.
func (t *target) mustBe(c *client.Client) error {
	gid, err := t.gid(c)
	if err == nil && gid != c.GID() {
		return fmt.Errorf("this is for the patient %s alone, and you are %s", gid, c.GID())
	}
	return err
}

func readOrWrite(write bool) string {
	if write {
		return "read and write"
	}
	return "read"
}

// proxyList lists who acts for the caller, and for whom the caller acts.
func proxyList(ctx context.Context, e *env, args []string) error {
	if _, err := e.parse(e.online(), args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	mine, err := c.Proxies(ctx)
	if err != nil {
		return err
	}
	theirs, err := c.ActingFor(ctx)
	if err != nil {
		return err
	}
	rows := e.table("PATIENT", "PROXY", "GRANT", "COMPARTMENT", "MAY", "UNTIL")
	for _, p := range append(mine, theirs...) {
		s := showProxy(&p)
		until := moment(s.Until)
		if s.Ended {
			until = "ended " + until
		}
		err := rows.row(s, s.who(s.Patient, c), s.who(s.Proxy, c), s.Grant.String(), string(s.Compartment), readOrWrite(s.Write), until)
		if err != nil {
			return err
		}
	}
	return rows.end("Nobody acts for you, and you act for nobody: 'phr proxy add' names somebody.")
}

// who names a person in a list that is the caller's.
func (s *shownProxy) who(gid identity.GID, c *client.Client) string {
	if gid == c.GID() {
		return "you"
	}
	return string(gid)
}

// proxyEnd takes the right to act for the caller back.
func proxyEnd(ctx context.Context, e *env, args []string) error {
	operands, err := e.parse(e.online(), args, 1, 1)
	if err != nil {
		return err
	}
	return e.changeProxies(ctx, operands[0], func(c *client.Client, meant func(client.Proxy) bool) ([]client.Proxy, error) {
		return c.EndProxies(ctx, meant)
	}, func(s *shownProxy) {
		e.say("ended %s", s.Grant)
		e.note("%s no longer acts for you on %s, which goes on under new keys. What they opened before they may have kept.", s.Proxy, s.Compartment)
	})
}

// proxyRenew gives the right to act for the caller another end.
func proxyRenew(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	until := fs.String("until", "", "`DATE`, the last day, or a time such as 30d; at most a year")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	if *until == "" {
		return e.misused("--until is missing")
	}
	end, err := parseUntil(*until, time.Now())
	if err != nil {
		return e.misused("--until: " + err.Error())
	}
	return e.changeProxies(ctx, operands[0], func(c *client.Client, meant func(client.Proxy) bool) ([]client.Proxy, error) {
		return c.RenewProxies(ctx, end, meant)
	}, func(s *shownProxy) {
		e.say("%s", s.Grant)
		e.note("%s may %s %s for you, until %s.", s.Proxy, readOrWrite(s.Write), s.Compartment, moment(s.Until))
	})
}

// changeProxies changes the rights that are meant, and tells of each.
func (e *env) changeProxies(ctx context.Context, whose string, change func(*client.Client, func(client.Proxy) bool) ([]client.Proxy, error), tell func(*shownProxy)) error {
	meant, err := parseProxy(whose)
	if err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	changed, err := change(c, meant)
	for _, p := range changed {
		s := showProxy(&p)
		if !e.json {
			tell(&s)
		} else if err := e.emit(s); err != nil {
			return err
		}
	}
	if err == nil && len(changed) == 0 {
		return &hinted{fmt.Errorf("%s does not act for you", quote(whose)), "phr proxy list shows who does"}
	}
	return err
}

// parseProxy reads whose right is to end: a person's, or that of one grant.
func parseProxy(text string) (func(client.Proxy) bool, error) {
	if id, err := ledger.ParseTermID(text); err == nil {
		return func(p client.Proxy) bool { return p.Term.ID == id }, nil
	}
	gid, err := parsePerson(text)
	if err != nil {
		return nil, err
	}
	return func(p client.Proxy) bool { return p.Person == gid }, nil
}
