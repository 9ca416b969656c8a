//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keystore_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

// TestAttack53_OpenToOthers tries what others could read, replace or have put there. None costs a derivation.
func TestAttack53_OpenToOthers(t *testing.T) {
	golden := readVectors(t).Good[0].In
	for _, c := range []struct {
		name, hint string
		attack     func(path string) (string, error)
	}{
		{"file mode 0644", "run chmod 600", func(path string) (string, error) { return path, os.Chmod(path, 0o644) }},
		{"file mode 0620", "run chmod 600", func(path string) (string, error) { return path, os.Chmod(path, 0o620) }},
		{"file mode 0601", "run chmod 600", func(path string) (string, error) { return path, os.Chmod(path, 0o601) }},
		{"directory mode 0755", "run chmod 700", func(path string) (string, error) {
			return path, os.Chmod(filepath.Dir(path), 0o755)
		}},
		{"directory mode 1777", "run chmod 700", func(path string) (string, error) {
			return path, os.Chmod(filepath.Dir(path), 0o777|os.ModeSticky)
		}},
		{"symbolic link to the file", "not a link", func(path string) (string, error) {
			return path + ".link", os.Symlink(path, path+".link")
		}},
		{"symbolic link to the directory", "not a link", func(path string) (string, error) {
			link := filepath.Dir(path) + ".link"
			return filepath.Join(link, filepath.Base(path)), os.Symlink(filepath.Dir(path), link)
		}},
		{"dangling link", "not a link", func(path string) (string, error) {
			return path + ".link", os.Symlink("nowhere", path+".link")
		}},
		{"named pipe", "not a regular file", func(path string) (string, error) {
			return path + ".pipe", syscall.Mkfifo(path+".pipe", 0o600)
		}},
		{"directory for the file", "not a regular file", func(path string) (string, error) {
			return path + ".dir", os.Mkdir(path+".dir", 0o700)
		}},
		{"foreign file", "belongs to another user", func(path string) (string, error) { return path, os.Chown(path, 12345, -1) }},
		{"foreign directory", "belongs to another user", func(path string) (string, error) {
			return path, os.Chown(filepath.Dir(path), 12345, -1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := c.attack(write(t, golden))
			if errors.Is(err, os.ErrPermission) {
				t.Skip("only root gives files away")
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = keystore.Open(keystore.At(path), keystore.Passphrase(passphrase))
			if !errors.Is(err, keystore.ErrInsecure) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("Open = %v, want ErrInsecure: %s", err, c.hint)
			}
			if _, err = keystore.Open(keystore.At(path), keystore.Recovery(secret)); !errors.Is(err, keystore.ErrInsecure) {
				t.Errorf("OpenRecovery = %v, want ErrInsecure", err)
			}
		})
	}
}

func TestAttack53_CreateInSharedDirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Create(keystore.At(filepath.Join(dir, "keystore")), nil, keystore.Passphrase(passphrase).Costing(floor)); !errors.Is(err, keystore.ErrInsecure) {
		t.Errorf("Create in a directory of mode 0755: %v, want ErrInsecure", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("a refused Create left %v, %v", entries, err)
	}
}

func TestAttack53_SaveAfterModeChange(t *testing.T) {
	k, path := create(t, []byte("one"))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := k.Save([]byte("two")); !errors.Is(err, keystore.ErrInsecure) {
		t.Errorf("Save of a keystore of mode 0644: %v, want ErrInsecure", err)
	}
	if err := k.Set(keystore.Recovery(secret)); !errors.Is(err, keystore.ErrInsecure) {
		t.Errorf("Set of a keystore of mode 0644: %v, want ErrInsecure", err)
	}
}
