package client

import "github.com/phrledger/phr/crypto/recovery"

// AdoptCheapHome is AdoptHome with a passphrase that costs little to guess.
func AdoptCheapHome(dir string, passphrase, handed []byte, code *recovery.Secret) (*Home, error) {
	return adoptHome(dir, passphrase, handed, code, cheap)
}

// SecretBytes returns the secrets that the home holds, as they lie in memory.
func (h *Home) SecretBytes() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([][]byte{h.secrets.Identity, h.secrets.Master}, h.secrets.Keys...)
}
