package identity

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
)

// SealKeySize is the length of a public sealing key: ML-KEM-768, then X25519.
const SealKeySize = 1184 + 32

// Keys are the public keys of someone that are in force at some position of the log. Keys from outside come from
// ParseKeys; a Keys that was put together otherwise is unchecked.
type Keys struct {
	Sign [32]byte // Ed25519
	Seal []byte   // X-Wing, SealKeySize bytes
}

// ParseKeys returns copies of the keys once both are known to be usable, or ErrMalformed. It refuses wrong lengths, a
// signing key that is not the one encoding of a point on the curve or whose point has small order (it would accept
// signatures over anything), and a sealing key to which nothing can be sealed, or nothing that its owner could open.
func ParseKeys(sign, seal []byte) (*Keys, error) {
	if err := checkSigningKey(sign); err != nil {
		return nil, fmt.Errorf("%w: signing key: %w", ErrMalformed, err)
	}
	if err := checkSealingKey(seal); err != nil {
		return nil, fmt.Errorf("%w: sealing key: %w", ErrMalformed, err)
	}
	return &Keys{Sign: [32]byte(sign), Seal: bytes.Clone(seal)}, nil
}

// Verify returns nil if signature is one by these keys over message under context, and ErrSignature otherwise. The
// context is a constant of the caller, not empty and without a zero byte; Verify panics otherwise.
func (k *Keys) Verify(context string, message, signature []byte) error {
	if !ed25519.Verify(k.Sign[:], signed(context, message), signature) {
		return ErrSignature
	}
	return nil
}

// SealTo seals plaintext so that only the holder of these keys opens it, and only under the same info and additional data.
// The result is 1136 bytes longer than plaintext and differs each time. It names no sender. SealTo fails only for keys
// that ParseKeys would refuse.
func (k *Keys) SealTo(info string, aad, plaintext []byte) ([]byte, error) {
	return sealWith(k.Seal, info, aad, plaintext)
}

// signed returns what a signature covers. The zero byte ends the context, so no two pairs of context and message meet.
func signed(context string, message []byte) []byte {
	if context == "" || strings.Contains(context, "\x00") {
		panic("identity: a signature context is not empty and holds no zero byte")
	}
	b := make([]byte, 0, len("phr/sig/1\x00")+len(context)+1+len(message))
	b = append(b, "phr/sig/1\x00"...)
	b = append(b, context...)
	b = append(b, 0)
	return append(b, message...)
}
