package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// met is kept at home: whom the caller was told of, of those who have had a session on the caller's record, and how far the access log
// was looked through for others.
type met struct {
	Number uint64         `cbor:"1,keyasint"`
	Hash   ledger.Hash    `cbor:"2,keyasint"`
	Next   uint64         `cbor:"3,keyasint"` // stream sequence to go on at
	GIDs   []identity.GID `cbor:"4,keyasint,omitempty"`
}

const metName = "met"

// Newcomers calls told with the first access to the caller's record of everybody who never had one before, once each: who was told of
// from this home, by WatchAlarms too, is not told of again. It is for the start of a program: the access log is read as far as it went
// when the caller logged in, and nothing more is asked of the node while that is where it was read to the last time. Who is not known to be
// a patient, by PendingRecovery or Person, is told of nobody.
func (c *Client) Newcomers(ctx context.Context, told func(Access) error) error {
	if !c.isPatient(c.GID()) || c.isErased() {
		return nil
	}
	chain := ledger.RecordChain(c.GID(), ledger.Access)
	var before *met
	var fresh []Access
	err := c.attempt(ctx, loginKey, func(s *session) (err error) {
		if before, err = c.home.met(); err != nil {
			return err
		}
		shown := headOf(s.grant.Heads, chain)
		if shown <= before.Number {
			before = nil
			return nil
		}
		at := spot{ledger.Head{Number: before.Number, Hash: before.Hash}, before.Next}
		if fresh, at, err = c.accessAfter(ctx, s, chain, at); before.Number > 0 && (err != nil || at.head.Number < shown) {
			// A stream that was built anew may number its entries in another way.
			fresh, at, err = c.accessAfter(ctx, s, chain, spot{})
		}
		before.Number, before.Hash, before.Next = at.head.Number, at.head.Hash, at.next
		return err
	})
	if err != nil || before == nil {
		return err
	}
	fresh = slices.DeleteFunc(fresh, func(a Access) bool { return !a.First || slices.Contains(before.GIDs, a.GID) })
	if err := c.addDisplays(ctx, fresh); err != nil {
		return err
	}
	return c.introduce(ctx, before, fresh, told)
}

// accessAfter reads the access log from where it was read to. First means first of these lines.
func (c *Client) accessAfter(ctx context.Context, s *session, chain ledger.Chain, at spot) ([]Access, spot, error) {
	var entries []*ledger.Entry
	seen, err := newMark(c.home, chain)
	if err != nil {
		return nil, at, err
	}
	at, err = c.walk(ctx, s, seen, at, func(e *ledger.Entry, _ uint64) { entries = append(entries, e) })
	return accesses(entries, c.config.Now()), at, err
}

// headOf returns the number of the event in which a chain ends, of the heads that came with a session; 0 if it is not among them.
func headOf(heads []challenge.Head, chain ledger.Chain) uint64 {
	for _, h := range heads {
		if h.Chain == chain.String() {
			return h.Number
		}
	}
	return 0
}

// introduce tells of first accesses, and remembers that, with how far the log was looked through unless that is nil or others came farther. Nobody else does the
// same from this home meanwhile. If we were to crash in between, the same is told again.
func (c *Client) introduce(ctx context.Context, looked *met, first []Access, told func(Access) error) error {
	release, err := c.home.lock(ctx, metName)
	if err != nil {
		return err
	}
	defer release()
	known, err := c.home.met()
	if err != nil {
		return err
	}
	for _, a := range first {
		if slices.Contains(known.GIDs, a.GID) {
			continue
		}
		if err := told(a); err != nil {
			return err
		}
		known.GIDs = append(known.GIDs, a.GID)
	}
	if looked != nil && looked.Number >= known.Number {
		known.Number, known.Hash, known.Next = looked.Number, looked.Hash, looked.Next
	}
	contents, err := canonical.Marshal(known)
	if err != nil {
		return err
	}
	return c.home.write(metName, contents)
}

// met returns whom the person was told of.
func (h *Home) met() (*met, error) {
	m := new(met)
	contents, err := h.read(metName)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = canonical.Unmarshal(contents, m)
	}
	if err != nil {
		return nil, fmt.Errorf("reading whom you were told of: %w", err)
	}
	return m, nil
}
