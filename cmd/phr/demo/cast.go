package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
)

// cast is everyone on the stage.
type cast struct {
	registry, hospital, club, insurance, company *person

	maria, ruiz, leo, ida, hugo, stranger, auditor *person
	son                                            *person // acts for Maria
	nurse                                          *person // one of two colluders; Ida is the other
	everyone                                       []*person
	shares                                         []printed // of Maria's recovery words, which three friends of hers keep
}

// enter gives somebody a home and a connection.
func (d *demo) enter(ctx context.Context, name string) (*person, error) {
	home, err := client.NewHome()
	if err != nil {
		return nil, err
	}
	return d.connect(ctx, name, home)
}

func (d *demo) connect(ctx context.Context, name string, home *client.Home) (*person, error) {
	c, err := client.Dial(ctx, client.Config{Home: home, Node: d.node.URL(), Log: d.Log, Now: d.clock.now})
	if err != nil {
		return nil, err
	}
	p := &person{name, c}
	d.everyone = append(d.everyone, p)
	return p, nil
}

func (d *demo) leave() {
	for _, p := range d.everyone {
		p.Close()
	}
}

// gather founds the authorities and enrols the people, each by an invitation code.
func (d *demo) gather(ctx context.Context, g *errgroup.Group) ([]string, error) {
	identity, registry, err := node.Registry(d.Dir)
	if err != nil {
		return nil, err
	}
	home := client.HomeOf(identity)
	if err := home.SetAuthority(registry); err != nil {
		return nil, err
	}
	if d.registry, err = d.connect(ctx, "the registry", home); err != nil {
		return nil, err
	}
	serve := func(p *person) {
		g.Go(func() error {
			for {
				before := d.clock.ahead.Load()
				err := p.Serve(ctx, nil)
				if errors.Is(err, context.Canceled) {
					return nil
				}
				if d.clock.ahead.Load() == before { // or what was under way then came days too late
					return fmt.Errorf("%s: %w", p.name, err)
				}
			}
		})
	}
	serve(d.registry)
	for _, a := range []struct {
		p    **person
		name policy.Authority
		kind ledger.AuthorityKind
	}{
		{&d.hospital, "city-hospital", ledger.Hospital},
		{&d.club, "iron-gym", ledger.HealthClub},
		{&d.insurance, "acme-insurance", ledger.Insurer},
		{&d.company, "globex", ledger.Employer},
	} {
		if *a.p, err = d.found(ctx, a.name, a.kind); err != nil {
			return nil, err
		}
		serve(*a.p)
	}
	var slowest time.Duration
	for _, m := range []struct {
		p         **person
		name      string
		authority *person
		attribute string
	}{
		{&d.ruiz, "Dr Ruiz", d.hospital, "doctor"},
		{&d.nurse, "Nina", d.hospital, "nurse"},
		{&d.leo, "Leo", d.club, "trainer"},
		{&d.ida, "Ida", d.insurance, "agent"},
		{&d.hugo, "Hugo", d.company, "hr"},
		{&d.auditor, "the auditor", d.registry, "auditor"},
	} {
		start := time.Now()
		if *m.p, err = d.join(ctx, m.name, m.authority, m.attribute); err != nil {
			return nil, fmt.Errorf("%s joins: %w", m.name, err)
		}
		slowest = max(slowest, time.Since(start))
	}
	if d.stranger, err = d.enter(ctx, "a stranger"); err != nil {
		return nil, err
	}
	if err := d.stranger.RegisterIdentity(ctx); err != nil {
		return nil, err
	}
	home, d.shares, err = d.device("maria")
	if err != nil {
		return nil, err
	}
	if d.maria, err = d.connect(ctx, "Maria", home); err != nil {
		return nil, err
	}
	if err := d.maria.RegisterPatient(ctx); err != nil {
		return nil, err
	}
	return []string{
		"city-hospital, iron-gym, acme-insurance and globex are registered, and endorsed by fingerprint",
		fmt.Sprintf("six people came in by invitation codes and hold attribute keys, the slowest in %s", round(slowest)),
		"Maria's patient id: " + string(d.maria.GID()),
	}, nil
}

func (d *demo) found(ctx context.Context, name policy.Authority, kind ledger.AuthorityKind) (*person, error) {
	p, err := d.enter(ctx, string(name))
	if err != nil {
		return nil, err
	}
	fingerprint, err := p.FoundAuthority(ctx, name, kind)
	if err != nil {
		return nil, err
	}
	return p, d.registry.Endorse(ctx, name, fingerprint)
}

func (d *demo) join(ctx context.Context, name string, at *person, attribute string) (*person, error) {
	p, err := d.enter(ctx, name)
	if err != nil {
		return nil, err
	}
	code, _, err := at.Invite(ctx, authority.Offer{Attributes: []string{attribute}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = p.Enroll(ctx, code, name)
	return p, err
}
