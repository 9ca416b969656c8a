package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
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

// scrub compares the log with the tree, and the erasable parts with their hashes, over and over. It reads the files themselves, since
// the server answers from memory where it can. The fold holds what was read at the start, so the node goes on with what it finds
// damaged; the next start refuses to, until it is repaired.
func (n *Node) scrub(ctx context.Context) error {
	every := n.config.scrubEvery
	if every == 0 {
		every = scrubEvery
	}
	for ctx.Err() == nil {
		size := n.sealer.Status().Size
		p := pass{Node: n, size: size, next: 1, pause: every / time.Duration(size/scrubWidth+2)}
		err := errors.Join(p.parts(ctx), p.wait(ctx), p.log(ctx))
		if err != nil && ctx.Err() == nil {
			n.config.Log.Warn("scrub_failed", "error", err)
		}
	}
	return ctx.Err()
}

// pass is one look at everything.
type pass struct {
	*Node
	size  uint64 // of the tree at its beginning
	pause time.Duration
	next  uint64                         // sequence of the entry that should come
	block map[uint64][tree.LeafSize]byte // the leaves of those that are looked at together, by their sequences; zero where the tree is damaged
}

func (p *pass) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(p.pause):
		return nil
	}
}

// log compares all entries that are sealed with the tree.
func (p *pass) log(ctx context.Context) error {
	dir, err := embedded.StreamDir(p.config.Dir, stream.LedgerName)
	if err != nil {
		return err
	}
	_, err = embedded.OpenBlocks(dir, func(e stream.Entry) error { return p.entry(ctx, e) })
	if err == nil {
		p.missing(ctx, p.size+1)
	}
	return err
}

func (p *pass) entry(ctx context.Context, e stream.Entry) error {
	if e.Seq > p.size {
		return nil
	}
	p.missing(ctx, e.Seq)
	p.next = e.Seq + 1
	leaf, ok := p.block[e.Seq]
	if !ok {
		if err := p.wait(ctx); err != nil {
			return err
		}
		p.readTree(ctx, (e.Seq-1)/scrubWidth*scrubWidth)
		leaf = p.block[e.Seq]
	}
	if unknown := leaf == [tree.LeafSize]byte{}; !unknown && leaf != tree.Leaf(e.Data) {
		p.damaged(ctx, fmt.Sprintf("entry %d of the log is not the one that was sealed", e.Seq))
	}
	return nil
}

// missing says that the entries before one have not come.
func (p *pass) missing(ctx context.Context, seq uint64) {
	if p.next < seq {
		p.damaged(ctx, fmt.Sprintf("entries %d to %d of the log are missing, or can't be read", p.next, seq-1))
	}
}

var errEnough = errors.New("enough")

// readTree reads the sealed entries that are looked at together, from an index on.
func (p *pass) readTree(ctx context.Context, from uint64) {
	p.block = make(map[uint64][tree.LeafSize]byte, scrubWidth)
	err := p.sealer.Tree().Entries(from, func(index uint64, entry []byte) error {
		if index == from+scrubWidth {
			return errEnough
		}
		p.block[index+1] = tree.Leaf(entry)
		return nil
	})
	if err == nil || errors.Is(err, errEnough) || len(p.block) == scrubWidth {
		return
	}
	p.damaged(ctx, fmt.Sprintf("the tree, entries %d to %d: %v", from+1, from+scrubWidth, err))
	for seq := from + 1; seq <= from+scrubWidth; seq++ {
		p.block[seq] = [tree.LeafSize]byte{}
	}
}

// parts looks for the parts that the log names. One that is not there when it is looked for a second time is gone.
func (p *pass) parts(ctx context.Context) error {
	gone, err := p.goneParts(nil)
	if err == nil && len(gone) > 0 {
		gone, err = p.goneParts(gone)
	}
	for _, subject := range slices.Sorted(maps.Keys(gone)) {
		p.damaged(ctx, fmt.Sprintf("the part %s, which the log names, is missing, or can't be read", subject))
	}
	return err
}

// goneParts returns the parts that the log names and no file holds, of some or of all.
func (p *pass) goneParts(of map[string]bool) (map[string]bool, error) {
	dir, err := embedded.StreamDir(p.config.Dir, stream.KeysName)
	if err != nil {
		return nil, err
	}
	gone := make(map[string]bool)
	p.fold.View(func(s *ledger.State) {
		named, spent := s.NamedParts()
		for subject := range named {
			if !spent[subject] && (of == nil || of[subject]) {
				gone[subject] = true
			}
		}
	})
	_, err = embedded.OpenBlocks(dir, func(e stream.Entry) error {
		hash := ledger.Hash(sha256.Sum256(e.Data))
		if strings.HasSuffix(e.Subject, "."+hash.String()) {
			delete(gone, e.Subject)
		}
		return nil
	})
	return gone, err
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
