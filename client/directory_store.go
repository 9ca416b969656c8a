package client

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/keystore"
)

// InDirectory returns the store of a home in a directory, which nobody but its owner can reach: see keystore.At.
func InDirectory(dir string) Store { return directory(dir) }

type directory string

const keystoreName = "keystore"

func (d directory) String() string { return string(d) }

func (d directory) path(name string) string { return filepath.Join(string(d), name) }

func (d directory) Keystore() keystore.Place { return keystore.At(d.path(keystoreName)) }

func (d directory) Read(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

func (d directory) Write(name string, data []byte) error {
	f, err := os.CreateTemp(string(d), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all goes well
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), d.path(name)); err != nil {
		return err
	}
	self, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer self.Close()
	return syncDirectory(self)
}

func (d directory) Remove(name string) error {
	if err := overwrite(d.path(name)); err != nil {
		return err
	}
	return os.Remove(d.path(name))
}

func (d directory) List(prefix string) (names []string, err error) {
	files, err := os.ReadDir(string(d))
	for _, f := range files {
		if strings.HasPrefix(f.Name(), prefix) {
			names = append(names, f.Name())
		}
	}
	return names, err
}

func (d directory) Lock(ctx context.Context, name string) (release func(), err error) {
	f, err := lockFile(ctx, d.path(name+".lock"))
	if err != nil {
		return nil, err
	}
	return func() { f.Close() }, nil
}

// overwrite puts zeros in the place of a file's contents, so that its old blocks hold nothing where the disk writes in place.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = io.CopyN(f, zeros{}, info.Size())
	}
	return errors.Join(err, f.Sync(), f.Close())
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// lockFile waits for the lock of a file, which ends when the file is closed or the process dies.
func lockFile(ctx context.Context, path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		locked, err := tryLock(f)
		if locked {
			return f, nil
		}
		if err == nil && !pause(ctx, 20*time.Millisecond) {
			err = ctx.Err()
		}
		if err != nil {
			f.Close()
			return nil, err
		}
	}
}
