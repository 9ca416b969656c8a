package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// cast is everyone on the stage.
type cast struct {
	hospital, club, insurance, company *person

	maria, ruiz, leo, ida, hugo, stranger, auditor *person
	son                                            *person   // acts for Maria
	nurse                                          *person   // one of two colluders; Ida is the other
	shares                                         []printed // of Maria's recovery words, which three friends of hers keep
}

// gather founds the authorities and enrols the people, each by an invitation code.
func (d *demo) gather(ctx context.Context, g *errgroup.Group) ([]string, error) {
	err := d.openRegistry(ctx, d.Dir)
	if err != nil {
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
	home, shares, err := d.device("maria")
	if err != nil {
		return nil, err
	}
	d.shares = shares
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
