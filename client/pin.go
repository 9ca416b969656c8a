package client

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
)

// lookEvery is how often a client looks whether the log goes on from what was seen of it, while it works.
const lookEvery = 5 * time.Minute

// pin is the newest checkpoint of a node's log that was seen from this home. The log has to go on from it for ever.
type pin struct {
	tree.Checkpoint
	key  [32]byte // of the log
	note []byte   // signed by it; nil if none was seen
}

// pinRecord is a pin as it is kept at home.
type pinRecord struct {
	Root identity.GID `cbor:"1,keyasint"`
	Key  [32]byte     `cbor:"2,keyasint"`
	Note []byte       `cbor:"3,keyasint"`
}

const pinPrefix = "log-"

func pinFile(root identity.GID) string {
	hash := sha256.Sum256([]byte("phr/log\x00" + string(root)))
	return pinPrefix + hex.EncodeToString(hash[:16])
}

// pin returns the newest checkpoint that was seen of the log whose nodes a root describes.
func (h *Home) pin(root identity.GID) (pin, error) {
	contents, err := h.read(pinFile(root))
	if errors.Is(err, fs.ErrNotExist) {
		return pin{}, nil
	}
	var r pinRecord
	if err == nil {
		err = canonical.Unmarshal(contents, &r)
	}
	if err == nil && r.Root != root {
		err = errors.New("it is of another log")
	}
	p := pin{key: r.Key, note: r.Note}
	if err == nil {
		p.Checkpoint, err = openCheckpoint(root, r.Key, r.Note)
	}
	if err != nil {
		return pin{}, fmt.Errorf("reading the checkpoint of the log that was seen last: %w", err)
	}
	return p, nil
}

// setPin keeps a checkpoint in the place of the one before, and tells whether that was still there.
func (h *Home) setPin(ctx context.Context, root identity.GID, before, next pin) (bool, error) {
	if before.note != nil && before.Checkpoint == next.Checkpoint {
		return true, nil
	}
	release, err := h.lock(ctx, pinPrefix+"pin")
	if err != nil {
		return false, err
	}
	defer release()
	if now, err := h.pin(root); err != nil || now.Checkpoint != before.Checkpoint {
		return false, err
	}
	contents, err := canonical.Marshal(pinRecord{root, next.key, next.note})
	if err != nil {
		return false, err
	}
	return true, h.write(pinFile(root), contents)
}

func openCheckpoint(root identity.GID, key [32]byte, signed []byte) (tree.Checkpoint, error) {
	v, err := logKey(root, key)
	if err != nil {
		return tree.Checkpoint{}, err
	}
	return tree.OpenCheckpoint(signed, v)
}

func logKey(root identity.GID, key [32]byte) (note.Verifier, error) {
	return tree.NewVerifier(tree.Origin(root), ed25519.PublicKey(key[:]))
}

// look demands, unless that was done a moment ago, that the node's log goes on from what was seen of it.
func (c *Client) look(ctx context.Context) error {
	if err := c.looking.take(ctx); err != nil {
		return err
	}
	defer c.looking.give()
	now := c.config.Now()
	c.mu.Lock()
	due := now.Sub(c.looked) >= lookEvery
	c.mu.Unlock()
	if !due {
		return nil
	}
	if _, _, err := c.askCheckpoint(ctx); unprovable(err) != "" && ctx.Err() == nil {
		c.config.Log.Warn("log_unproven", "error", err)
		now = now.Add(unprovenFor - lookEvery) // what is read is marked, and it is asked again soon
	} else if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = now
	return nil
}

// askCheckpoint has the node show its newest checkpoint, and returns the whole answer with it.
func (c *Client) askCheckpoint(ctx context.Context) (at tree.Checkpoint, answer *protocol.Checkpoint, err error) {
	at, err = c.advance(ctx, func(since uint64) (_ []byte, _ []ledger.Hash, err error) {
		answer, err = ask[protocol.Checkpoint](ctx, c.guest, protocol.DirCheckpoint, protocol.CheckpointQuery{Since: since})
		if err != nil {
			return nil, nil, fmt.Errorf("asking the node for its log's checkpoint: %w", err)
		}
		return answer.Note, answer.Consistency, nil
	})
	return at, answer, err
}

