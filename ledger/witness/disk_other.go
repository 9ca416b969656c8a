//go:build !unix

package witness

import (
	"io/fs"
	"os"
	"path/filepath"
)

// These systems have no advisory locks, permission bits or directory syncs that Go could reach: whoever starts a witness must know
// that no other runs on the directory.

func lock(dir string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
}

func exposed(fs.FileMode) bool { return false }

func syncDirectory(string) error { return nil }
