package client

import (
	"context"
	"crypto/rand"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/ledger"
)

// Rekeying says how far the replacement of an authority's master key is.
type Rekeying struct {
	Fingerprint authority.Fingerprint // of the registration that the registry is to endorse; not set once it has
	Endorsed    bool
	Issued      int  // keys that holders were given since
	Owed        bool // keys were still owed from before: they are issued, and nothing else has begun
}

// Unfinished tells whether a replacement of the master key has begun and not ended: what Rekey would go on with.
func (c *Client) Unfinished(ctx context.Context) (bool, error) {
	d, err := c.deskOf()
	if err != nil {
		return false, err
	}
	var unmoved int
	if err := d.look(ctx, func(roster *authority.Roster) { unmoved = len(roster.Overdue()) }); err != nil {
		return false, err
	}
	a, err := c.home.Authority()
	if err != nil {
		return false, err
	}
	return unmoved > 0 || a.Replacing(), nil
}

// Rekey replaces the master key of the caller's authority, one step after the other: it draws another and registers it, and once the
// registry has endorsed that, moves every attribute and gives all holders keys made by it. It goes on with a replacement that
// has begun, from wherever that was interrupted; until the endorsement it returns the fingerprint that the registry needs, and
// everything stays as it was. Progress, if not nil, hears of the keys issued.
func (c *Client) Rekey(ctx context.Context, progress func(done, total int)) (*Rekeying, error) {
	begun, err := c.Unfinished(ctx)
	if err != nil {
		return nil, err
	}
	if !begun {
		// They may be owed from a replacement that was interrupted at the very end. Who ran it again wants it ended, not another.
		if issued, err := c.Reissue(ctx, progress); err != nil || issued > 0 {
			return &Rekeying{Issued: issued, Owed: true}, err
		}
		err := c.home.changeAuthority(func(a *authority.Authority) error { return a.Rekey(rand.Reader) })
		if err != nil {
			return nil, err
		}
	}
	a, err := c.home.Authority()
	if err != nil {
		return nil, err
	}
	if a.Replacing() {
		fingerprint, err := c.registerAuthority(ctx, a)
		return &Rekeying{Fingerprint: fingerprint}, err
	}
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	if err := d.decide(ctx, func(*authority.Roster) ([]ledger.Body, error) { return nil, nil }); err != nil {
		return nil, err
	}
	issued, err := c.Reissue(ctx, progress)
	return &Rekeying{Endorsed: true, Issued: issued}, err
}
