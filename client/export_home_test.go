package client

import (
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/recovery"
)

// AdoptCheapHome is AdoptHome with a passphrase that costs little to guess.
func AdoptCheapHome(dir string, passphrase, handed []byte, code *recovery.Secret) (*Home, error) {
	return adoptHome(dir, passphrase, handed, code, cheap)
}

// Dir returns where the home is.
func (h *Home) Dir() string { return h.store.String() }

// TakeNext does the first half of what Replace does in the home, as a program that dies after it.
func (h *Home) TakeNext() error { return h.takeNext() }

// SecretBytes returns the secrets that the home holds, as they lie in memory.
func (h *Home) SecretBytes() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([][]byte{h.secrets.Identity, h.secrets.Master}, h.secrets.Keys...)
}

// MoveMet makes the home go on reading its access log at another sequence of the stream.
func (h *Home) MoveMet(next uint64) error {
	m, err := h.met()
	if err != nil {
		return err
	}
	m.Next = next
	contents, err := canonical.Marshal(m)
	if err != nil {
		return err
	}
	return h.write(metName, contents)
}
