package node

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/repair"
	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
	"github.com/phrledger/phr/ledger/tree"
)

// ErrDamaged is returned, wrapped, when the node's storage has lost or changed something. The node must not go on from it: Repair mends
// it.
var ErrDamaged = errors.New("the node's storage is damaged")

const (
	// treeDir is where the sealed copy of the log lies in the node's directory.
	treeDir = "tree"
	// keptFile has the newest checkpoint, or one a moment older, beside the log: the tree may be on a disk that is lost as a whole.
	keptFile = "checkpoint"
	// keepEvery is the least time between two writes of it.
	keepEvery = time.Second
)

// tree returns where the sealed copy of the log lies.
func (c *Config) tree() tree.Dir { return tree.Dir(cmp.Or(c.Tree, filepath.Join(c.Dir, treeDir))) }

// isSealed tells whether there is a tree already, or was one.
func isSealed(dir string, files tree.Dir) (bool, error) {
	if kept, err := readKept(dir); kept != nil || err != nil {
		return true, err
	}
	names, err := files.ReadDir(".")
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return slices.Contains(names, "checkpoint"), err
}

// readKept returns nil if the node has kept no checkpoint.
func readKept(dir string) ([]byte, error) {
	kept, err := os.ReadFile(filepath.Join(dir, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return kept, err
}

// verifier returns what verifies the node's checkpoints.
func (k *keys) verifier() (note.Verifier, error) {
	return tree.NewVerifier(tree.Origin(k.root), k.log.Public().(ed25519.PublicKey))
}

// checkStorage looks at what the node is to go on from before any of it is opened for writing. A server that starts on a damaged file
// cuts off what follows the damage, and can be busy with it for ever.
func (n *Node) checkStorage(files tree.Dir) error {
	lock, err := embedded.Lock(n.config.Dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	verifier, err := n.keys.verifier()
	if err != nil {
		return err
	}
	store, err := tree.Open(files, verifier)
	if err == nil {
		err = n.checkTree(store, verifier)
	}
	if err == nil {
		c, _ := store.Checkpoint()
		err = n.checkBlocks(c.Size)
	}
	if isDamage(err) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}

// checkBlocks looks for files of JetStream that can't be read through. What they end in may be an entry that was being written.
func (n *Node) checkBlocks(sealed uint64) error {
	for _, name := range []string{stream.LedgerName, stream.KeysName} {
		dir, err := embedded.StreamDir(n.config.Dir, name)
		if err != nil {
			return err
		}
		b, err := embedded.OpenBlocks(dir, func(stream.Entry) error { return nil })
		if err != nil {
			return err
		}
		for _, f := range b.Faults {
			if !f.Tail || name == stream.LedgerName && b.Last() < sealed {
				return fmt.Errorf("%w: %s can't be read", errBlock, f)
			}
		}
	}
	return nil
}

// errBlock says that a file of JetStream is damaged.
var errBlock = errors.New("a block of JetStream is damaged")

// checkTree compares the tree with the checkpoint that was kept beside the log: a tree that is lost, or older, is not begun anew.
func (n *Node) checkTree(store *tree.Store, verifier note.Verifier) error {
	signed, err := readKept(n.config.Dir)
	if signed == nil || err != nil {
		return err
	}
	kept, err := tree.OpenCheckpoint(signed, verifier)
	if err != nil {
		n.config.Log.Warn("kept_checkpoint_damaged", "error", err) // it is a copy, and is written anew
		return nil
	}
	newest, _ := store.Checkpoint()
	if newest.Size < kept.Size {
		return fmt.Errorf("%w: the tree has %d entries, and %d were sealed", tree.ErrDamaged, newest.Size, kept.Size)
	}
	proof, _, err := store.Consistency(kept.Size)
	if err != nil {
		return err
	}
	return newest.Extends(kept, proof)
}

// keepCheckpoint keeps the newest checkpoint beside the log while the tree grows.
func (n *Node) keepCheckpoint(ctx context.Context) error {
	var size uint64
	for {
		if err := n.sealer.Wait(ctx, size+1); err != nil {
			return ctx.Err()
		}
		c, signed := n.sealer.Tree().Checkpoint()
		if err := writeFile(filepath.Join(n.config.Dir, keptFile), signed, 0o600); err != nil {
			n.config.Log.Error("checkpoint_not_kept", "error", err)
		}
		size = c.Size
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(keepEvery):
		}
	}
}

// sayIncidents logs what was repaired before this start. If we were to crash between saying and forgetting, it would be said twice.
func (n *Node) sayIncidents(ctx context.Context) error {
	if n.incidents == nil {
		return nil
	}
	for _, text := range n.incidents {
		if err := n.say(ctx, n.keys.node, ledger.NodeChain(n.keys.node.GID()), &ledger.Incident{Text: text}); err != nil {
			return fmt.Errorf("logging a repair: %w", err)
		}
	}
	return repair.Said(n.config.Dir)
}

// isDamage tells whether an error says that the storage is not what it was.
func isDamage(err error) bool {
	var gap *stream.GapError
	return errors.Is(err, errBlock) || errors.Is(err, sealer.ErrForked) || errors.Is(err, tree.ErrDamaged) || errors.Is(err, tree.ErrNotProven) || errors.As(err, &gap)
}

// RepairOptions are what a repair may be told. The zero value is ready.
type RepairOptions struct {
	Checkpoint []byte               // signed, one that somebody else has kept: a client or a witness
	Progress   func(entries uint64) // called now and then with how many have been looked at; nil for none

	interrupt func(step string) error // ends a repair before a step; nil but in tests
}

// Scrub looks at everything that the node in c.Dir keeps, and says what is damaged. The node must not be running; nothing is written.
func Scrub(ctx context.Context, c Config, o RepairOptions) (*repair.Report, error) {
	r, err := c.repair(o)
	if err != nil {
		return nil, err
	}
	return repair.Scrub(ctx, r)
}

// Repair is Scrub that mends what is damaged from what is whole. The next start says so in the log.
func Repair(ctx context.Context, c Config, o RepairOptions) (*repair.Report, error) {
	r, err := c.repair(o)
	if err != nil {
		return nil, err
	}
	return repair.Run(ctx, r)
}

// repair returns what package repair needs to know of the node.
func (c *Config) repair(o RepairOptions) (r repair.Config, err error) {
	root, err := pinnedRoot(c.Dir)
	if err == nil && root == "" {
		err = fmt.Errorf("it has no %s", urlFile)
	}
	if err != nil {
		return r, fmt.Errorf("%s is not the directory of a node: %w", c.Dir, err)
	}
	k, err := openKeys(c.Dir, true)
	if err != nil {
		return r, err
	}
	r = repair.Config{Dir: c.Dir, Tree: string(c.tree()), Root: root, Log: k.log, Seen: o.Checkpoint, Now: c.Now, Progress: o.Progress, Interrupt: o.interrupt}
	if r.Now == nil {
		r.Now = time.Now
	}
	if r.Kept, err = readKept(c.Dir); err != nil {
		return r, err
	}
	r.Key, err = k.verifier()
	return r, err
}
