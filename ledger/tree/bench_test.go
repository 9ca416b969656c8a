package tree_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/ledger/tree"
)

// BenchmarkAppend seals batches of entries of 1 KiB, beside one write and fsync of as many bytes to one file: what sealing costs is
// the difference.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		batch := make([][]byte, n)
		for i := range batch {
			batch[i] = bytes.Repeat([]byte{byte(i)}, 1024)
		}
		b.Run(fmt.Sprint("entries=", n), func(b *testing.B) {
			s := sealer(b, tree.Dir(b.TempDir()))
			count := uint64(0)
			b.SetBytes(int64(n) * 1024)
			for b.Loop() {
				for _, e := range batch {
					count++
					binary.BigEndian.PutUint64(e, count)
				}
				appendTo(b, s, batch)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(n), "µs/entry")
		})
		b.Run(fmt.Sprint("write+fsync=", n), func(b *testing.B) {
			f, err := os.Create(filepath.Join(b.TempDir(), "file"))
			if err != nil {
				b.Fatal(err)
			}
			all := bytes.Join(batch, nil)
			b.SetBytes(int64(len(all)))
			for b.Loop() {
				_, err := f.Write(all)
				if err := errors.Join(err, f.Sync()); err != nil {
					b.Fatal(err)
				}
			}
			if err := f.Close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkInclusion proves an entry of a tree with three levels of tiles, from a directory.
func BenchmarkInclusion(b *testing.B) {
	s := sealer(b, tree.Dir(b.TempDir()))
	const size = 70_000
	appendTo(b, s, entriesFrom(0, size))
	i := uint64(0)
	for b.Loop() {
		if _, _, err := s.Inclusion(i); err != nil {
			b.Fatal(err)
		}
		i = (i + 7919) % size
	}
}

// BenchmarkHeads moves chains of a map with 10,000 of them, and computes its root each time; and proves them.
func BenchmarkHeads(b *testing.B) {
	const chains = 10_000
	var m tree.Heads
	for i := range chains {
		m = m.With(chain(i), head(1))
	}
	m.Root()
	i := 0
	b.Run("With+Root", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			i++
			m = m.With(chain(i%chains), head(i))
			m.Root()
		}
	})
	b.Run("With×100+Root", func(b *testing.B) {
		for b.Loop() {
			for range 100 {
				i++
				m = m.With(chain(i%chains), head(i))
			}
			m.Root()
		}
	})
	b.Run("Prove+Verify", func(b *testing.B) {
		root := m.Root()
		for b.Loop() {
			i++
			p := m.Prove(chain(i % chains))
			if _, err := p.Verify(root, chain(i%chains)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
