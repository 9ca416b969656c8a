package client

import "github.com/phrledger/phr/crypto/recovery"

// AdoptCheapHome is AdoptHome with a passphrase that costs little to guess.
func AdoptCheapHome(dir string, passphrase, handed []byte, code *recovery.Secret) (*Home, error) {
	return adoptHome(dir, passphrase, handed, code, cheap)
}
