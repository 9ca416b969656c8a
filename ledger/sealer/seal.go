package sealer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
)

// seal opens the tree and follows the stream from its beginning: first against what is sealed, then sealing.
func (s *Sealer) seal(ctx context.Context) error {
	store, err := tree.OpenSealer(s.Files, s.Key)
	if err != nil {
		return err
	}
	defer store.Close()
	c, _ := store.Checkpoint()
	last, err := s.Ledger.LastSeq(ctx)
	if err != nil {
		return err
	}
	if last < c.Size {
		return fmt.Errorf("%w: it ends after %d entries, and %d are sealed", ErrForked, last, c.Size)
	}
	s.open(store)
	f := &following{Sealer: s, store: store, sealed: time.Now()}
	from := uint64(1)
	select {
	case <-s.compared: // by an earlier try
		from = c.Size + 1
	default:
		if c.Size == 0 {
			f.foundAll()
		}
	}
	return s.Ledger.Follow(ctx, from, nil, func(entries []stream.Entry, pending uint64) error { return f.take(ctx, entries, pending) })
}

// following is one reading of the stream.
type following struct {
	*Sealer
	store   *tree.Store
	waiting [][]byte // entries that are to be sealed
	bytes   int
	last    uint64    // sequence of the newest of them
	sealed  time.Time // when it was sealed last, or the tree was opened
}

// take compares or keeps the next entries, and seals what waits when there are no more for now or when it is enough.
func (f *following) take(ctx context.Context, entries []stream.Entry, pending uint64) error {
	c, _ := f.store.Checkpoint()
	old := min(len(entries), int(max(c.Size, f.before(entries))-f.before(entries)))
	if err := f.compare(entries[:old]); err != nil {
		return err
	}
	if old > 0 && entries[old-1].Seq == c.Size {
		f.foundAll()
	}
	for _, raw := range entries[old:] {
		if err := f.keep(raw); err != nil {
			return err
		}
		if len(f.waiting) == maxBatch || f.bytes > maxBytes {
			if err := f.flush(ctx); err != nil {
				return err
			}
		}
	}
	if pending > 0 || len(f.waiting) == 0 {
		return nil
	}
	return f.flush(ctx)
}

// before returns how many entries of the stream come before these.
func (f *following) before(entries []stream.Entry) uint64 {
	if len(entries) == 0 {
		return 0
	}
	return entries[0].Seq - 1
}

// foundAll says that the stream holds all that is sealed.
func (f *following) foundAll() {
	c, _ := f.store.Checkpoint()
	f.grown(c)
	select {
	case <-f.compared:
	default:
		close(f.compared)
	}
}

// errEnough ends a reading of leaves.
var errEnough = errors.New("enough")

// compare tells whether entries of the stream are those that were sealed.
func (f *following) compare(entries []stream.Entry) error {
	if len(entries) == 0 {
		return nil
	}
	next := 0
	err := f.store.Leaves(f.before(entries), func(index uint64, leaf [tree.LeafSize]byte) error {
		if tree.Leaf(entries[next].Data) != leaf {
			return fmt.Errorf("%w: entry %d is another", ErrForked, index+1)
		}
		if err := f.noteAnchor(entries[next]); err != nil {
			return err
		}
		if next++; next == len(entries) {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// keep checks an entry and puts it to those that are to be sealed. Its signature is judged by the fold, which flush waits for.
func (f *following) keep(raw stream.Entry) error {
	e, err := ledger.ParseEntry(raw.Data)
	switch {
	case err != nil:
		return fmt.Errorf("entry %d of the log can't be read: %w", raw.Seq, err)
	case e.Hash.String() != raw.ID:
		return fmt.Errorf("entry %d of the log is not the event that it was stored as, %s", raw.Seq, ledger.Clip(raw.ID))
	case e.Subject() != raw.Subject:
		return fmt.Errorf("entry %d of the log is stored under %s, which is not its own subject", raw.Seq, ledger.Clip(raw.Subject))
	}
	f.waiting, f.last = append(f.waiting, raw.Data), raw.Seq
	f.bytes += len(raw.Data)
	return f.noteAnchor(raw)
}

// flush seals what waits.
func (f *following) flush(ctx context.Context) error {
	if err := f.Fold.Wait(ctx, f.last); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(f.Pace - time.Since(f.sealed)):
	}
	err := f.store.Append(f.waiting, func(c tree.Checkpoint) ([]byte, error) {
		if c.Size != 0 && c.Size != f.last { // the empty tree is signed before the first entry
			return nil, fmt.Errorf("%w: entry %d would be the tree's entry %d", ErrForked, f.last, c.Size)
		}
		return c.Sign(f.Signer)
	})
	if err != nil {
		return err
	}
	f.waiting, f.bytes, f.sealed = nil, 0, time.Now()
	c, _ := f.store.Checkpoint()
	f.grown(c)
	return nil
}
