package tree_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/phrledger/phr/ledger/tree"
)

// On a full disk sealing fails and says so, nothing acknowledged is lost, and it goes on when there is room.
func TestFullDisk(t *testing.T) {
	mount := t.TempDir()
	if err := syscall.Mount("tmpfs", mount, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("a small disk cannot be mounted here (that takes root): %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mount, 0); err != nil {
			t.Error(err)
		}
	})
	dir := tree.Dir(filepath.Join(mount, "tree"))
	_, verifier := key(t)
	var size uint64
	for pages := range 25 { // so much room each time: another call finds none
		filler := filepath.Join(mount, "filler")
		fill(t, filler, pages)
		s, err := tree.OpenSealer(dir, verifier)
		for err == nil {
			c, _ := s.Checkpoint()
			size = c.Size
			err = s.Append(entriesFrom(int(c.Size), 7), sign(t))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("with %d pages left: %v, want ENOSPC", pages, err)
		}
		if s != nil {
			if c, _ := s.Checkpoint(); c.Size != size {
				t.Errorf("after %v there are %d entries, not %d", err, c.Size, size)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		s, err = tree.OpenSealer(dir, verifier)
		if err != nil {
			t.Fatal(err)
		}
		before, _ := s.Checkpoint()
		if before.Size != size || before.Root != plain(t, int(size)) {
			t.Fatalf("after the disk was full there are %d entries, not %d", before.Size, size)
		}
		appendTo(t, s, entriesFrom(int(size), 1))
		size++
		checkAll(t, dir, []tree.Checkpoint{before})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if size < 300 {
		t.Errorf("only %d entries were sealed", size)
	}
}

// fill fills a disk but for so many pages.
func fill(t *testing.T, name string, pages int) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	info, statErr := f.Stat()
	if !errors.Is(err, syscall.ENOSPC) || statErr != nil {
		t.Fatal(err, statErr)
	}
	if err := errors.Join(f.Truncate(info.Size()-int64(pages)*4096), f.Close()); err != nil {
		t.Fatal(err)
	}
}
