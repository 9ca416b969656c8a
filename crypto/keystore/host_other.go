//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package keystore

import (
	"io/fs"
	"os"
)

// These systems have no advisory locks, owners, permission bits or directory syncs that Go could reach.

func lock(*os.File) error { return nil }

func owned(fs.FileInfo) bool { return true }

func exposed(fs.FileInfo) bool { return false }

func syncDirectory(*os.File) error { return nil }
