package challenge

import (
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
)

// Signer makes the two signatures of a person in a challenge: Held with the keys at hand, or an agent that has them.
type Signer interface {
	// GID returns who signs.
	GID() identity.GID

	// SignHello signs a hello, given by its encoding without signatures.
	SignHello(unsigned []byte) ([]byte, error)

	// SignAnswer signs the answer with a tag to the challenge of the transcript th2.
	SignAnswer(th2, tag [32]byte) ([]byte, error)
}

// Held signs with an identity at hand.
type Held struct{ *identity.Identity }

// SignHello implements Signer. It refuses what is not a hello by this identity.
func (h Held) SignHello(unsigned []byte) ([]byte, error) {
	hello, err := parseUnsigned(unsigned)
	if err != nil {
		return nil, err
	}
	if hello.GID != h.GID() {
		return nil, fmt.Errorf("%w: a hello by %s, not by %s", ErrMalformed, hello.GID, h.GID())
	}
	return h.Sign(signHello, unsigned), nil
}

// SignAnswer implements Signer.
func (h Held) SignAnswer(th2, tag [32]byte) ([]byte, error) {
	th3 := transcript3(th2, tag, h.GID())
	return h.Sign(signAnswer, th3[:]), nil
}
