package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// EraseCompartment destroys the keys of a whole compartment of the caller's record, for everybody and for good: sessions on it
// end, nothing follows on its chain, and its name is not used again. The events stay. Reason is for everybody who reads the log,
// and may be empty. Erasing what is erased changes nothing.
func (c *Client) EraseCompartment(ctx context.Context, name ledger.Compartment, reason string) error {
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return err
	}
	release, err := b.lockOutbox(ctx)
	if err != nil {
		return err
	}
	defer release()
	err = b.do(ctx, loginKey, func(s *session) error {
		f, ok := b.fact()
		if !ok {
			return fmt.Errorf("%w %q: see 'phr compartment list'", errNoCompartment, name)
		}
		if !f.Erased {
			if err := b.append(ctx, s, nil, []ledger.Body{&ledger.CompartmentErased{Reason: reason}}, nil); err != nil {
				return err
			}
		}
		_, err := b.dropDrafts(ctx, func(*Draft) bool { return true })
		return err
	})
	if err != nil {
		return fmt.Errorf("erasing: %w", err)
	}
	return nil
}

// EraseRequest says how a record is to be erased as a whole.
type EraseRequest struct {
	Reason string // for everybody who reads the log; may be empty
	Revoke bool   // the identity too: nothing signed by it counts from then on
}

// ErasePatient erases the caller's whole record: every compartment, and what the home keeps of it. No session is opened on it
// any more, and the person can't be a patient again under this identity. After an interruption it is called again.
func (c *Client) ErasePatient(ctx context.Context, r EraseRequest) error {
	_, err := c.Person(ctx, c.GID())
	switch {
	case !c.isErased() && err != nil:
		return err
	case !c.isErased():
		err = c.attempt(ctx, loginKey, func(s *session) error { return c.eraseAll(ctx, s, r) })
	case r.Revoke && err == nil:
		err = c.revokeIdentity(ctx, r.Reason)
	default:
		err = nil // with the record erased, a revoked identity is no obstacle
	}
	// The end of the identity ends the session over which it was said, maybe before the answer: the log tells.
	if _, unknown := c.Person(ctx, c.GID()); !c.isErased() || err != nil && (unknown == nil || !r.Revoke) {
		return fmt.Errorf("erasing the record: %w", cmp.Or(err, unknown, errors.New("the node does not show it as erased: try again")))
	}
	if err := c.forgetBooks(ctx); err != nil {
		return err
	}
	// If we were to crash before the end of this, the next call would go on with it.
	return c.home.forgetRecord(ctx)
}

// revokeIdentity ends the caller's identity.
func (c *Client) revokeIdentity(ctx context.Context, reason string) error {
	_, err := c.say(ctx, ledger.PersonChain(c.GID()), func([]*ledger.Entry) ([]ledger.Body, error) {
		return []ledger.Body{&ledger.IdentityRevoked{Reason: reason}}, nil
	})
	return err
}

// IsErased tells whether the caller's record is erased as a whole.
func (c *Client) IsErased(ctx context.Context) (bool, error) {
	if _, err := c.Person(ctx, c.GID()); err != nil && !c.isErased() {
		return false, err
	}
	return c.isErased(), nil
}

// isErased tells whether the caller's record is known to be erased.
func (c *Client) isErased() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.PatientErased(c.GID())
}

// eraseAll submits the end of every compartment, of the record, and of the identity if that is wanted, as one.
func (c *Client) eraseAll(ctx context.Context, s *session, r EraseRequest) error {
	facts, err := c.Compartments(ctx)
	if err != nil {
		return err
	}
	profile := ledger.RecordChain(c.GID(), ledger.Profile)
	entries, err := c.entries(ctx, s, profile)
	if err != nil {
		return err
	}
	if n := len(entries); n > 0 && entries[n-1].Kind() == ledger.PatientErasedKind {
		return nil // the try before counts after all
	}
	var all []*ledger.Event
	end := func(chain ledger.Chain, head ledger.Head, b ledger.Body) error {
		events, err := c.extend(chain, head, ledger.SessionID{}, []ledger.Body{b})
		all = append(all, events...)
		return err
	}
	for _, f := range facts {
		if err := end(f.Chain, c.head(f.Chain), &ledger.CompartmentErased{Reason: r.Reason}); err != nil {
			return err
		}
	}
	if err := end(profile, headAfter(entries), &ledger.PatientErased{Reason: r.Reason}); err != nil {
		return err
	}
	if r.Revoke {
		own := ledger.PersonChain(c.GID())
		if entries, err = c.entries(ctx, s, own); err != nil {
			return err
		}
		if err := end(own, headAfter(entries), &ledger.IdentityRevoked{Reason: r.Reason}); err != nil {
			return err
		}
	}
	return c.submit(ctx, s.conn, protocol.IngestOwner(string(c.GID())), all, nil)
}

// forgetBooks drops the keys of the caller's own record.
func (c *Client) forgetBooks(ctx context.Context) error {
	c.mu.Lock()
	books := slices.Collect(maps.Values(c.books))
	c.mu.Unlock()
	for _, b := range books {
		if !b.own() {
			continue
		}
		if err := b.turn.take(ctx); err != nil {
			return err
		}
		clear(b.keys)
		b.turn.give()
	}
	return nil
}

// forgetRecord removes what the home keeps of its owner's record: unsent drafts, where the chains of its compartments end, who has had
// access, what its owner has looked at, and the key of the owner's authority. Where profile and access log end stays: no node shall get away with showing the time before.
func (h *Home) forgetRecord(ctx context.Context) error {
	gid := h.GID()
	own := func(name string) bool {
		chain, err := ledger.ParseChain(name)
		return err == nil && chain.Space == ledger.RecordSpace && chain.GID() == gid && !chain.Compartment.Reserved()
	}
	box, err := h.outbox()
	if err != nil {
		return err
	}
	names, err := h.headsOf(own)
	if err != nil {
		return err
	}
	for _, name := range names {
		names = append(names, seenPrefix+strings.TrimPrefix(name, headPrefix))
	}
	names = append(names, metName)
	for _, w := range box.Waiting {
		if own(w.Chain) {
			names = append(names, w.file())
		}
	}
	for _, l := range box.Sent {
		if l.Records && own(l.Spans[0].Chain) {
			names = append(names, l.file())
		}
	}
	for _, name := range names {
		if err := h.store.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// If we were to crash before this, the next call would find the lines without their files.
	err = h.changeOutbox(ctx, func(box *outbox) {
		box.Waiting = slices.DeleteFunc(box.Waiting, func(w waitingFor) bool { return own(w.Chain) })
		box.Imports = slices.DeleteFunc(box.Imports, func(im importing) bool { return own(im.Chain) })
		box.Sent = slices.DeleteFunc(box.Sent, func(l sent) bool { return l.Records && own(l.Spans[0].Chain) })
	})
	if err != nil {
		return err
	}
	var master []byte
	if err := h.change(func(s *secrets) error {
		master, s.Master = s.Master, nil
		return nil
	}); err != nil {
		return err
	}
	clear(master)
	return nil
}

// headsOf returns the names of the files that keep where certain chains end.
func (h *Home) headsOf(wanted func(chain string) bool) ([]string, error) {
	all, err := h.store.List(headPrefix)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range all {
		contents, err := h.read(name)
		var r headRecord
		if err == nil {
			err = canonical.Unmarshal(contents, &r)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		if wanted(r.Chain) {
			names = append(names, name)
		}
	}
	return names, nil
}