// advance has the node prove that its log goes on from the newest checkpoint that was seen, and keeps the one that it shows. Ask brings
// that and the proof, since the size of a tree. It may be called again: another program of this home may have seen more meanwhile.
func (c *Client) advance(ctx context.Context, ask func(since uint64) ([]byte, []ledger.Hash, error)) (tree.Checkpoint, error) {
	for {
		before, err := c.home.pin(c.config.Node.Root)
		if err != nil {
			return tree.Checkpoint{}, err
		}
		key := c.Node().Log
		if key == [32]byte{} {
			return tree.Checkpoint{}, c.left.must(logStays, c.stays(before, "the node's description names no key of a log any more", nil))
		}
		signed, proof, err := ask(before.Size)
		if codeOf(err) == protocol.CodeNotFound && before.note != nil {
			signed, err = c.smaller(key, before, err, ask)
		}
		if err != nil {
			return tree.Checkpoint{}, err
		}
		next, err := c.judge(before, key, signed, proof)
		if err != nil || next.note == nil {
			return tree.Checkpoint{}, err
		}
		if kept, err := c.home.setPin(ctx, c.config.Node.Root, before, next); kept || err != nil {
			return next.Checkpoint, err
		}
	}
}

// smaller returns what a node shows that has no tree as large as the one that was seen. If it is larger after all, the node can't prove that it
// goes on from there, and says why.
func (c *Client) smaller(key [32]byte, before pin, why error, ask func(uint64) ([]byte, []ledger.Hash, error)) ([]byte, error) {
	signed, _, err := ask(0)
	if err != nil {
		return nil, err
	}
	if at, err := openCheckpoint(c.config.Node.Root, key, signed); err == nil && at.Size > before.Size {
		return nil, why
	}
	return signed, nil
}

// judge opens what a node shows as the newest checkpoint of its log, and holds it against the one that was seen before.
func (c *Client) judge(before pin, key [32]byte, signed []byte, proof []ledger.Hash) (pin, error) {
	if len(signed) == 0 {
		return pin{}, c.left.must(logStays, c.stays(before, "the node shows no checkpoint of its log any more", nil))
	}
	shown, err := openCheckpoint(c.config.Node.Root, key, signed)
	if err != nil {
		return pin{}, fmt.Errorf("the node's log: %w", err)
	}
	if err := c.left.must(logExtends, shown.Extends(before.Checkpoint, proof)); err != nil {
		return pin{}, c.stays(before, fmt.Sprintf("the node's log does not go on from what was seen of it before: %v", err), signed)
	}
	return pin{shown, key, signed}, nil
}

// stays returns the error for a log that is not what it was; nil if nothing was ever seen of it.
func (c *Client) stays(before pin, why string, shown []byte) error {
	if before.note == nil {
		return nil
	}
	e := &LogError{Why: why, Before: before.note, Shown: shown}
	if text, err := e.evidence(c.config.Node.Root, before.key, c.Node().Log); err != nil {
		c.config.Log.Error("evidence_unwritten", "error", err)
	} else if e.File, err = c.home.writeEvidence(text); err != nil {
		c.config.Log.Error("evidence_unwritten", "error", err)
	}
	return e
}

// LogError says that a node's log is not the one that was seen from this home before: it was set back, or two people are shown two
// logs. It wraps ErrLost. The two checkpoints, each signed with the log's key, prove it to anybody.
type LogError struct {
	Why           string
	Before, Shown []byte // signed notes; there is no second one if the node shows none
	File          string // with both of them, in the home; "" for a home that is in no directory
}

// Error says what happened and what to do.
func (e *LogError) Error() string {
	where := "the proof"
	if e.File != "" {
		where = "the proof, " + e.File + ","
	}
	return fmt.Sprintf("%s: %v; write nothing there, and give %s to its operator and to an auditor", e.Why, ErrLost, where)
}

// Unwrap makes it one of ErrLost.
func (e *LogError) Unwrap() error { return ErrLost }

// evidence returns both checkpoints as a text for whoever is to judge.
func (e *LogError) evidence(root identity.GID, before, now [32]byte) ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", e.Why)
	for _, shown := range []struct {
		when string
		key  [32]byte
		note []byte
	}{{"Seen before", before, e.Before}, {"Shown now", now, e.Shown}} {
		if shown.key == [32]byte{} || shown.note == nil {
			fmt.Fprintf(&b, "\n%s: nothing\n", shown.when)
			continue
		}
		key, err := tree.VerifierKey(tree.Origin(root), shown.key[:])
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n%s, by the key %s:\n\n%s", shown.when, key, shown.note)
	}
	return []byte(b.String()), nil
}

// writeEvidence writes a text that is no secret into the home, and returns the file's path; "" for a home that is in no directory. The same
// text goes into the same file.
func (h *Home) writeEvidence(text []byte) (string, error) {
	dir, ok := h.store.(directory)
	if !ok {
		return "", nil
	}
	hash := sha256.Sum256(text)
	name := "lost-" + hex.EncodeToString(hash[:8]) + ".txt"
	return dir.path(name), dir.Write(name, text)
}
