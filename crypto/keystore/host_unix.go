//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package keystore

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// lock waits for the exclusive lock on an open directory, which ends when f is closed or the process dies.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func owned(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}

func exposed(info fs.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// syncDirectory makes the names in an open directory last.
func syncDirectory(f *os.File) error { return f.Sync() }
