package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

const (
	tileWidth = 256
	// maxEntry is the longest entry that a directory of tiles may claim to hold.
	maxEntry = 1 << 20
)

// Tiles is a log's tree in a directory, as C2SP tlog-tiles has it, with the entries themselves beside it.
type Tiles struct {
	dir    string
	signed []byte
	tree   Tree // that the checkpoint names, whoever signed it
}

// OpenTiles opens a directory of tiles. Only what its checkpoint covers as it is now is looked at: what follows is not committed to.
func OpenTiles(dir string) (*Tiles, error) {
	signed, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not the directory of a tree: it has no checkpoint", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("opening a tree: %w", err)
	}
	t := &Tiles{dir: dir, signed: signed}
	_, t.tree, _ = unverified(signed) // of what is none nothing is looked at, and the audit says so
	return t, nil
}

// Log is a Source: the entries that lie beside the tiles. Where they end too early is a *stream.GapError.
func (t *Tiles) Log(ctx context.Context, fn func([]stream.Entry) error) error {
	for from := uint64(0); from < t.tree.Size; from += tileWidth {
		if err := ctx.Err(); err != nil {
			return err
		}
		var batch []stream.Entry
		read := t.data(from/tileWidth, int(min(t.tree.Size-from, tileWidth)), func(i int, data []byte) {
			batch = append(batch, stream.Entry{Seq: from + uint64(i) + 1, Data: data})
		})
		if len(batch) > 0 {
			if err := fn(batch); err != nil {
				return err
			}
		}
		if read != nil {
			return fmt.Errorf("reading the entries beside the tiles: %w: %w", read, &stream.GapError{Want: from + uint64(len(batch)) + 1, Last: t.tree.Size})
		}
	}
	return nil
}

// data reads the entries of a bundle, and calls fn with each. An error says why fewer are there than are covered.
func (t *Tiles) data(n uint64, width int, fn func(i int, data []byte)) error {
	f, err := os.Open(t.path("data", n))
	if err != nil {
		return err
	}
	defer f.Close()
	r := bufio.NewReader(f)
	for i := range width {
		var length [4]byte
		if _, err := io.ReadFull(r, length[:]); err != nil {
			return fmt.Errorf("%s has %d of %d entries", f.Name(), i, width)
		}
		size := binary.BigEndian.Uint32(length[:])
		if size > maxEntry {
			return fmt.Errorf("%s names %d bytes as the length of entry %d", f.Name(), size, i)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(r, data); err != nil {
			return fmt.Errorf("%s has %d of %d entries", f.Name(), i, width)
		}
		fn(i, data)
	}
	return nil
}

// read returns the first width units of a tile, which may lie there as a whole one by now.
func (t *Tiles) read(level string, n uint64, width, unit int) ([]byte, error) {
	name := t.path(level, n)
	if width < tileWidth {
		if b, err := readFile(filepath.Join(name+".p", strconv.Itoa(width)), width*unit); !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	b, err := readFile(name, tileWidth*unit)
	return b[:min(len(b), width*unit)], err
}

// readFile reads a file that has a given size.
func readFile(name string, size int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(size)+1))
	if err == nil && len(b) != size {
		err = fmt.Errorf("%s is not %d bytes long", name, size)
	}
	return b, err
}

// path returns the name of a whole tile: its number stands there in threes of digits, all but the last after an x.
func (t *Tiles) path(level string, n uint64) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n /= 1000; n > 0; n /= 1000 {
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	return filepath.Join(t.dir, "tile", level, filepath.FromSlash(name))
}

// tiling compares tiles with a log as it passes.
type tiling struct {
	*Tiles
	expect func(c check, about string, right bool, f Finding)

	done    uint64
	digests []ledger.Hash   // of the bundle that is being filled
	levels  [][]ledger.Hash // of the tiles that are being filled
}

// add takes the next entry of the log.
func (t *tiling) add(l leaf) {
	if t.done >= t.tree.Size {
		return
	}
	t.done++
	t.digests = append(t.digests, l.digest)
	t.push(0, l.hash)
	if t.done == t.tree.Size {
		t.finish()
	}
}

// push adds a hash to the tile of a level. A full one is compared, and is a hash of the level above.
func (t *tiling) push(level int, hash ledger.Hash) {
	if level == len(t.levels) {
		t.levels = append(t.levels, nil)
	}
	t.levels[level] = append(t.levels[level], hash)
	if len(t.levels[level]) < tileWidth {
		return
	}
	t.compare(level)
	var whole span
	for _, h := range t.levels[level] {
		whole.add(h)
	}
	t.levels[level] = t.levels[level][:0]
	t.push(level+1, whole.root())
}

// finish compares the tiles at the edge.
func (t *tiling) finish() {
	for level, hashes := range t.levels {
		if len(hashes) > 0 {
			t.compare(level)
		}
	}
}

// file is a file of the tree whose places are about so many entries each, from the first on.
type file struct {
	check       check
	level       string
	n           uint64
	first, each uint64
}

// compare compares the tile that has been filled on a level, and beside the lowest level the bundle and the entries.
func (t *tiling) compare(level int) {
	n := (t.done>>(8*level) - 1) / tileWidth
	f := file{checkTiles, strconv.Itoa(level), n, n<<(8*(level+1)) + 1, 1 << (8 * level)}
	t.compareHashes(f, t.levels[level])
	if level > 0 {
		return
	}
	f.check, f.level = checkBundles, "entries"
	t.compareHashes(f, t.digests, 0, byte(len(ledger.Hash{})))
	f.check, f.level = checkData, "data"
	right := 0
	err := t.data(n, len(t.digests), func(i int, data []byte) {
		if right == i && leafOf(data).digest == t.digests[i] {
			right++
		}
	})
	t.compared(f, right, len(t.digests), err)
	t.digests = t.digests[:0]
}

// compareHashes compares a file that holds hashes, each after the same few bytes.
func (t *tiling) compareHashes(f file, want []ledger.Hash, before ...byte) {
	unit := len(before) + len(ledger.Hash{})
	b, err := t.read(f.level, f.n, len(want), unit)
	right := 0
	for right < len(want) && len(b) >= unit && bytes.Equal(b[:unit], append(before[:len(before):len(before)], want[right][:]...)) {
		b = b[unit:]
		right++
	}
	t.compared(f, right, len(want), err)
}

// compared reports a file of which not all places are what the log makes them.
func (t *tiling) compared(f file, right, of int, err error) {
	found := Finding{
		Problem: Tile, Sequence: f.first + uint64(min(right, of-1))*f.each, What: fmt.Sprintf("tile/%s/%d is not over the entries of the log", f.level, f.n),
		Evidence: fmt.Sprintf("%d of its %d places are right up to there", right, of),
	}
	if err != nil {
		found.Evidence = err.Error()
	}
	t.expect(f.check, "tile/"+f.level, right == of && err == nil, found)
}
