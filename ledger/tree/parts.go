package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

const (
	partsName  = "parts"
	unfinished = ".new"
)

// Parts are a second copy of the erasable parts of epochs, in the tree's directory: without them the sealed copy of the log could not be
// read by those who are entitled to it. They are no part of the tree, and nothing proves them but the hashes that the log names. A part
// is erased by overwriting its file in place; where the disk does not write in place, that reaches no farther than the disk does.
// Parts is safe for concurrent use.
type Parts struct {
	mu sync.Mutex
	directory
}

// OpenParts opens the parts in a directory, and makes an end of what a crash has left half written.
func OpenParts(files Files) (*Parts, error) {
	p := &Parts{directory: newDirectory(files)}
	if err := files.Mkdir("."); err != nil && !exists(err) {
		return nil, fmt.Errorf("opening the parts: %w", err)
	}
	err := p.each(func(name string) error {
		if strings.HasSuffix(name, unfinished) {
			return p.destroy(name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("opening the parts: %w", err)
	}
	return p, nil
}

// partPath returns the file of the part that is stored under a subject.
func partPath(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	name := hex.EncodeToString(sum[:])
	return partsName + "/" + name[:2] + "/" + name[2:]
}

// Keep stores a part under its subject. When it returns it is on disk.
func (p *Parts) Keep(subject string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.publish(partPath(subject), append([]byte(subject+"\n"), data...)); err != nil {
		return fmt.Errorf("keeping a copy of a part: %w", err)
	}
	return nil
}

// Read is ReadPart of these.
func (p *Parts) Read(subject string) ([]byte, error) { return ReadPart(p.files, subject) }

// ReadPart returns the part that is stored under a subject in a directory; it fails with fs.ErrNotExist if none is. Whether it is the one
// that the log names is for the caller to judge, by its hash.
func ReadPart(files Files, subject string) ([]byte, error) {
	contents, err := files.ReadFile(partPath(subject))
	if err != nil {
		return nil, err
	}
	data, ok := bytes.CutPrefix(contents, []byte(subject+"\n"))
	if !ok {
		return nil, fmt.Errorf("%w: the copy of part %s", ErrDamaged, subject)
	}
	return data, nil
}

// Erase overwrites and removes the part that is stored under a subject. That there is none is no error.
func (p *Parts) Erase(subject string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.destroy(partPath(subject)); err != nil {
		return fmt.Errorf("erasing the copy of a part: %w", err)
	}
	return nil
}

// destroy overwrites and removes a file. If we were to crash in between, it would be there again, and erased again.
func (p *Parts) destroy(name string) error {
	contents, err := p.files.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := p.files.Write(name, 0, make([]byte, len(contents))); err != nil {
		return err
	}
	if err := p.files.Sync(name); err != nil {
		return err
	}
	if err := p.files.Remove(name); err != nil {
		return err
	}
	return p.files.Sync(parent(name))
}

// EraseOthers erases all parts but those whose subjects keep wants.
func (p *Parts) EraseOthers(keep func(subject string) bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.each(func(name string) error {
		contents, err := p.files.ReadFile(name)
		if err != nil {
			return err
		}
		subject, _, _ := bytes.Cut(contents, []byte("\n"))
		if keep(string(subject)) && partPath(string(subject)) == name {
			return nil
		}
		return p.destroy(name)
	})
}

// each calls fn with the name of every file.
func (p *Parts) each(fn func(name string) error) error {
	dirs, err := p.files.ReadDir(partsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, dir := range dirs {
		names, e := p.files.ReadDir(partsName + "/" + dir)
		if err = errors.Join(err, e); err != nil {
			return err
		}
		for _, name := range names {
			if err := fn(partsName + "/" + dir + "/" + name); err != nil {
				return err
			}
		}
	}
	return err
}
