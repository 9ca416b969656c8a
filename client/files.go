package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/phrledger/phr/ledger"
)

// nameOf names a chain in the names of files, where it does not stand in clear: whose records somebody reads is nobody's
// business.
func nameOf(chain ledger.Chain) string {
	hash := sha256.Sum256([]byte("phr/file\x00" + chain.String()))
	return hex.EncodeToString(hash[:16])
}

// sealed tells whether files are sealed: a home without a keystore has nothing to seal them with, and lies in memory.
func (h *Home) sealed() bool { return h.keystore != nil || h.agent != nil }

// write keeps a file beside the keystore, sealed with its key. The name is of our own making.
func (h *Home) write(name string, contents []byte) error {
	if !h.sealed() {
		return h.store.Write(name, contents)
	}
	sealed, err := h.Keys().Seal(name, contents)
	if err != nil {
		return err
	}
	return h.store.Write(name, sealed)
}

// read returns what write kept; it fails with fs.ErrNotExist if there is nothing.
func (h *Home) read(name string) ([]byte, error) {
	contents, err := h.store.Read(name)
	if err != nil || !h.sealed() {
		return contents, err
	}
	return h.Keys().Unseal(name, contents)
}

// lock waits until nobody else who uses the home, in this process or another, has the lock of that name.
func (h *Home) lock(ctx context.Context, name string) (release func(), err error) {
	h.mu.Lock()
	mine := h.turns[name]
	if mine == nil {
		mine = newTurn()
		h.turns[name] = mine
	}
	h.mu.Unlock()
	if err := mine.take(ctx); err != nil {
		return nil, err
	}
	unlock, err := h.store.Lock(ctx, name)
	if err != nil {
		mine.give()
		return nil, err
	}
	return func() {
		unlock()
		mine.give()
	}, nil
}
