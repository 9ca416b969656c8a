package witness

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// The types of signatures, by the page of C2SP on signed notes.
const (
	typeEd25519     = 1 // a log's signature of its own
	typeCosignature = 4 // Ed25519 with the time
	typeMLDSA       = 6 // ML-DSA-44 with the time
)

// Key is the public key of a log or a witness, with its name. It verifies signatures of notes.
type Key struct {
	note.Verifier
	text   string
	public []byte // the type, then the key
}

// ParseKey reads what C2SP calls a vkey: name+id+key, the id being made of the other two.
func ParseKey(text string) (Key, error) {
	name, rest, _ := strings.Cut(text, "+")
	_, encoded, _ := strings.Cut(rest, "+")
	public, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(public) == 0 {
		return Key{}, fmt.Errorf("%q is not a verifier key: one looks like name+id+key", text)
	}
	k := Key{text: text, public: public}
	switch public[0] {
	case typeEd25519:
		k.Verifier, err = note.NewVerifier(text)
	case typeCosignature, typeMLDSA:
		k.Verifier, err = cosignature.NewVerifierForCosignatureV1(text)
	default:
		err = fmt.Errorf("its type %d is unknown", public[0])
	}
	switch {
	case err != nil:
	case fmt.Sprintf("%s+%08x+%s", name, k.KeyHash(), base64.StdEncoding.EncodeToString(public)) != text:
		err = errors.New("its id is not that of name and key, or it is spelled oddly")
	case public[0] == typeMLDSA && len(name) > 255:
		err = errors.New("its name is longer than what is signed can hold")
	}
	if err != nil {
		return Key{}, fmt.Errorf("the verifier key %q: %w", text, err)
	}
	return k, nil
}

// String returns the text that ParseKey reads.
func (k Key) String() string { return k.text }

// cosigns tells whether signatures of this key are a cosigner's, which carry the time.
func (k Key) cosigns() bool { return k.public[0] != typeEd25519 }

// id names a key in a note's signature line.
func id(v note.Verifier) string { return fmt.Sprintf("%s+%08x", v.Name(), v.KeyHash()) }

// parseSecret reads a secret key, as note.GenerateKey writes it, for making cosignatures and for verifying them.
func parseSecret(secret string) (note.Signer, Key, error) {
	if _, err := note.NewSigner(secret); err != nil {
		return nil, Key{}, err
	}
	signer, err := cosignature.NewSignerForCosignatureV1(secret)
	if err != nil {
		return nil, Key{}, err
	}
	seed, err := base64.StdEncoding.DecodeString(strings.SplitN(secret, "+", 5)[4])
	if err != nil {
		return nil, Key{}, err
	}
	public := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	text, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, Key{}, err
	}
	if text, err = cosignature.VKeyToCosignatureV1(text); err != nil {
		return nil, Key{}, err
	}
	key, err := ParseKey(text)
	return signer, key, err
}
