package keystore_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

// TestCrashBetweenSteps lays out what a crash after each step of Save leaves behind: the old version, beside none, a part or
// all of the new one. The old version opens, and the next Save clears up.
func TestCrashBetweenSteps(t *testing.T) {
	k, path := create(t, []byte("old"))
	old := read(t, path)
	if err := k.Save([]byte("new")); err != nil {
		t.Fatal(err)
	}
	complete := read(t, path)
	for _, n := range []int{0, 1, len(complete) / 2, len(complete)} {
		t.Run(fmt.Sprintf("%d bytes written", n), func(t *testing.T) {
			path := write(t, old)
			fresh := path + ".new"
			if err := os.WriteFile(fresh, complete[:n], 0o600); err != nil {
				t.Fatal(err)
			}
			k := open(t, path)
			if got := k.Contents(); string(got) != "old" {
				t.Errorf("after the crash: %q", got)
			}
			if err := k.Save([]byte("newer")); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(fresh); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("what the crash left is still there: %v", err)
			}
		})
	}
}

// TestCrashWhileCreating: a crash before the rename leaves no keystore, and Create can be repeated.
func TestCrashWhileCreating(t *testing.T) {
	path := write(t, nil)
	if err := os.Rename(path, path+".new"); err != nil {
		t.Fatal(err)
	}
	k, err := keystore.Create(keystore.At(path), []byte("one"), keystore.Passphrase(passphrase).Costing(floor))
	if err != nil {
		t.Fatal(err)
	}
	k.Close()
}

func TestSaveDoesNotFollowPlantedLink(t *testing.T) {
	k, path := create(t, []byte("one"))
	victim := filepath.Join(t.TempDir(), "victim")
	if err := os.WriteFile(victim, []byte("untouched"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, victim); string(got) != "untouched" {
		t.Errorf("Save wrote through a link: %x", got)
	}
}

func TestFailedSaveKeepsOldVersion(t *testing.T) {
	k, path := create(t, []byte("one"))
	before := read(t, path)
	if err := os.MkdirAll(filepath.Join(path+".new", "full"), 0o700); err != nil { // the new version has no place
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); err == nil {
		t.Fatal("Save succeeds")
	}
	if got := k.Contents(); string(got) != "one" || k.Generation() != 1 || !bytes.Equal(read(t, path), before) {
		t.Errorf("after a failed Save: %q, generation %d", got, k.Generation())
	}
	if err := os.RemoveAll(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); err != nil {
		t.Errorf("Save after the obstacle went: %v", err)
	}
}

func TestSaveTooLarge(t *testing.T) {
	k, path := create(t, nil)
	before := read(t, path)
	if err := k.Save(make([]byte, 16<<20)); err == nil || !bytes.Equal(read(t, path), before) {
		t.Errorf("Save of more than can be opened: %v", err)
	}
}

const killedPath = "PHR_TEST_KEYSTORE"

// TestKilledWhileSaving kills a process that saves all the time. What it reported as saved is there.
func TestKilledWhileSaving(t *testing.T) {
	if path := os.Getenv(killedPath); path != "" {
		saveForever(t, path)
	}
	k, path := create(t, []byte("1"))
	k.Close()
	for _, saves := range []int{1, 7, 50} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileSaving$")
		cmd.Env = append(os.Environ(), killedPath+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		reported := bufio.NewScanner(out)
		for range saves {
			reported.Scan()
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		var last uint64
		if _, err := fmt.Sscan(reported.Text(), &last); err != nil {
			t.Fatalf("%q: %v", reported.Text(), err)
		}
		cmd.Wait() // it was killed
		k := open(t, path)
		if k.Generation() < last || string(k.Contents()) != fmt.Sprint(k.Generation()) {
			t.Errorf("killed after reporting %d: generation %d, contents %q", last, k.Generation(), k.Contents())
		}
	}
}

// saveForever saves until it is killed, each time with the generation as contents.
func saveForever(t *testing.T, path string) {
	k := open(t, path)
	for {
		if err := k.Save(fmt.Append(nil, k.Generation()+1)); err != nil {
			t.Fatal(err)
		}
		fmt.Println(k.Generation())
	}
}
