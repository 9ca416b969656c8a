package main

import (
	"context"

	"github.com/phrledger/phr/client"
)

// authorityRekey replaces the master key of the caller's authority, or goes on with that.
func authorityRekey(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	finish := fs.Bool("finish", false, "go on with a replacement that has begun, and begin none")
	how := previewed(fs)
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	if *finish && how.dry {
		return e.misused("--finish goes on with what was agreed to: --dry-run says nothing of it")
	}
	e.direct = true // an authority's keys are in the keystore alone
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	begun, err := c.Unfinished(ctx)
	if err != nil {
		return err
	}
	if *finish && !begun {
		issued, err := c.Reissue(ctx, nil) // of a replacement that was interrupted at the very end
		if err != nil {
			return err
		}
		return e.showRekeying(c, &client.Rekeying{Owed: true, Issued: issued})
	}
	if !begun || how.dry {
		p, err := c.ImpactOfRekey(ctx)
		if err != nil {
			return err
		}
		if ok, err := e.agree(p, how); err != nil || !ok {
			return err
		}
	}
	bar := e.progress("issuing keys", 0)
	r, err := c.Rekey(ctx, func(n, _ int) { bar.at(n) })
	bar.done()
	if err != nil {
		return err
	}
	return e.showRekeying(c, r)
}

func (e *env) showRekeying(c *client.Client, r *client.Rekeying) error {
	a, err := c.Home().Authority()
	if err != nil {
		return err
	}
	if e.json {
		shown := struct {
			Endorsed    bool   `json:"endorsed"`
			Fingerprint string `json:"fingerprint,omitempty"`
			Issued      int    `json:"keys_issued"`
			Owed        bool   `json:"were_owed,omitempty"`
		}{Endorsed: r.Endorsed, Issued: r.Issued, Owed: r.Owed}
		if !r.Endorsed && !r.Owed {
			shown.Fingerprint = r.Fingerprint.String()
		}
		return e.emit(shown)
	}
	switch {
	case r.Owed && r.Issued == 0:
		e.say("nothing is left to do")
		return nil
	case r.Owed:
		e.say("%s were still owed and are issued now; nothing else has begun", plural(r.Issued, "key"))
		return nil
	case r.Endorsed:
		e.say("the new master key of %s is in force; %s issued", a.Name(), plural(r.Issued, "new key"))
		return nil
	}
	e.say("%s", r.Fingerprint)
	e.note("A new master key waits for the registry; until then everything goes on with the old one. Give the registry this fingerprint by a way "+
		"that the node has no part in. It says: phr authority endorse %s %s --data DIR", a.Name(), r.Fingerprint)
	e.note("After that, 'phr authority serve' moves every attribute and issues new keys to everybody, and so does 'phr authority rekey --finish'.")
	return nil
}
