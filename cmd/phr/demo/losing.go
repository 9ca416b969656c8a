package demo

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

// printed is a share of somebody's recovery words, as it stands on paper.
type printed string

// device makes an identity with a home on disk, as a person's machine has it, and splits its recovery words among three friends.
func (d *demo) device(name string) (*client.Home, []printed, error) {
	code, err := recovery.Generate(random)
	if err != nil {
		return nil, nil, err
	}
	defer code.Close()
	person, err := client.NewIdentity(code)
	if err != nil {
		return nil, nil, err
	}
	split, err := code.Split(2, 3)
	if err != nil {
		return nil, nil, err
	}
	var shares []printed
	for _, share := range split {
		shares = append(shares, printed(share.Text()))
	}
	home, err := client.CreateHome(filepath.Join(d.homes, name), []byte(passphrase), person, code)
	return home, shares, err
}

// open opens the home of a device.
func (d *demo) open(name string, passphrase []byte) (*client.Home, error) {
	return client.OpenHome(filepath.Join(d.homes, name), passphrase)
}

// passphrase opens the homes on the stage, which are gone with it.
const passphrase = "a stage is no place for secrets"

// loseDevice has Maria lose her machine, and come back with two of her friends' shares of the recovery words.
func (d *demo) loseDevice(ctx context.Context) ([]string, error) {
	before, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	old := d.maria
	if err := d.comeBack(ctx); err != nil {
		return nil, err
	}
	asked, err := d.veto(ctx, old)
	if err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, d.maria, ledger.Health)
	if err := refused(err, "the new device, before the wait is over,"); err != nil {
		return nil, err
	}
	d.clock.forward(asked.Until.Sub(d.clock.now()) + time.Minute)
	start := time.Now()
	done, err := d.maria.Recover(ctx, false)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	if err := expect(done.Done, "the recovery is not done after the wait"); err != nil {
		return nil, err
	}
	after, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := expect(after == before, "the new device reads %d records, the old one read %d", after, before); err != nil {
		return nil, err
	}
	_, err = d.note(ctx, old, ledger.Health, "Written by a thief.")
	return []string{
		fmt.Sprintf("any two of three shares make the 24 words, one says nothing; new keys are asked for on the log, and wait %s (the clock is put forward)",
			ledger.RecoveryWait),
		"meanwhile every device that has the old keys is told, and can veto: a first request was ended so",
		fmt.Sprintf("then, in %s: the keys replaced, her own authority too, every compartment under new keys; she reads all %d records", round(took), after),
		"the lost device is out: what it signs counts no more, and nothing written from here on opens with its keys",
	}, refused(err, "writing from the lost device")
}

// comeBack makes a new device of Maria's from two shares of her recovery words.
func (d *demo) comeBack(ctx context.Context) error {
	code, err := d.combine(ctx)
	if err != nil {
		return err
	}
	defer code.Close()
	lost, err := d.stranger.Lost(ctx, d.maria.GID(), code)
	if err != nil {
		return err
	}
	next, err := recovery.Generate(random)
	if err != nil {
		return err
	}
	defer next.Close()
	home, err := lost.CreateHome(filepath.Join(d.homes, "maria, again"), []byte(passphrase), next)
	if err != nil {
		return err
	}
	d.maria, err = d.connect(ctx, "Maria", home)
	return err
}

// combine makes the recovery words of two shares, after one has proved too few.
func (d *demo) combine(ctx context.Context) (*recovery.Secret, error) {
	belongs, err := d.stranger.OfLost(ctx, d.maria.GID())
	if err != nil {
		return nil, err
	}
	var brought []*recovery.Share
	for _, text := range d.shares[1:] {
		_, err := recovery.Combine(brought, belongs)
		if err := refused(err, fmt.Sprintf("recovery with %d of 2 shares", len(brought))); err != nil {
			return nil, err
		}
		share, err := recovery.ParseShare(string(text))
		if err != nil {
			return nil, err
		}
		brought = append(brought, share)
	}
	return recovery.Combine(brought, belongs)
}

// veto has the new device ask for its keys, the old one end that, and the new one ask once more.
func (d *demo) veto(ctx context.Context, old *person) (client.Recovery, error) {
	asked, err := d.maria.Recover(ctx, false)
	if err != nil {
		return asked, err
	}
	ended, err := old.Veto(ctx, "not me")
	if err != nil {
		return asked, err
	}
	if err := expect(ended.Until.Equal(asked.Until), "the old device is told of another request: until %s, not %s", ended.Until, asked.Until); err != nil {
		return asked, err
	}
	if _, err := d.maria.Recover(ctx, false); !errors.Is(err, client.ErrVetoed) {
		return asked, expect(false, "the request should not stand after the veto: %v", err)
	}
	d.clock.forward(ledger.RequestPause)
	return d.maria.Recover(ctx, true)
}
