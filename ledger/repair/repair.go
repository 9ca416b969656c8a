// Package repair finds out what is damaged in the directory of a node that does not run, and mends it from what is whole. The log is
// kept twice, in JetStream and in the tree, and each can be made again from the other: entry by entry, if both are damaged in different
// places. What is made has to lead to the newest checkpoint that is known, so that a repair can't become another history.
//
// What is damaged is moved aside and never deleted. What replaces it is made beside it, and renamed into place by a plan that is on
// disk before: if we were to crash at any point, running the repair again finishes it or starts it anew.
//
// # What can't be mended here
//
// Entries that were acknowledged and not yet sealed, and are gone from JetStream: they come back from the outboxes of those who wrote
// them. Erasable key material has no second copy, on purpose: what is gone is listed.
package repair

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/ledger/tree"
)

// ErrForked is returned, wrapped, when what there is does not lead to a checkpoint that is known: entries were changed, and not by
// chance alone. Nothing is repaired then.
var ErrForked = errors.New("the log is not the one that was sealed")

// ErrLost is returned, wrapped, when sealed entries are in neither copy of the log.
var ErrLost = errors.New("sealed entries are gone from both copies of the log")

// ErrUnknown is returned, wrapped, when the tree is damaged and no checkpoint is known that a new one could be compared with.
var ErrUnknown = errors.New("no checkpoint is known that the tree could be made anew by")

// Config says what to look at. All fields but Kept, Seen and Progress are required.
type Config struct {
	Dir  string             // of the node
	Tree string             // directory of the sealed copy of the log, and of the second copies of parts
	Root identity.GID       // whose word describes the node
	Key  note.Verifier      // of checkpoints
	Log  ed25519.PrivateKey // signs checkpoints

	Kept     []byte               // the checkpoint that the node has kept beside the log; nil if there is none
	Seen     []byte               // one that somebody else has kept; nil for none
	Now      func() time.Time     // names what is moved aside
	Progress func(entries uint64) // called now and then with how many entries have been looked at; nil for none

	Interrupt func(step string) error // ends a repair before a step; nil but in tests
}

// Scrub says what is damaged. Nothing is written, and no entry that is read is believed without its hash.
func Scrub(ctx context.Context, c Config) (*Report, error) {
	release, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	s, err := look(ctx, c)
	if err != nil {
		return nil, err
	}
	return s.report, nil
}

// Run finds out what is damaged and mends it. With an error nothing of the node's storage has changed, or running it again goes on.
func Run(ctx context.Context, c Config) (*Report, error) {
	release, err := c.lock()
	if err != nil {
		return nil, err
	}
	defer release()
	finished, err := c.finish()
	if err != nil {
		return nil, fmt.Errorf("finishing an earlier repair: %w", err)
	}
	s, err := look(ctx, c)
	if err != nil {
		return nil, err
	}
	if finished {
		s.done("a repair that was interrupted has been finished")
	}
	if n := len(s.report.Lost); n > 0 && s.report.Lost[0].From <= s.sealed.Size {
		return s.report, fmt.Errorf("%w: %s", ErrLost, s.report.Lost[0])
	}
	if err := s.mend(ctx); err != nil {
		return s.report, fmt.Errorf("repairing: %w", err)
	}
	return s.report, nil
}

// lock keeps nodes, and other repairs, away.
func (c *Config) lock() (release func(), _ error) {
	lock, err := embedded.Lock(c.Dir)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Close() }, nil // it holds nothing
}

func (c *Config) step(name string) error {
	if c.Interrupt == nil {
		return nil
	}
	return c.Interrupt(name)
}

// making is the name of directories in which something is made.
const making = "repairing"

