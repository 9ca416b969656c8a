package keystore

import (
	"fmt"
	"io/fs"
	"path/filepath"
)

// Place is where the file of a keystore lies: see At for the one in a directory. It is safe for concurrent use, by other processes too.
type Place interface {
	// Read returns the file. It fails with fs.ErrNotExist if there is none.
	Read() ([]byte, error)

	// Create makes what first returns the file. It fails with fs.ErrExist if there is one, and then does not call first.
	Create(first func() ([]byte, error)) error

	// Replace makes what next returns for the file as it stands the file, while nobody else changes it. A crash, or an error of next,
	// leaves the old file; after Replace returns, a crash leaves the new one.
	Replace(next func(current []byte) ([]byte, error)) error
}

// At returns the place of a keystore at path. File and directory must belong to the user alone: everything else fails with ErrInsecure.
// Create makes the directory with mode 0700 if there is none.
func At(path string) Place { return at(path) }

type at string

func (path at) Read() ([]byte, error) {
	d, err := openDirectory(string(path))
	if err != nil {
		return nil, err
	}
	defer d.close()
	return d.read()
}

func (path at) Create(first func() ([]byte, error)) error {
	if err := makeDirectory(filepath.Dir(string(path))); err != nil {
		return err
	}
	d, err := lockDirectory(string(path))
	if err != nil {
		return err
	}
	defer d.close()
	if d.exists() {
		return fmt.Errorf("%q: %w", string(path), fs.ErrExist)
	}
	return d.put(first)
}

func (path at) Replace(next func(current []byte) ([]byte, error)) error {
	d, err := lockDirectory(string(path))
	if err != nil {
		return err
	}
	defer d.close()
	current, err := d.read()
	if err != nil {
		return err
	}
	return d.put(func() ([]byte, error) { return next(current) })
}

// put makes what fresh returns the file, under the lock.
func (d *directory) put(fresh func() ([]byte, error)) error {
	data, err := fresh()
	if err != nil {
		return err
	}
	return d.replace(data)
}
