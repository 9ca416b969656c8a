package keystore

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// directory is the checked directory of a keystore, open. Everything goes through root, so that a path whose meaning
// changes later is of no consequence.
type directory struct {
	path string // of the keystore, for messages
	name string // of the keystore in root
	root *os.Root
	self *os.File // the directory itself: what is locked and synced
}

// makeDirectory creates dir with mode 0700 unless it is there.
func makeDirectory(dir string) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Without this a crash could take the directory, and with it the only copy of an identity, after Create returned.
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer parent.Close()
	return syncDirectory(parent)
}

func openDirectory(path string) (*directory, error) {
	dir := filepath.Dir(path)
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%w: %q is not a directory: name the directory itself, not a link to it", ErrInsecure, dir)
	}
	if err := checkPrivate(info, dir, "700"); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	self, err := openSame(root, ".", info)
	if err != nil {
		root.Close()
		return nil, err
	}
	return &directory{path: path, name: filepath.Base(path), root: root, self: self}, nil
}

// lockDirectory opens the directory and waits until no other process writes in it.
func lockDirectory(path string) (*directory, error) {
	d, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	if err := lock(d.self); err != nil {
		d.close()
		return nil, fmt.Errorf("locking %q: %w", filepath.Dir(path), err)
	}
	return d, nil
}

// close releases the lock, if there is one.
func (d *directory) close() {
	d.self.Close()
	d.root.Close()
}

func (d *directory) exists() bool {
	_, err := d.root.Lstat(d.name)
	return !errors.Is(err, fs.ErrNotExist)
}

// read returns the file, if it is a regular one that nobody else can reach.
func (d *directory) read() ([]byte, error) {
	info, err := d.root.Lstat(d.name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %q is not a regular file: name the keystore itself, not a link to it", ErrInsecure, d.path)
	}
	if err := checkPrivate(info, d.path, "600"); err != nil {
		return nil, err
	}
	f, err := openSame(d.root, d.name, info)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%w: %q is longer than any keystore", ErrMalformed, d.path)
	}
	return b, err
}

// replace makes data the keystore. The steps are such that a crash between any two leaves the old version or the new one.
func (d *directory) replace(data []byte) error {
	fresh := d.name + ".new"
	// A crash while the new version was being written left a part of it. The lock says that nobody writes it now.
	if err := d.root.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := d.write(fresh, data); err != nil {
		d.root.Remove(fresh) // what is left of it does no harm
		return err
	}
	if err := d.root.Rename(fresh, d.name); err != nil {
		return err
	}
	return syncDirectory(d.self)
}

func (d *directory) write(name string, data []byte) error {
	f, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// checkPrivate refuses what others can reach.
func checkPrivate(info fs.FileInfo, path, mode string) error {
	if !owned(info) {
		return fmt.Errorf("%w: %q belongs to another user: copy it to a directory of your own", ErrInsecure, path)
	}
	if exposed(info) {
		return fmt.Errorf("%w: others can reach %q (mode %04o): run chmod %s %q",
			ErrInsecure, path, info.Mode().Perm(), mode, path)
	}
	return nil
}

// openSame opens name and makes sure that it is the file that info was about.
func openSame(root *os.Root, name string, info fs.FileInfo) (*os.File, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = fmt.Errorf("%w: %q was exchanged while it was opened: try again", ErrInsecure, name)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
