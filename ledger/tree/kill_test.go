package tree_test

import (
	"bufio"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// killedIn names the directory in which the test's own program seals until it is killed.
const killedIn = "PHR_TEST_SEAL_IN"

// sealForEver is the child of TestKill: it appends and seals, and says what was acknowledged.
func sealForEver(t *testing.T, dir tree.Dir) {
	s := sealer(t, dir)
	out := bufio.NewWriter(os.Stdout)
	for {
		c, _ := s.Checkpoint()
		fmt.Fprintf(out, "sealed %d %s\n", c.Size, c.Root)
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
		appendTo(t, s, entriesFrom(int(c.Size), 1+rand.IntN(30)))
	}
}

// inMemory returns a directory where Sync takes no time, if there is one: what a process did outlasts it there as well.
func inMemory(t *testing.T) tree.Dir {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "phr")
	if err != nil {
		return tree.Dir(t.TempDir())
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return tree.Dir(dir)
}

// killed runs a child and kills it at some moment, while it opens the tree or while it seals; it returns what the child said.
func killed(t *testing.T, dir tree.Dir, early bool) iter.Seq[string] {
	child := exec.Command(os.Args[0], "-test.run=^TestKill$")
	child.Env = append(os.Environ(), killedIn+"="+string(dir))
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	kill := func() {
		time.AfterFunc(rand.N(15*time.Millisecond), func() { _ = child.Process.Kill() })
	}
	if early {
		kill()
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if said = append(said, lines.Text()); len(said) == 1 && !early {
			kill()
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the child ended by itself, %v: %q", err, said)
	}
	return slices.Values(said)
}

// A process that is killed at any point loses nothing that it acknowledged.
func TestKill(t *testing.T) {
	if dir := os.Getenv(killedIn); dir != "" {
		sealForEver(t, tree.Dir(dir))
	}
	dir := inMemory(t)
	_, verifier := key(t)
	kills, acknowledged := 0, uint64(0)
	for ; kills < 150; kills++ {
		for line := range killed(t, dir, kills%4 == 0) {
			var size uint64
			var root string
			if n, _ := fmt.Sscanf(line, "sealed %d %s", &size, &root); n < 2 || len(root) != len(ledger.Hash{}.String()) {
				continue // cut off in the middle
			}
			if want := plain(t, int(size)).String(); root != want {
				t.Fatalf("sealed %d entries with root %s, want %s", size, root, want)
			}
			acknowledged = max(acknowledged, size)
		}
		s, err := tree.Open(dir, verifier)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := s.Checkpoint()
		if c.Size < acknowledged || c.Root != plain(t, int(c.Size)) {
			t.Fatalf("after %d kills there are %d entries with root %s; acknowledged were %d", kills, c.Size, c.Root, acknowledged)
		}
		if acknowledged > 0 {
			proof, _, err := s.Consistency(acknowledged)
			if err == nil {
				err = c.Extends(tree.Checkpoint{Origin: origin, Size: acknowledged, Root: plain(t, int(acknowledged))}, proof)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if acknowledged < 1000 {
		t.Errorf("only %d entries were sealed", acknowledged)
	}
	t.Logf("%d kills, %d entries", kills, acknowledged)
	checkAll(t, dir, []tree.Checkpoint{{Origin: origin, Size: 1, Root: plain(t, 1)}, {Origin: origin, Size: acknowledged, Root: plain(t, int(acknowledged))}})
	appendTo(t, sealer(t, dir), entriesFrom(int(sizeOf(t, dir)), 1))
}

func sizeOf(t *testing.T, files tree.Files) uint64 {
	t.Helper()
	_, verifier := key(t)
	s, err := tree.Open(files, verifier)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := s.Checkpoint()
	return c.Size
}
