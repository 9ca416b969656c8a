package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

const (
	// scrubEvery is how long a look at everything takes: slow, so that nobody waits for it.
	scrubEvery = 24 * time.Hour
	// scrubWidth is how many entries are looked at together.
	scrubWidth = 256
)

// damages are what the scrub has found, each once.
type damages struct {
	mu    sync.Mutex
	texts []string
}

// add tells whether a damage is new.
func (d *damages) add(text string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if slices.Contains(d.texts, text) {
		return false
	}
	d.texts = append(d.texts, text)
	return true
}

func (d *damages) list() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.texts)
}

// scrub compares the log with the tree, and the erasable parts with their hashes, over and over. The fold holds what was read at the
// start, so the node goes on with what it finds damaged; the next start refuses to, until it is repaired.
func (n *Node) scrub(ctx context.Context) error {
	every := n.config.scrubEvery
	if every == 0 {
		every = scrubEvery
	}
	for {
		if err := n.scrubParts(ctx); err != nil && ctx.Err() == nil {
			n.config.Log.Warn("scrub_failed", "error", err)
		}
		size := n.sealer.Status().Size
		pause := every / time.Duration(size/scrubWidth+1)
		for from := uint64(0); from == 0 || from < size; from += scrubWidth {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(pause):
			}
			if err := n.scrubEntries(ctx, from); err != nil && ctx.Err() == nil {
				n.config.Log.Warn("scrub_failed", "error", err)
			}
		}
	}
}

var errEnough = errors.New("enough")

// scrubEntries looks at the entries from an index on.
func (n *Node) scrubEntries(ctx context.Context, from uint64) error {
	err := n.sealer.Tree().Entries(from, func(index uint64, entry []byte) error {
		if index == from+scrubWidth {
			return errEnough
		}
		e, ok, err := n.server.Ledger().Entry(ctx, index+1)
		switch {
		case err != nil:
			return err
		case !ok:
			n.damaged(ctx, fmt.Sprintf("entry %d of the log is missing, or can't be read", index+1))
		case tree.Leaf(e.Data) != tree.Leaf(entry):
			n.damaged(ctx, fmt.Sprintf("entry %d of the log is not the one that was sealed", index+1))
		}
		return nil
	})
	switch {
	case errors.Is(err, tree.ErrDamaged):
		n.damaged(ctx, fmt.Sprintf("the tree, entries %d to %d: %v", from+1, from+scrubWidth, err))
		return nil
	case errors.Is(err, errEnough):
		return nil
	}
	return err
}

// scrubParts looks for the parts that the log names.
func (n *Node) scrubParts(ctx context.Context) error {
	whole := make(map[string]bool)
	err := n.server.Ledger().Parts(ctx, "key.>", func(p stream.Part) error {
		hash := ledger.Hash(sha256.Sum256(p.Data))
		whole[p.Subject] = strings.HasSuffix(p.Subject, "."+hash.String())
		return nil
	})
	if err != nil {
		return err
	}
	var gone []string
	n.fold.View(func(s *ledger.State) {
		named, spent := s.NamedParts()
		for subject := range named {
			if !spent[subject] && !whole[subject] {
				gone = append(gone, subject)
			}
		}
	})
	slices.Sort(gone)
	for _, subject := range gone {
		// It may have been stored and named, or have become obsolete, since the list was made.
		data, err := n.server.Ledger().Part(ctx, subject)
		hash := ledger.Hash(sha256.Sum256(data))
		if err == nil && strings.HasSuffix(subject, "."+hash.String()) {
			continue
		}
		if err != nil && !errors.Is(err, stream.ErrNotFound) {
			return err
		}
		var spent map[string]bool
		var named map[string]bool
		n.fold.View(func(s *ledger.State) { named, spent = s.NamedParts() })
		if named[subject] && !spent[subject] {
			n.damaged(ctx, fmt.Sprintf("the part %s, which the log names, is missing, or can't be read", subject))
		}
	}
	return nil
}

// damaged says once what was found: in the node's own log, on the ledger, and to who asks for the node's health.
func (n *Node) damaged(ctx context.Context, text string) {
	if !n.scrubbed.add(text) {
		return
	}
	n.config.Log.Error("scrub_damaged", "what", text)
	if err := n.say(ctx, n.keys.node, ledger.NodeChain(n.keys.node.GID()), &ledger.Incident{Text: "found damaged: " + text}); err != nil {
		n.config.Log.Error("incident_unsaid", "error", err)
	}
}
