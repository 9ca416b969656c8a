// Package pairing hands a secret from one device of a person to another, over any way that messages go: files, text that is copied,
// somebody else's server.
//
// The new device draws a key of X-Wing (HPKE, RFC 9180, export-only) and a nonce, and commits to both by their hash. The old device
// answers with a nonce of its own; then the new one reveals. Six words of the recovery list, 66 bits of a hash over all three messages,
// are shown on both devices, and a person compares them. Only after their yes does the old device seal the secret to the
// key, bound to the three messages.
//
// The order is what makes 66 bits enough: somebody in the middle has to commit to a key of theirs before they see the old device's
// nonce, and to answer the new device before it reveals, so that they can't search for messages that have the same words. Every try
// costs them a comparison by a person, and succeeds once in 2^66. This is the commitment scheme of Vaudenay, "Secure communications
// over insecure channels based on short authenticated strings" (CRYPTO 2005).
//
// What this does not protect: a person who says yes without comparing, or a device that is somebody else's already. Whoever carries the
// messages learns that a device was adopted and how large the secret is.
//
// New and Old are for one pairing each, and not safe for concurrent use.
package pairing

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
)

// ErrMalformed is returned, wrapped, for bytes that are not the message expected.
var ErrMalformed = errors.New("malformed pairing message")

// ErrChanged is returned, wrapped, when messages were changed on their way or are of another pairing.
var ErrChanged = errors.New("the messages of the pairing were changed on their way")

var errOrder = errors.New("pairing: not the turn of this step")

// WordCount is how many words people compare.
const WordCount = 6

// maxContents bounds what is handed over, in bytes.
const maxContents = 16 << 20

// The kinds of messages, in their order.
const (
	commitKind = 1 + iota
	nonceKind
	revealKind
	contentsKind
)

// message is any of the four. Fields that its kind does not have are empty.
type message struct {
	_      struct{} `cbor:",toarray"`
	Kind   uint64
	Short  []byte // the commitment, or a nonce
	Key    []byte // revealed, or the encapsulation of the contents' key
	Sealed []byte
}

const shortSize = 32

func (m *message) marshal() []byte {
	b, err := canonical.Marshal(m)
	if err != nil {
		panic(err) // byte strings always encode
	}
	return b
}

func parse(b []byte, kind uint64) (*message, error) {
	m := new(message)
	if err := canonical.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if m.Kind != kind {
		return nil, fmt.Errorf("%w: message %d of a pairing, not %d", ErrMalformed, m.Kind, kind)
	}
	short, key, sealed := shortSize, 0, 0
	switch kind {
	case revealKind:
		key = identity.SealKeySize
	case contentsKind:
		short, key, sealed = 0, len(m.Key), len(m.Sealed)
	}
	if len(m.Short) != short || len(m.Key) != key || len(m.Sealed) != sealed || sealed > maxContents+overhead {
		return nil, fmt.Errorf("%w: a field of the wrong length", ErrMalformed)
	}
	return m, nil
}

type hash = [sha256.Size]byte

// hashOf hashes parts under a name. Each goes in by its own hash, so that no two lists of parts meet.
func hashOf(name string, parts ...[]byte) hash {
	h := sha256.New()
	h.Write([]byte("phr/pairing/" + name + "/1\x00"))
	for _, p := range parts {
		sum := sha256.Sum256(p)
		h.Write(sum[:])
	}
	return hash(h.Sum(nil))
}

// words returns what people compare for a transcript.
func words(transcript hash) []string {
	h := hashOf("words", transcript[:])
	return recovery.Spell(h[:], WordCount)
}

func drawNonce(rand io.Reader) ([]byte, error) {
	nonce := make([]byte, shortSize)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return nonce, nil
}

const (
	exportContext = "contents"
	overhead      = chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead
)

// exportInfo binds the contents' key to what was compared.
func exportInfo(transcript hash) string { return "phr/pairing/1\x00" + string(transcript[:]) }

// New is the device that is to have the secret too.
type New struct {
	key        *identity.Ephemeral
	nonce      []byte
	first      []byte // message
	transcript hash   // zero until it is complete
	done       bool
}

