package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

// printed is somebody's recovery sheet: the words, as they stand on paper.
type printed string

// device makes an identity with a home on disk, as a person's machine has it.
func (d *demo) device(name string) (*client.Home, printed, error) {
	code, err := recovery.Generate(random)
	if err != nil {
		return nil, "", err
	}
	defer code.Close()
	person, err := client.NewIdentity(code)
	if err != nil {
		return nil, "", err
	}
	home, err := client.CreateHome(filepath.Join(d.homes, name), []byte(passphrase), person, code)
	return home, printed(strings.Join(code.Words(), " ")), err
}

// open opens the home of a device.
func (d *demo) open(name string, passphrase []byte) (*client.Home, error) {
	return client.OpenHome(filepath.Join(d.homes, name), passphrase)
}

// passphrase opens the homes on the stage, which are gone with it.
const passphrase = "a stage is no place for secrets"

// loseDevice has Maria lose her machine, and come back with the words on her recovery sheet.
func (d *demo) loseDevice(ctx context.Context) ([]string, error) {
	before, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	old := d.maria
	asked, err := d.comeBack(ctx)
	if err != nil {
		return nil, err
	}
	pending, err := old.PendingRecovery(ctx)
	if err != nil {
		return nil, err
	}
	if err := expect(pending != nil, "the old device is not told that somebody asks for its identity"); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, d.maria, ledger.Health)
	if err := refused(err, "the new device, before the wait is over,"); err != nil {
		return nil, err
	}
	d.clock.forward(time.Until(asked.Until) + time.Minute)
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
		fmt.Sprintf("24 words bring the identity back: new keys, asked for on the log, in force after %s in which the old ones can veto (the clock is put forward)",
			ledger.RecoveryWait),
		fmt.Sprintf("then, in %s: the keys replaced, her own authority too, every compartment under new keys; she reads all %d records", round(took), after),
		"the lost device is out: what it signs counts no more, and nothing written from here on opens with its keys",
	}, refused(err, "writing from the lost device")
}

// comeBack makes a new device of Maria's from her recovery sheet, and asks for its keys to be put in force.
func (d *demo) comeBack(ctx context.Context) (client.Recovery, error) {
	code, err := recovery.ParseWords(string(d.sheet))
	if err != nil {
		return client.Recovery{}, err
	}
	defer code.Close()
	lost, err := d.stranger.Lost(ctx, d.maria.GID(), code)
	if err != nil {
		return client.Recovery{}, err
	}
	next, err := recovery.Generate(random)
	if err != nil {
		return client.Recovery{}, err
	}
	defer next.Close()
	home, err := lost.CreateHome(filepath.Join(d.homes, "maria, again"), []byte(passphrase), next)
	if err != nil {
		return client.Recovery{}, err
	}
	if d.maria, err = d.connect(ctx, "Maria", home); err != nil {
		return client.Recovery{}, err
	}
	return d.maria.Recover(ctx, false)
}
