package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/phrledger/phr/ledger"
)

// nameOf names a chain in the names of files, where it does not stand in clear: whose records somebody reads is nobody's
// business.
func nameOf(chain ledger.Chain) string {
	hash := sha256.Sum256([]byte("phr/file\x00" + chain.String()))
	return hex.EncodeToString(hash[:16])
}

// write keeps a file beside the keystore, sealed with its key. The name is of our own making.
func (h *Home) write(name string, contents []byte) error {
	if h.dir == "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.files[name] = contents
		return nil
	}
	sealed, err := h.Keys().Seal(name, contents)
	if err != nil {
		return err
	}
	return writeFile(h.dir, name, sealed)
}

// writeFile replaces a file such that a crash leaves the old contents or the new, and after it returns, the new.
func writeFile(dir, name string, data []byte) error {
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all goes well
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return syncDirectory(d)
}

// read returns what write kept; it fails with fs.ErrNotExist if there is nothing.
func (h *Home) read(name string) ([]byte, error) {
	if h.dir == "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		contents, ok := h.files[name]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return contents, nil
	}
	sealed, err := os.ReadFile(filepath.Join(h.dir, name))
	if err != nil {
		return nil, err
	}
	return h.Keys().Unseal(name, sealed)
}

// remove deletes what write kept.
func (h *Home) remove(name string) error {
	if h.dir == "" {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.files, name)
		return nil
	}
	path := filepath.Join(h.dir, name)
	if err := overwrite(path); err != nil {
		return err
	}
	return os.Remove(path)
}

// list returns the names of the files that begin with a prefix.
func (h *Home) list(prefix string) (names []string, err error) {
	if h.keystore == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		for name := range h.files {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		return names, nil
	}
	files, err := os.ReadDir(h.dir)
	for _, f := range files {
		if strings.HasPrefix(f.Name(), prefix) {
			names = append(names, f.Name())
		}
	}
	return names, err
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

// lock waits until nobody else who uses the home, in this process or another, has the lock of that name.
func (h *Home) lock(ctx context.Context, name string) (release func(), err error) {
	h.mu.Lock()
	mine := h.turns[name]
	if mine == nil {
		mine = newTurn()
		h.turns[name] = mine
	}
	h.mu.Unlock()
	if err := mine.take(ctx); err != nil {
		return nil, err
	}
	if h.dir == "" {
		return mine.give, nil
	}
	f, err := lockFile(ctx, filepath.Join(h.dir, name+".lock"))
	if err != nil {
		mine.give()
		return nil, err
	}
	return func() {
		f.Close()
		mine.give()
	}, nil
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
