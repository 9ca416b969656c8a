package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// lostSecrets are what a home keeps until the identity in it is recovered.
type lostSecrets struct {
	Key     []byte         `cbor:"1,keyasint"`          // identity.Recovery: what the recovery code gave
	Request ledger.EventID `cbor:"2,keyasint,omitzero"` // that was made from this home last
}

// Lost is an identity whose keys are lost, as the log shows it to who has the recovery code.
type Lost struct {
	gid       identity.GID
	inception *identity.Inception
	key       *identity.Recovery
	escrow    *escrow
}

// ErrCode is returned, wrapped, for a recovery code that an identity does not answer to.
var ErrCode = errors.New("the identity does not answer to this recovery code")

// evidenceOf is what the log shows of a person's keys, learnt and judged.
func (c *Client) evidenceOf(ctx context.Context, gid identity.GID) (*protocol.Recovery, error) {
	found, err := ask[protocol.Recovery](ctx, c.guest, protocol.DirRecovery, protocol.RecoveryQuery{GID: gid})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return found, c.learnAll(&protocol.Evidence{Facts: found.Facts})
}

// Lost finds an identity by its recovery code. The caller may be anybody. It fails with ErrCode for another's code, and for one
// that was replaced since.
func (c *Client) Lost(ctx context.Context, gid identity.GID, code *recovery.Secret) (*Lost, error) {
	found, err := c.evidenceOf(ctx, gid)
	if err != nil {
		return nil, fmt.Errorf("looking for the identity: %w", err)
	}
	l := &Lost{gid: gid}
	if l.key, err = recoveryKey(code); err != nil {
		return nil, err
	}
	c.mu.Lock()
	committed, ok := c.state.Committed(gid)
	since, rotated := c.state.Rotated(gid)
	c.mu.Unlock()
	switch {
	case !ok:
		return nil, fmt.Errorf("the identity %s is revoked: nothing brings it back", gid)
	case committed != l.key.Hash() && rotated:
		return nil, fmt.Errorf("%w: its keys, and with them the code, were replaced on %s", ErrCode, since.Time.Local().Format(time.DateTime))
	case committed != l.key.Hash():
		return nil, fmt.Errorf("%w: these are the words of another one", ErrCode)
	}
	key, err := escrowKey(code)
	if err != nil {
		return nil, err
	}
	return l, l.open(key, found.Facts)
}

// open finds the inception, and the newest escrow that opens and holds what the inception asks for.
func (l *Lost) open(key *identity.Escrow, facts []protocol.Fact) error {
	for _, f := range slices.Backward(facts) {
		e, err := ledger.ParseEntry(f.Entry)
		if err != nil {
			return err
		}
		switch b := e.Body.(type) {
		case *ledger.IdentityRegistered:
			if l.inception, err = b.Inception(); err != nil {
				return err
			}
		case *ledger.IdentityEscrowed:
			if x, err := openEscrow(key, l.gid, b.Sealed); err == nil && (l.escrow == nil || len(x.Seals) > len(l.escrow.Seals)) {
				l.escrow = x
			}
		}
	}
	switch {
	case l.inception == nil:
		return errors.New("the node does not show how the identity began")
	case l.escrow == nil:
		return errors.New("no escrow of the identity opens: its owner never put one on the log, and what is sealed to the lost keys stays sealed")
	}
	return nil
}

// OfLost tells whether a recovery code is one that may replace the keys of an identity in force: what recovery.Combine asks.
func (c *Client) OfLost(ctx context.Context, gid identity.GID) (func(*recovery.Secret) bool, error) {
	if _, err := c.evidenceOf(ctx, gid); err != nil {
		return nil, fmt.Errorf("looking for the identity: %w", err)
	}
	c.mu.Lock()
	committed, ok := c.state.Committed(gid)
	c.mu.Unlock()
	if !ok {
		return nil, fmt.Errorf("the identity %s is revoked: nothing brings it back", gid)
	}
	return func(code *recovery.Secret) bool {
		key, err := recoveryKey(code)
		return err == nil && key.Hash() == committed
	}, nil
}

// CreateHome makes a home for the identity with new keys, which next may replace in turn. Nobody accepts them until
// Client.Recover has come to its end.
func (l *Lost) CreateHome(dir string, passphrase []byte, next *recovery.Secret) (*Home, error) {
	return l.createHome(dir, passphrase, next, keystore.Native)
}

func (l *Lost) createHome(dir string, passphrase []byte, next *recovery.Secret, cost keystore.Params) (*Home, error) {
	key, err := recoveryKey(next)
	if err != nil {
		return nil, err
	}
	person, err := identity.Recover(rand.Reader, l.inception, l.escrow.Seals, key.Hash())
	if err != nil {
		return nil, fmt.Errorf("recovering the identity: %w", err)
	}
	if l.escrow.Authority != nil {
		if _, err := authority.Parse(l.escrow.Authority); err != nil {
			return nil, fmt.Errorf("recovering the authority: %w", err)
		}
	}
	s := secrets{Authority: l.escrow.Authority, Lost: &lostSecrets{Key: l.key.Bytes()}}
	return newHome(InDirectory(dir), person, next, s, keystore.Passphrase(passphrase).Costing(cost))
}
