package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

// escrow is what a person needs of their old keys when everything but the recovery code is lost. The code of a person opens
// every escrow that was sealed to it, also the old ones in the log.
type escrow struct {
	Seals     [][]byte `cbor:"1,keyasint"`           // identity.SealSeeds
	Authority []byte   `cbor:"2,keyasint,omitempty"` // authority.Authority of a founder, without its invitations
}

const (
	escrowInfo = "phr/escrow/1"
	escrowStep = 2 << 10 // bytes to which an escrow is filled up, so that its size does not tell what is in it
)

func escrowKey(code *recovery.Secret) (*identity.Escrow, error) {
	seed := code.EscrowSeed()
	defer clear(seed)
	return identity.ParseEscrow(seed)
}

// seal seals an escrow of somebody to the public half of their escrow key.
func (x *escrow) seal(to []byte, gid identity.GID) ([]byte, error) {
	plain, err := x.fill()
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return identity.SealEscrow(to, escrowInfo, []byte(gid), plain)
}

// fill encodes an escrow and fills it up.
func (x *escrow) fill() ([]byte, error) {
	plain, err := canonical.Marshal(x)
	if err != nil {
		return nil, err
	}
	plain = append(plain, 0x80)
	return append(plain, make([]byte, (escrowStep-len(plain)%escrowStep)%escrowStep)...), nil
}

// openEscrow is the inverse of seal.
func openEscrow(key *identity.Escrow, gid identity.GID, sealed []byte) (*escrow, error) {
	plain, err := key.Open(escrowInfo, []byte(gid), sealed)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return parseEscrow(plain)
}

// parseEscrow reads what seal has filled up.
func parseEscrow(plain []byte) (*escrow, error) {
	end := len(plain) - 1
	for end >= 0 && plain[end] == 0 {
		end--
	}
	if end < 0 || plain[end] != 0x80 || len(plain)%escrowStep != 0 {
		return nil, errors.New("an escrow that is not filled up")
	}
	x := new(escrow)
	return x, canonical.Unmarshal(plain[:end], x)
}

// unkept is an escrow as it is sent, kept before it is: who seals the same once more does not know it again on the log.
type unkept struct {
	Sum    []byte `cbor:"1,keyasint"` // of what it holds
	Sealed []byte `cbor:"2,keyasint"`
}

// escrow returns what there is to keep safe, the public key that it is sealed to and the hash of what was kept so before.
func (h *Home) escrow() (x *escrow, to, before []byte, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x = new(escrow)
	if h.secrets.Escrow == nil {
		return nil, nil, nil, nil // nothing recovers them
	}
	x.Seals = h.person.SealSeeds()
	if h.secrets.Authority != nil {
		a, err := authority.Parse(h.secrets.Authority)
		if err != nil {
			return nil, nil, nil, err
		}
		x.Authority = a.WithoutInvitations().Bytes()
	}
	return x, h.secrets.Escrow, h.secrets.Escrowed, nil
}

// keepEscrow puts what the caller would need after the loss of everything on the caller's chain, unless the newest escrow holds
// it already. Whatever changes the keys calls it.
func (c *Client) keepEscrow(ctx context.Context) error {
	sealed, sum, err := c.home.Keys().Escrow()
	if err != nil || sealed == nil {
		return err
	}
	_, err = c.say(ctx, ledger.PersonChain(c.GID()), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if b, ok := e.Body.(*ledger.IdentityEscrowed); ok && string(b.Sealed) == string(sealed) {
				return nil, nil // the try before counts after all
			}
		}
		return []ledger.Body{&ledger.IdentityEscrowed{Sealed: sealed}}, nil
	})
	if err != nil {
		return fmt.Errorf("keeping what a recovery needs: %w", err)
	}
	return c.home.Keys().SetEscrowed(sum)
}

// Escrow implements Keys.
func (k held) Escrow() (sealed, sum []byte, err error) {
	x, to, before, err := k.h.escrow()
	if err != nil || to == nil {
		return nil, nil, err
	}
	plain, err := canonical.Marshal(x)
	if err != nil {
		return nil, nil, err
	}
	hash := sha256.Sum256(append(to[:len(to):len(to)], plain...))
	clear(plain)
	if string(hash[:]) == string(before) {
		return nil, nil, nil
	}
	err = k.h.change(func(s *secrets) (err error) {
		if s.Unkept == nil || !bytes.Equal(s.Unkept.Sum, hash[:]) {
			s.Unkept = &unkept{Sum: hash[:]}
			s.Unkept.Sealed, err = x.seal(to, k.GID())
		}
		sealed = s.Unkept.Sealed
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("keeping what a recovery needs: %w", err)
	}
	return sealed, hash[:], nil
}

// SetEscrowed implements Keys.
func (k held) SetEscrowed(sum []byte) error {
	return k.h.change(func(s *secrets) error {
		s.Escrowed, s.Unkept = sum, nil
		return nil
	})
}
