package witness

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what a log says its tree is, by the page of C2SP on tlog-checkpoint.
type Checkpoint struct {
	Origin string // the log's name
	Size   uint64 // at most 2^63 − 1
	Root   tlog.Hash
}

// emptyRoot is the root of a tree without leaves.
var emptyRoot = tlog.Hash(sha256.Sum256(nil))

// parseCheckpoint reads the text of a checkpoint, all but its extension lines.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return Checkpoint{}, errors.New("a checkpoint has three lines: origin, size and root")
	}
	for _, line := range lines {
		if line == "" {
			return Checkpoint{}, errors.New("a checkpoint has no empty lines")
		}
	}
	size, err := parseSize(lines[1])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's size: %w", err)
	}
	root, err := parseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("the checkpoint's root: %w", err)
	}
	return Checkpoint{lines[0], size, root}, nil
}

// unverified reads the checkpoint in a signed note without looking at who has signed it.
func unverified(signed []byte) (Checkpoint, string, error) {
	_, err := note.Open(signed, nil)
	var none *note.UnverifiedNoteError
	if !errors.As(err, &none) {
		return Checkpoint{}, "", err
	}
	c, err := parseCheckpoint(none.Note.Text)
	return c, none.Note.Text, err
}

// extends tells whether a proof shows that a tree begins with all of an older one, which is smaller or the same.
func (c Checkpoint) extends(old Checkpoint, proof []tlog.Hash) bool {
	if old.Size == 0 || old == c {
		return len(proof) == 0
	}
	return tlog.CheckTree(proof, int64(c.Size), c.Root, int64(old.Size), old.Root) == nil
}

// parseSize reads the one way in which a number of leaves is written.
func parseSize(s string) (uint64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || strconv.FormatUint(n, 10) != s {
		return 0, fmt.Errorf("%q is not a number of leaves", s)
	}
	return n, nil
}

// parseHash reads the one way in which a hash is written.
func parseHash(s string) (tlog.Hash, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != tlog.HashSize || base64.StdEncoding.EncodeToString(b) != s {
		return tlog.Hash{}, fmt.Errorf("%q is not a hash in base 64", s)
	}
	return tlog.Hash(b), nil
}
