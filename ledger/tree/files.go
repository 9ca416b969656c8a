package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files is what a Store needs of a file system. Names are slash-separated and relative to the tree's directory; "." is that
// directory. What Write and Rename and Mkdir did lasts only once Sync has returned: of the file, or of the directory that holds the
// name. Missing files are fs.ErrNotExist.
type Files interface {
	ReadFile(name string) ([]byte, error)
	ReadDir(name string) ([]string, error)            // names in it
	Write(name string, at int64, data []byte) error   // makes the file if it is not there, and cuts off what follows data
	Sync(name string) error                           // a file, or a directory
	Mkdir(name string) error                          // fs.ErrExist if it is there
	Rename(from, to string) error                     // replaces to
	Remove(name string) error                         // a file, or an empty directory
	Lock(name string) (release func() error, _ error) // ErrLocked if another process has it
}

// ErrLocked is returned, wrapped, when another process seals in the same directory.
var ErrLocked = errors.New("another process seals there")

// Dir is a directory of the operating system. Its files are for their owner alone.
type Dir string

func (d Dir) path(name string) string { return filepath.Join(string(d), filepath.FromSlash(name)) }

// ReadFile implements Files.
func (d Dir) ReadFile(name string) ([]byte, error) { return os.ReadFile(d.path(name)) }

// ReadDir implements Files.
func (d Dir) ReadDir(name string) ([]string, error) {
	entries, err := os.ReadDir(d.path(name))
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// Write implements Files.
func (d Dir) Write(name string, at int64, data []byte) error {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, at)
	if err == nil {
		err = f.Truncate(at + int64(len(data)))
	}
	return errors.Join(err, f.Close())
}

// Sync implements Files.
func (d Dir) Sync(name string) error {
	f, err := os.Open(d.path(name))
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Mkdir implements Files.
func (d Dir) Mkdir(name string) error { return os.Mkdir(d.path(name), 0o700) }

// Rename implements Files.
func (d Dir) Rename(from, to string) error { return os.Rename(d.path(from), d.path(to)) }

// Remove implements Files.
func (d Dir) Remove(name string) error { return os.Remove(d.path(name)) }

// Lock implements Files.
func (d Dir) Lock(name string) (func() error, error) {
	f, err := os.OpenFile(d.path(name), os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if ok, err := tryLock(f); err != nil || !ok {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", d.path(name), ErrLocked), err, f.Close())
	}
	return f.Close, nil
}

// exists tells whether an error of Mkdir says that the directory is there.
func exists(err error) bool { return errors.Is(err, fs.ErrExist) }
