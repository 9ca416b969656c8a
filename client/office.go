package client

import (
	"context"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Office is the caller's authority as it stands.
type Office struct {
	Name        policy.Authority
	Role        ledger.AuthorityKind
	Fingerprint authority.Fingerprint // of its registration; zero if there is none
	Endorsed    bool
	Said        time.Time // when it has last said something that everybody is shown; zero if it never has
	Attributes  []ledger.AttributeFact
	Members     []authority.Member
	Invitations []*authority.Invitation // that somebody can still come in by
	Owed        int                     // keys that members have to be given
	Rekeying    bool                    // a replacement of the master key has begun and not ended
}

// Office returns how the caller's authority stands.
func (c *Client) Office(ctx context.Context) (*Office, error) {
	d, err := c.deskOf()
	if err != nil {
		return nil, err
	}
	if err := c.home.Refresh(); err != nil {
		return nil, err
	}
	a, err := c.home.Authority()
	if err != nil {
		return nil, err
	}
	o := &Office{Name: a.Name(), Role: a.Role(), Rekeying: a.Replacing()}
	for _, invitation := range a.Invitations() {
		if c.config.Now().Before(invitation.Expires) && len(invitation.Taken) < invitation.Uses {
			o.Invitations = append(o.Invitations, invitation)
		}
	}
	if err := d.look(ctx, func(roster *authority.Roster) { o.read(d, roster) }); err != nil {
		return nil, err
	}
	fact, err := c.Authority(ctx, o.Name)
	if err != nil && codeOf(err) != protocol.CodeNotFound {
		return nil, err
	}
	o.Endorsed = fact.Active
	o.Fingerprint, err = c.fingerprint(ctx, o.Name)
	return o, err
}

// read reads what the roster says. Whoever calls it has the desk's turn.
func (o *Office) read(d *desk, roster *authority.Roster) {
	o.Attributes = nil
	for _, name := range roster.Attributes() {
		version, _ := roster.Version(name)
		o.Attributes = append(o.Attributes, ledger.AttributeFact{Attribute: policy.Attribute{Name: name, Authority: o.Name}, Version: version})
	}
	o.Members, o.Owed, o.Said = roster.Members(), len(roster.Owed()), d.shown
	o.Rekeying = o.Rekeying || len(roster.Overdue()) > 0
}

// fingerprint returns that of the newest registration of the caller's authority.
func (c *Client) fingerprint(ctx context.Context, name policy.Authority) (f authority.Fingerprint, err error) {
	entries, err := c.ownEntries(ctx, ledger.PersonChain(c.GID()))
	for _, e := range entries {
		if body, ok := e.Body.(*ledger.AuthorityRegistered); ok && body.Name == name {
			f = authority.FingerprintOf(e.Hash)
		}
	}
	return f, err
}
