package identity

import (
	"crypto/hpke"
	"fmt"
)

// Ephemeral is an X-Wing key pair for one exchange. Dropping it is what makes the exchange forward secret. It never prints
// and is safe for concurrent use.
type Ephemeral struct {
	redacted
	key hpke.PrivateKey
}

// GenerateEphemeral draws a key pair from the system's randomness.
func GenerateEphemeral() (*Ephemeral, error) {
	key, err := kem.GenerateKey()
	if err != nil {
		return nil, fmt.Errorf("making an ephemeral key: %w", err)
	}
	return &Ephemeral{key: key}, nil
}

// Public returns the public key to send, SealKeySize bytes.
func (e *Ephemeral) Public() []byte { return e.key.PublicKey().Bytes() }

// Export returns the secret that the sender of enc got from its own Export under the same info and exporter context.
// It fails with ErrOpen for an enc that no sender makes. Under another info or context, or for an enc that was changed,
// it returns another secret and no error: that both sides have the same one must show in what they do with it.
func (e *Ephemeral) Export(info, exporterContext string, enc []byte, length int) ([]byte, error) {
	recipient, err := hpke.NewRecipient(enc, e.key, kdf, hpke.ExportOnly(), []byte(info))
	if err != nil {
		return nil, ErrOpen
	}
	secret, err := recipient.Export(exporterContext, length)
	if err != nil {
		return nil, fmt.Errorf("exporting %d bytes: %w", length, err)
	}
	return secret, nil
}

// Export encapsulates to recipient, an X-Wing public key, and returns enc to send and a secret of length bytes (at most
// 8160) that only its holder can compute from enc. The HPKE context is export-only (RFC 9180, section 5.3): its
// secrets have nothing in common with what SealTo seals. It fails with ErrMalformed for an unusable key.
func Export(recipient []byte, info, exporterContext string, length int) (enc, secret []byte, err error) {
	enc, sender, err := newSender(recipient, hpke.ExportOnly(), info)
	if err != nil {
		return nil, nil, err
	}
	secret, err = sender.Export(exporterContext, length)
	if err != nil {
		return nil, nil, fmt.Errorf("exporting %d bytes: %w", length, err)
	}
	return enc, secret, nil
}
