package demo

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/pairing"
	"github.com/phrledger/phr/ledger"
)

// adoptDevice gives Maria's keys to a second device, after six words were compared.
func (d *demo) adoptDevice(ctx context.Context) ([]string, error) {
	before, _, err := d.readAll(ctx, d.maria, ledger.Health)
	if err != nil {
		return nil, err
	}
	if err := d.meetBetween(); err != nil {
		return nil, err
	}
	start := time.Now()
	fresh, old, words, err := pair()
	if err != nil {
		return nil, err
	}
	home, size, err := d.handOver(fresh, old)
	if err != nil {
		return nil, err
	}
	phone, err := d.connect(ctx, "Maria", home)
	if err != nil {
		return nil, err
	}
	read, _, err := d.readAll(ctx, phone, ledger.Health)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	id, err := d.note(ctx, phone, ledger.Health, "From my phone.")
	if err != nil {
		return nil, err
	}
	_, ok, err := d.sees(ctx, d.maria, ledger.Health, id)
	if err != nil {
		return nil, err
	}
	return []string{
		"with somebody in the middle the two devices show different words, and she hands nothing over",
		fmt.Sprintf("both show \"%s\": her keys, %s, go over sealed to the second one", strings.Join(words, " "), bytes(int64(size))),
		fmt.Sprintf("%s later that reads all %d records under a passphrase of its own; what either writes, the other reads", round(took), read),
	}, expect(ok && read == before, "the second device reads %d of %d records; the first sees what it wrote: %v", read, before, ok)
}

// pair brings two devices to the point where a person compares the words, which are the same.
func pair() (fresh *pairing.New, old *pairing.Old, words []string, err error) {
	fresh, first, err := pairing.Begin(random)
	if err != nil {
		return nil, nil, nil, err
	}
	old, second, err := pairing.Answer(random, first)
	if err != nil {
		return nil, nil, nil, err
	}
	third, words, err := fresh.Reveal(second)
	if err != nil {
		return nil, nil, nil, err
	}
	shown, err := old.Check(third)
	if err != nil {
		return nil, nil, nil, err
	}
	return fresh, old, words, expect(slices.Equal(words, shown), "the devices show %q and %q", words, shown)
}

// meetBetween has somebody pair with each device instead of the other one.
func (d *demo) meetBetween() error {
	_, _, toFresh, err := pair()
	if err != nil {
		return err
	}
	_, _, toOld, err := pair()
	if err != nil {
		return err
	}
	return expect(!slices.Equal(toFresh, toOld), "the words do not show that somebody is in the middle: %q", toOld)
}

// handOver gives the keys to the second device, and returns its home and their size.
func (d *demo) handOver(fresh *pairing.New, old *pairing.Old) (*client.Home, int, error) {
	keys, err := d.maria.Home().Handover()
	if err != nil {
		return nil, 0, err
	}
	defer clear(keys)
	sealed, err := old.Seal(random, keys)
	if err != nil {
		return nil, 0, err
	}
	opened, err := fresh.Open(sealed)
	if err != nil {
		return nil, 0, err
	}
	defer clear(opened)
	home, err := client.AdoptHome(filepath.Join(d.homes, "maria's phone"), []byte(passphrase), opened, nil)
	return home, len(sealed), err
}
