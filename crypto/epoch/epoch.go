// Package epoch holds the symmetric keys of a patient's compartment and seals records with them.
//
// A compartment has epochs 1, 2, …. Each has a random key K and a random history key h, never derived from older ones;
// the event that starts the epoch commits to both (KID, HID), so that all readers have the same keys. What carries the
// keys to people are sealed parts, each bound to its Place:
//
//	wrap-<term>  K, and h where the term includes history, under the key that an attribute-based encapsulation gave
//	owner        K and h, sealed to the patient's own identity
//	link         K and h of the epoch before, under h: the way back in time
//	shred        the epoch's Shred, under K
//
// The wrap of an emergency term takes two people and the node to open (EmergencyKey):
//
//	wrap-<term>      K and h under a key made of three shares; the first is what the encapsulation gave
//	approval-<term>  the second share, under the key that an encapsulation to the approvers gave
//	release-<term>   the third share, sealed to the node
//
// A record is sealed under a key of its own, derived from K and from the record's leaf of the Shred, a puncturable
// pseudorandom function (Goldreich, Goldwasser and Micali, "How to construct random functions", 1986; puncturing as in
// Boneh and Waters, ePrint 2013/352). Puncturing a leaf, and destroying older copies of the Shred, erases that record
// for everybody. The key is committed to, so that one ciphertext never opens under two keys (Albertini and others, "How
// to abuse and fix authenticated encryption without key commitment", ePrint 2020/1456).
//
// What this does not protect: who holds K and the Shred can open every record of the epoch and can make ciphertexts that
// open; authorship is the business of signatures over them. Sizes show through, rounded up (Bucket), and because texts
// are compressed first, a size says something about the text. Whoever kept a Shred, or a plaintext, from before an
// erasure keeps what it gave.
package epoch

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
)

// KeySize is the length in bytes of an epoch key, of a history key and of the keys that wraps are sealed under.
const KeySize = 32

var (
	// ErrOpen is returned for everything that does not open: it says neither which part failed nor why.
	ErrOpen = errors.New("cannot open")

	// ErrMismatch is returned by Check for keys that the epoch did not commit to.
	ErrMismatch = errors.New("keys are not those the epoch committed to")

	// ErrNoHistory is returned where the history key is needed and not held.
	ErrNoHistory = errors.New("history key not held")

	// ErrErased is returned for a record whose leaf has been punctured: nothing opens it any more.
	ErrErased = errors.New("erased")

	// ErrTooLarge is returned for a plaintext longer than MaxBody.
	ErrTooLarge = errors.New("record body too large")
)

// Place says where keys belong: a patient's GID, a compartment of that patient's record, and the number of an epoch,
// counted from 1. Every sealed part is bound to its place.
type Place struct {
	Patient     string
	Compartment string
	Epoch       uint32
}

// Keys are the secrets of one epoch: its key, and its history key for those who may read older epochs. They are never
// changed once made, may be shared between goroutines, and print as "redacted".
type Keys struct {
	redacted
	key        [KeySize]byte
	history    [KeySize]byte
	hasHistory bool
}

// Generate draws the keys of a new epoch, 64 bytes from rand: the epoch key, then the history key.
func Generate(rand io.Reader) (*Keys, error) {
	var secret [2 * KeySize]byte
	if _, err := io.ReadFull(rand, secret[:]); err != nil {
		return nil, fmt.Errorf("drawing epoch keys: %w", err)
	}
	return parseKeys(secret[:])
}

// KID returns the public commitment to the epoch key.
func (k *Keys) KID() [sha256.Size]byte {
	return commit("phr/kid", &k.key)
}

// HID returns the public commitment to the history key, and zeros if that is not held.
func (k *Keys) HID() [sha256.Size]byte {
	if !k.hasHistory {
		return [sha256.Size]byte{}
	}
	return commit("phr/hid", &k.history)
}

// HasHistory reports whether the history key is held, which opens the link to the epoch before.
func (k *Keys) HasHistory() bool {
	return k.hasHistory
}

// Check compares the keys with the commitments of the epoch's event: the epoch key always, the history key if it is
// held. It fails with ErrMismatch. All Open functions of this package check what they return.
func (k *Keys) Check(kid, hid [sha256.Size]byte) error {
	own := k.KID()
	ok := subtle.ConstantTimeCompare(own[:], kid[:])
	if k.hasHistory {
		own = k.HID()
		ok &= subtle.ConstantTimeCompare(own[:], hid[:])
	}
	if ok != 1 {
		return ErrMismatch
	}
	return nil
}

// WithoutHistory returns the epoch key alone: what a reader "from now on" is given.
func (k *Keys) WithoutHistory() *Keys {
	return &Keys{key: k.key}
}

// bytes is what parts carry: the epoch key, followed by the history key if it is held.
func (k *Keys) bytes() []byte {
	if !k.hasHistory {
		return append([]byte(nil), k.key[:]...)
	}
	return append(append([]byte(nil), k.key[:]...), k.history[:]...)
}

// parseKeys is the inverse of bytes.
func parseKeys(b []byte) (*Keys, error) {
	k := &Keys{hasHistory: len(b) == 2*KeySize}
	if !k.hasHistory && len(b) != KeySize {
		return nil, ErrOpen
	}
	copy(k.key[:], b)
	copy(k.history[:], b[KeySize:])
	return k, nil
}

func commit(label string, key *[KeySize]byte) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(label), key[:]...))
}
