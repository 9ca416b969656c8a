package client

import (
	"context"
	"errors"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
)

// Remains is what opens a record's content, for looking whether it is left anywhere.
type Remains struct {
	Leaf, Shred, Sealed []byte // the leaf's secret, the key state that gives it, and that as it is stored
}

// Remains returns what opens a record event now.
func (b *Book) Remains(ctx context.Context, e *ledger.Entry) (r Remains, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) error {
		o, err := b.opening(s)
		if err != nil {
			return err
		}
		_, content, _ := contentOf(e)
		k, err := o.epoch(ctx, content.Epoch)
		if err != nil {
			return err
		}
		leaf, err := k.shred.Leaf(content.Leaf)
		if err != nil {
			return err
		}
		fact, _ := o.fact.At(content.Epoch)
		r = Remains{Leaf: leaf[:], Shred: k.shred.Bytes()}
		r.Sealed, err = o.part(ctx, fact, ledger.PartShred)
		return err
	})
	return r, err
}

// OpensWith tries all that a node has of key material with the keys of every epoch that the book can open: whether any of it, as
// the key state of any version, opens a record event.
func (b *Book) OpensWith(ctx context.Context, e *ledger.Entry, stored [][]byte, versions uint64) (opens bool, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) error {
		o, err := b.opening(s)
		if err != nil {
			return err
		}
		_, content, _ := contentOf(e)
		for number := range o.fact.Epoch.Number {
			k, err := o.epoch(ctx, number+1)
			if err != nil {
				return err
			}
			states := []*epoch.Shred{k.shred}
			for _, sealed := range stored {
				for version := range versions + 1 {
					if shred, err := epoch.OpenShred(k.keys, b.place(number+1), version, sealed); err == nil {
						states = append(states, shred)
					}
				}
			}
			for _, shred := range states {
				_, err := epoch.Open(k.keys, shred, headerOf(e.Event), content.Sealed)
				opens = opens || err == nil
			}
		}
		return nil
	})
	return opens, err
}

// ReadWith reads a record event as it is, of a node that serves other key state than the log names, by its name in the epoch.
func (b *Book) ReadWith(ctx context.Context, e *ledger.Entry, served []byte) (text string, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) error {
		o, err := b.opening(s)
		if err != nil {
			return err
		}
		_, content, _ := contentOf(e)
		fact, _ := o.fact.At(content.Epoch)
		if err := o.fetch(ctx, fact); err != nil {
			return err
		}
		o.parts[content.Epoch][ledger.PartShred] = served
		delete(b.keys, content.Epoch)
		k, err := o.epoch(ctx, content.Epoch)
		if err != nil {
			var missing *missingPart
			if errors.As(err, &missing) {
				return errors.New(missing.Error())
			}
			return err
		}
		body, err := epoch.Open(k.keys, k.shred, headerOf(e.Event), content.Sealed)
		text = string(body)
		return err
	})
	return text, err
}