// Begin draws a key, and returns the first message, for the old device.
func Begin(rand io.Reader) (*New, []byte, error) {
	key, err := identity.GenerateEphemeral()
	if err != nil {
		return nil, nil, err
	}
	nonce, err := drawNonce(rand)
	if err != nil {
		return nil, nil, err
	}
	commitment := hashOf("commit", key.Public(), nonce)
	first := (&message{Kind: commitKind, Short: commitment[:]}).marshal()
	return &New{key: key, nonce: nonce, first: first}, first, nil
}

// Reveal takes the old device's answer, and returns the third message and the words to compare. It is called once: a second answer
// would be what a search needs.
func (n *New) Reveal(second []byte) (third []byte, compare []string, err error) {
	if n.transcript != (hash{}) {
		return nil, nil, errOrder
	}
	if _, err := parse(second, nonceKind); err != nil {
		return nil, nil, err
	}
	third = (&message{Kind: revealKind, Short: n.nonce, Key: n.key.Public()}).marshal()
	n.transcript = hashOf("transcript", n.first, second, third)
	return third, words(n.transcript), nil
}

// Open returns what the old device sealed in the fourth message. It fails with ErrChanged if the two devices did not see the
// same messages.
func (n *New) Open(fourth []byte) ([]byte, error) {
	if n.transcript == (hash{}) || n.done {
		return nil, errOrder
	}
	m, err := parse(fourth, contentsKind)
	if err != nil {
		return nil, err
	}
	key, err := n.key.Export(exportInfo(n.transcript), exportContext, m.Key, chacha20poly1305.KeySize)
	if err != nil || len(m.Sealed) < overhead {
		return nil, ErrChanged
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce, sealed := m.Sealed[:chacha20poly1305.NonceSizeX], m.Sealed[chacha20poly1305.NonceSizeX:]
	contents, err := aead.Open(nil, nonce, sealed, n.transcript[:])
	if err != nil {
		return nil, ErrChanged
	}
	n.done = true
	return contents, nil
}

// Old is the device that has the secret.
type Old struct {
	first, second []byte // messages
	key           []byte // of the new device, once it is revealed
	transcript    hash
	done          bool
}

// Answer takes the new device's first message, and returns the second one.
func Answer(rand io.Reader, first []byte) (*Old, []byte, error) {
	if _, err := parse(first, commitKind); err != nil {
		return nil, nil, err
	}
	nonce, err := drawNonce(rand)
	if err != nil {
		return nil, nil, err
	}
	second := (&message{Kind: nonceKind, Short: nonce}).marshal()
	return &Old{first: first, second: second}, second, nil
}

// Check takes the third message, and returns the words to compare. It fails with ErrChanged for a key that the new device did not
// commit to, and takes no other one then.
func (o *Old) Check(third []byte) ([]string, error) {
	if o.key != nil || o.done {
		return nil, errOrder
	}
	revealed, err := parse(third, revealKind)
	if err != nil {
		return nil, err
	}
	committed, err := parse(o.first, commitKind)
	if err != nil {
		return nil, err
	}
	if want := hashOf("commit", revealed.Key, revealed.Short); subtle.ConstantTimeCompare(want[:], committed.Short) != 1 {
		o.done = true
		return nil, fmt.Errorf("%w: the new device shows another key than it committed to", ErrChanged)
	}
	o.key = revealed.Key
	o.transcript = hashOf("transcript", o.first, o.second, third)
	return words(o.transcript), nil
}

// Seal returns the fourth message, with the contents for the new device. It must be called only after a person has compared the words
// and found them the same, and is called once.
func (o *Old) Seal(rand io.Reader, contents []byte) ([]byte, error) {
	if o.key == nil || o.done {
		return nil, errOrder
	}
	if len(contents) > maxContents {
		return nil, fmt.Errorf("sealing for the new device: %d bytes are too many", len(contents))
	}
	enc, key, err := identity.Export(o.key, exportInfo(o.transcript), exportContext, chacha20poly1305.KeySize)
	if err != nil {
		return nil, fmt.Errorf("sealing for the new device: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	o.done = true
	return (&message{Kind: contentsKind, Key: enc, Sealed: aead.Seal(nonce, nonce, contents, o.transcript[:])}).marshal(), nil
}
