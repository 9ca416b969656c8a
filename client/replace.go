package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
)

// nextSecrets are what a home keeps while its keys are being replaced: those to come.
type nextSecrets struct {
	Identity []byte `cbor:"1,keyasint"`
	Escrow   []byte `cbor:"2,keyasint"` // public half of the escrow key
	Slot     []byte `cbor:"3,keyasint"` // recovery.Secret.KeystoreSecret
}

// PrepareReplacement draws the keys that are to take the place of those in the home, for a new recovery code, and keeps them
// beside these. Doing it again takes the place of what was prepared before, unless that is in force: see Client.Replace.
func (h *Home) PrepareReplacement(next *recovery.Secret) error {
	if h.agent != nil {
		return ErrAgent
	}
	key, err := recoveryKey(next)
	if err != nil {
		return err
	}
	escrow, err := escrowKey(next)
	if err != nil {
		return err
	}
	person, err := h.Identity().Rotate(rand.Reader, key.Hash())
	if err != nil {
		return err
	}
	return h.change(func(s *secrets) error {
		s.Next = &nextSecrets{Identity: person.Bytes(), Escrow: escrow.Public(), Slot: next.KeystoreSecret()}
		return nil
	})
}

// Replacing tells whether keys were prepared that are not known to be in force.
func (h *Home) Replacing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.secrets.Next != nil
}

// next returns the identity that was prepared.
func (h *Home) next() (*identity.Identity, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets.Next == nil {
		return nil, errors.New("no keys were prepared to replace those in this home")
	}
	return identity.Parse(h.secrets.Next.Identity)
}

// ErrNeedsCode is returned by Replace without a code while the log does not show the new keys.
var ErrNeedsCode = errors.New("the keys in force are replaced by the recovery words only")

// CheckCode fails with ErrCode unless the code is the one that the identity in the home answers to.
func (h *Home) CheckCode(code *recovery.Secret) error {
	key, err := recoveryKey(code)
	if err != nil {
		return err
	}
	if h.agent != nil {
		return ErrAgent
	}
	if key.Hash() != h.Identity().RecoveryHash() {
		return fmt.Errorf("%w: these are the words of another one", ErrCode)
	}
	return nil
}

// Replace puts the keys that PrepareReplacement drew in force, with the consent of those in the home and by the recovery code
// in force, and renews what these opened. It needs no wait. After an interruption it is called again; once the log shows the new keys
// it needs no code, which may be nil then.
func (c *Client) Replace(ctx context.Context, code *recovery.Secret) error {
	next, err := c.home.next()
	if err != nil {
		return err
	}
	found, err := c.evidenceOf(ctx, c.GID())
	if err != nil {
		return err
	}
	held, err := c.Person(ctx, c.GID())
	if err != nil {
		return err
	}
	if held.Sign != next.Keys().Sign {
		if code == nil {
			return ErrNeedsCode
		}
		key, err := recoveryKey(code)
		if err != nil {
			return err
		}
		if err := c.home.CheckCode(code); err != nil {
			return err
		}
		if err := c.submitAs(ctx, key, found, rotationTo(next, key), c.home.Identity()); err != nil {
			return fmt.Errorf("replacing the keys: %w", err)
		}
	}
	if err := c.home.promote(); err != nil {
		return fmt.Errorf("the new keys are in force, but the home does not have them yet: %w", err)
	}
	if err := c.renew(ctx); err != nil {
		return fmt.Errorf("the new keys are in force, but not all is renewed: %w", err)
	}
	return c.home.change(func(s *secrets) error {
		s.Next = nil
		return nil
	})
}

// promote makes the keys that were prepared those of the home, and their recovery code the one that opens it. They stay prepared too,
// until all that follows is done: if we were to crash in between, the next Replace would go on.
func (h *Home) promote() error {
	if err := h.takeNext(); err != nil || h.keystore == nil {
		return err
	}
	// If we were to crash here, the former words would open the home with the new keys, until the next Replace.
	return h.changeSlots(func(k *keystore.Keystore) error {
		if h.secrets.Next == nil {
			return nil // another program has done all of it meanwhile
		}
		return k.Set(keystore.Recovery([32]byte(h.secrets.Next.Slot)))
	})
}

// takeNext makes the identity that was prepared that of the home.
func (h *Home) takeNext() error {
	next, err := h.next()
	if err != nil || h.Identity().Keys().Sign == next.Keys().Sign {
		return err
	}
	return h.change(func(s *secrets) error {
		s.Identity, s.Escrow, s.Escrowed, s.Master = s.Next.Identity, s.Next.Escrow, nil, nil
		return nil
	})
}
