//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package client

import "os"

// These systems have no advisory locks and no directory syncs that Go could reach.

func tryLock(*os.File) (bool, error) { return true, nil }

func syncDirectory(*os.File) error { return nil }
