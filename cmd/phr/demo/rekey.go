package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// rekey has the hospital replace its master key, of which somebody has a copy.
func (d *demo) rekey(ctx context.Context) ([]string, error) {
	stolen, err := d.hospital.Home().Authority()
	if err != nil {
		return nil, err
	}
	if err := d.tryDoctor(ctx, stolen); err != nil {
		return nil, fmt.Errorf("with the stolen key, while it is in force: %w", err)
	}
	impact, err := d.hospital.ImpactOfRekey(ctx)
	if err != nil {
		return nil, err
	}
	took, err := d.replaceKey(ctx)
	if err != nil {
		return nil, err
	}
	if err := refused(d.tryDoctor(ctx, stolen), "the stolen key"); err != nil {
		return nil, err
	}
	if _, err := d.note(ctx, d.ruiz, ledger.Health, "Written under the new key."); err != nil {
		return nil, err
	}
	read, _, err := d.readAll(ctx, d.ruiz, ledger.Health)
	if err != nil {
		return nil, err
	}
	all, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	return []string{
		"somebody has stolen the hospital's master key, and makes themselves a doctor's key: it opens what is for doctors",
		fmt.Sprintf("the hospital registers another; %s after the registry endorsed it, %d attributes have moved and %d people have new keys",
			round(took), len(impact.Attributes), impact.Holders),
		fmt.Sprintf("Dr Ruiz writes under the new key, and reads all %d records, old and new; the stolen key opens nothing new", read),
	}, expect(read == all, "Dr Ruiz reads %d of %d records", read, all)
}

// replaceKey returns how long everybody waited for new keys. Until the registry has endorsed the new master key, the old one is in use.
func (d *demo) replaceKey(ctx context.Context) (time.Duration, error) {
	begun, err := d.hospital.Rekey(ctx, nil)
	if err != nil {
		return 0, err
	}
	if _, err := d.note(ctx, d.ruiz, ledger.Health, "Written under the old key."); err != nil {
		return 0, err
	}
	start := time.Now()
	if err := d.registry.Endorse(ctx, "city-hospital", begun.Fingerprint); err != nil {
		return 0, err
	}
	_, err = d.hospital.Reissue(ctx, nil)
	return time.Since(start), err
}

// makeDoctor has whoever has the hospital's master key issue the stranger a doctor's keys, and returns the version of the newest.
func (d *demo) makeDoctor(ctx context.Context, stolen *authority.Authority) (keys []*abe.AttributeKey, version uint32, err error) {
	log, err := d.copyLog(ctx)
	if err != nil {
		return nil, 0, err
	}
	chain, roster := ledger.AuthorityChain(stolen.Name()), authority.NewRoster(stolen.Name())
	for _, e := range log {
		if e.Chain != chain {
			continue
		}
		if err := roster.Apply(e); err != nil {
			return nil, 0, err
		}
	}
	thief := d.stranger.Home().Identity()
	bodies, err := stolen.Enrol(random, roster, &authority.Admission{GID: thief.GID(), Keys: thief.Keys(), Attributes: []string{"doctor"}, Identified: "not at all"})
	if err != nil {
		return nil, 0, err
	}
	for _, body := range bodies {
		if _, ok := body.(*ledger.KeyIssued); !ok {
			continue
		}
		key, err := authority.OpenKey(thief, &ledger.Entry{Event: &ledger.Event{Chain: chain, Body: body}}, stolen.PublicKey())
		if err != nil {
			return nil, 0, err
		}
		keys, version = append(keys, key), key.Version()
	}
	return keys, version, nil
}

// tryDoctor tries what keys that were made with a stolen master key open of what is for doctors now.
func (d *demo) tryDoctor(ctx context.Context, stolen *authority.Authority) error {
	keys, version, err := d.makeDoctor(ctx, stolen)
	if err != nil {
		return err
	}
	hospital, err := d.hospital.Authority(ctx, stolen.Name())
	if err != nil {
		return err
	}
	doctor := policy.Leaf(policy.Attribute{Name: "doctor", Authority: stolen.Name()})
	x, err := abe.NewExpression(doctor, func(policy.Attribute) (uint32, bool) { return version, true }, hospital.Key)
	if err != nil {
		return err
	}
	_, ciphertext, err := x.Encapsulate(random, abe.Wrap, nil)
	if err != nil {
		return err
	}
	_, err = x.Decapsulate(keys, abe.Wrap, nil, ciphertext)
	return err
}