// mend makes what is damaged anew, and moves it into place.
func (s *survey) mend(ctx context.Context) error {
	for _, dir := range []string{s.streams(), s.Tree} { // of a repair that was interrupted
		if err := os.RemoveAll(filepath.Join(dir, making)); err != nil {
			return err
		}
	}
	p, err := readPlan(s.Dir) // what the node has not said yet
	if err != nil {
		return err
	}
	aside := "damaged-" + s.Now().UTC().Format("20060102T150405Z")
	if s.report.damaged(Tree) {
		if err := s.makeTree(ctx); err != nil {
			return err
		}
		for _, name := range []string{"tile", "checkpoint"} { // the checkpoint last: without it there is no tree
			p.replace(filepath.Join(s.Tree, name), filepath.Join(s.Tree, making, name), filepath.Join(s.Tree, aside))
		}
		s.done("the tree was made anew from the log: %d entries, which lead to the newest checkpoint known", s.sealed.Size)
	}
	if s.report.damaged(Log) || s.report.damaged(Keys) {
		if err := s.makeStreams(ctx, &p, aside); err != nil {
			return err
		}
	}
	if s.report.damaged(Kept) {
		s.done("the checkpoint beside the log is written anew when the node starts")
	}
	if len(p.Moves) == 0 {
		return nil
	}
	p.Incidents = append(p.Incidents, s.incident())
	s.report.Aside = p.asides()
	if err := s.step("plan"); err != nil {
		return err
	}
	if err := p.write(s.Dir); err != nil {
		return err
	}
	_, err = s.finish()
	return err
}

func (s *survey) done(format string, args ...any) {
	s.report.Done = append(s.report.Done, fmt.Sprintf(format, args...))
}

// streams is where the server keeps what it has.
func (c *Config) streams() string { return filepath.Join(c.Dir, "jetstream") }

// incident is what the log says of the repair.
func (s *survey) incident() string {
	const most = 8 // findings that are spelled out
	var found []string
	for _, f := range s.report.Findings[:min(most, len(s.report.Findings))] {
		if f.Path != "" {
			f.Path = filepath.Base(f.Path)
		}
		found = append(found, f.String())
	}
	if n := len(s.report.Findings); n > most {
		found = append(found, fmt.Sprintf("and %d more", n-most))
	}
	text := "repaired: found " + strings.Join(found, "; ") + ". Done: " + strings.Join(s.report.Done, "; ")
	for _, r := range s.report.Lost {
		text += fmt.Sprintf(". Gone: %s", r)
	}
	if n := len(s.report.Parts); n > 0 {
		text += fmt.Sprintf(". Gone: %d parts of key material", n)
	}
	for _, dir := range []string{s.Tree, s.Dir} { // where they are is nobody's business
		text = strings.ReplaceAll(text, dir+string(filepath.Separator), "")
	}
	return text
}

// makeTree makes the tree of all sealed entries, which must lead to the newest checkpoint.
func (s *survey) makeTree(ctx context.Context) error {
	if s.sealed.Size == 0 {
		return ErrUnknown
	}
	if err := s.step("tree"); err != nil {
		return err
	}
	if err := os.MkdirAll(s.Tree, 0o700); err != nil {
		return err
	}
	signer, err := tree.NewSigner(s.Key.Name(), s.Log)
	if err != nil {
		return err
	}
	store, err := tree.OpenSealer(tree.Dir(filepath.Join(s.Tree, making)), s.Key)
	if err != nil {
		return err
	}
	defer store.Close()
	// The checkpoints on the way are never shown: only the one that was signed before leaves this directory.
	sign := func(c tree.Checkpoint) ([]byte, error) {
		switch {
		case c.Size < s.sealed.Size:
			return c.Sign(signer)
		case c != s.sealed:
			return nil, fmt.Errorf("%w: its first %d entries do not lead to the checkpoint of so many", ErrForked, c.Size)
		}
		return s.signed, nil
	}
	var batch [][]byte
	bytes := 0
	err = s.walk(ctx, func(seq uint64, data []byte, _ bool) error {
		if seq > s.sealed.Size {
			return errEnough
		}
		batch, bytes = append(batch, slices.Clone(data)), bytes+len(data)
		if seq < s.sealed.Size && len(batch) < batchWidth && bytes < batchBytes {
			return nil
		}
		err := store.Append(batch, sign)
		batch, bytes = nil, 0
		return err
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return extends(store, s.known)
}
