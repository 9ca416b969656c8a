package identity

import (
	"crypto/hpke"
	"errors"
	"fmt"
)

// The suite of everything sealed to a person: X-Wing, HKDF-SHA256, AES-256-GCM.
var (
	kem  = hpke.MLKEM768X25519()
	kdf  = hpke.HKDFSHA256()
	aead = hpke.AES256GCM()
)

const encapsulationSize = 1088 + 32

// checkSealingKey refuses keys to which nothing can be sealed (hpke.NewPublicKey takes 1216 zero bytes, only a try shows
// that they don't work) and X25519 keys in another than the canonical form, under which owner and sender disagree.
func checkSealingKey(key []byte) error {
	if len(key) != SealKeySize {
		return errors.New("wrong length")
	}
	if _, ok := coordinate(key[SealKeySize-32:]); !ok {
		return errors.New("not the canonical encoding of an X25519 key")
	}
	if _, err := sealWith(key, "", nil, nil); err != nil {
		return errors.New("unusable")
	}
	return nil
}

func sealWith(recipient []byte, info string, aad, plaintext []byte) ([]byte, error) {
	enc, sender, err := newSender(recipient, aead, info)
	if err != nil {
		return nil, err
	}
	ciphertext, err := sender.Seal(aad, plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing: %w", err)
	}
	return append(enc, ciphertext...), nil
}

func newSender(recipient []byte, aead hpke.AEAD, info string) ([]byte, *hpke.Sender, error) {
	key, err := kem.NewPublicKey(recipient)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: sealing key: %w", ErrMalformed, err)
	}
	enc, sender, err := hpke.NewSender(key, kdf, aead, []byte(info))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: sealing key: %w", ErrMalformed, err)
	}
	return enc, sender, nil
}

func openWith(key hpke.PrivateKey, info string, aad, sealed []byte) ([]byte, error) {
	if len(sealed) < encapsulationSize {
		return nil, ErrOpen
	}
	recipient, err := hpke.NewRecipient(sealed[:encapsulationSize], key, kdf, aead, []byte(info))
	if err != nil {
		return nil, ErrOpen
	}
	plaintext, err := recipient.Open(aad, sealed[encapsulationSize:])
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}
