package tree

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// ErrNotProven is returned, wrapped, for a checkpoint or a proof that does not hold. What it was to prove must not be believed.
var ErrNotProven = errors.New("not proven")

// MaxSize is the largest size of a tree that is believed.
const MaxSize = 1 << 48

// Checkpoint is what a log commits to: a tree over its first Size entries. See C2SP tlog-checkpoint.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   ledger.Hash
}

// empty returns the checkpoint of a log without entries, whose root is the hash of nothing (RFC 6962, section 2.1).
func empty(origin string) Checkpoint {
	return Checkpoint{Origin: origin, Root: sha256.Sum256(nil)}
}

// Origin returns the name of the log whose nodes the root describes, which is also the name of its key.
func Origin(root identity.GID) string { return "phr/" + string(root) }

// NewVerifier returns what verifies the checkpoints of the log with this origin and key.
func NewVerifier(origin string, key ed25519.PublicKey) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(origin, key)
	if err != nil {
		return nil, fmt.Errorf("reading the log's key: %w", err)
	}
	return note.NewVerifier(text)
}

// VerifierKey returns the log's key as others write it: C2SP signed-note calls it a vkey.
func VerifierKey(origin string, key ed25519.PublicKey) (string, error) {
	return note.NewEd25519VerifierKey(origin, key)
}

// signer signs checkpoints.
type signer struct {
	note.Verifier
	key ed25519.PrivateKey
}

// Sign implements note.Signer.
func (s signer) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.key, text), nil }

// NewSigner returns what signs the checkpoints of the log with this origin. The key signs nothing else.
func NewSigner(origin string, key ed25519.PrivateKey) (note.Signer, error) {
	verifier, err := NewVerifier(origin, key.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return signer{verifier, key}, nil
}

// Sign returns the signed note of the checkpoint.
func (c Checkpoint) Sign(s note.Signer) ([]byte, error) {
	text := log.Checkpoint{Origin: c.Origin, Size: c.Size, Hash: c.Root[:]}.Marshal()
	signed, err := note.Sign(&note.Note{Text: string(text)}, s)
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	return signed, nil
}

// OpenCheckpoint returns the checkpoint in a signed note of the log that the verifier knows. It fails with ErrNotProven.
// Cosignatures of others are not looked at.
func OpenCheckpoint(signed []byte, v note.Verifier) (Checkpoint, error) {
	parsed, _, opened, err := log.ParseCheckpoint(signed, v.Name(), v)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: %w", ErrNotProven, err)
	}
	if len(parsed.Hash) != len(ledger.Hash{}) || parsed.Size > MaxSize || opened.Text != string(parsed.Marshal()) {
		return Checkpoint{}, fmt.Errorf("checkpoint %w: it is not in the form that this version of phr knows", ErrNotProven)
	}
	return Checkpoint{Origin: parsed.Origin, Size: parsed.Size, Root: ledger.Hash(parsed.Hash)}, nil
}

// tree returns the checkpoint's tree.
func (c Checkpoint) tree() tlog.Tree { return tlog.Tree{N: int64(c.Size), Hash: tlog.Hash(c.Root)} }

// Extends checks a proof that the tree of c extends the one of an earlier checkpoint of the same log (RFC 6962, section 2.1.2). It
// fails with ErrNotProven. Every tree extends the empty one.
func (c Checkpoint) Extends(earlier Checkpoint, proof []ledger.Hash) error {
	if earlier.Size == 0 {
		return nil
	}
	if c.Origin != earlier.Origin || c.Size < earlier.Size {
		return fmt.Errorf("%w: a tree of %s with %d entries does not extend one of %s with %d", ErrNotProven, c.Origin, c.Size, earlier.Origin, earlier.Size)
	}
	if c.Size == earlier.Size {
		if c.Root != earlier.Root {
			return fmt.Errorf("%w: two trees of %d entries, %s and %s", ErrNotProven, c.Size, earlier.Root, c.Root)
		}
		return nil
	}
	if err := tlog.CheckTree(toTlog(proof), int64(c.Size), tlog.Hash(c.Root), int64(earlier.Size), tlog.Hash(earlier.Root)); err != nil {
		return fmt.Errorf("%w: the tree of %d entries does not extend the one of %d: %w", ErrNotProven, c.Size, earlier.Size, err)
	}
	return nil
}

// Includes checks a proof that an encoded entry has its place in the tree of c (RFC 6962, section 2.1.1). It fails with ErrNotProven.
func (c Checkpoint) Includes(index uint64, entry []byte, proof []ledger.Hash) error {
	if index >= c.Size {
		return fmt.Errorf("%w: entry %d is not among the first %d", ErrNotProven, index+1, c.Size)
	}
	if err := tlog.CheckRecord(toTlog(proof), int64(c.Size), tlog.Hash(c.Root), int64(index), hashOf(entry)); err != nil {
		return fmt.Errorf("%w: entry %d: %w", ErrNotProven, index+1, err)
	}
	return nil
}
