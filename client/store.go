package client

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/phrledger/phr/crypto/keystore"
)

// Store is where the keystore of a home lies, and the files beside it: a directory, memory, or what a browser keeps for a page. It is safe
// for concurrent use, by other processes too. The names are of the home's own making; what is not said to be in clear was sealed before.
type Store interface {
	fmt.Stringer // says to the home's owner where that is

	// Keystore returns the place of the keystore.
	Keystore() keystore.Place

	// Read returns a file. It fails with fs.ErrNotExist if there is none.
	Read(name string) ([]byte, error)

	// Write makes data a file, in the place of the one before. A crash leaves the old contents or the new, and after it returns, the new.
	Write(name string, data []byte) error

	// Remove deletes a file, and what it held as far as that is possible. It fails with fs.ErrNotExist if there is none.
	Remove(name string) error

	// List returns the names of the files that begin with a prefix, in any order.
	List(prefix string) ([]string, error)

	// Lock waits until nobody else, in another process, has the lock of that name. It ends by release, or with the process. Within the
	// process the home sees to it that nobody else asks for it.
	Lock(ctx context.Context, name string) (release func(), err error)
}

// InMemory returns a store that ends with the process.
func InMemory() Store { return &memory{files: make(map[string][]byte)} }

type memory struct {
	mu    sync.Mutex
	files map[string][]byte
}

func (*memory) String() string { return "memory" }

func (m *memory) Read(name string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.read(name)
}

func (m *memory) read(name string) ([]byte, error) {
	data, ok := m.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return bytes.Clone(data), nil
}

func (m *memory) Write(name string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files[name] = bytes.Clone(data)
	return nil
}

func (m *memory) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.read(name); err != nil {
		return err
	}
	clear(m.files[name])
	delete(m.files, name)
	return nil
}

func (m *memory) List(prefix string) (names []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.files {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Lock has nobody to wait for: no other process has this memory.
func (*memory) Lock(context.Context, string) (release func(), err error) { return func() {}, nil }

func (m *memory) Keystore() keystore.Place { return inMemory{m} }

// inMemory is the place of the keystore in memory.
type inMemory struct{ m *memory }

func (p inMemory) Read() ([]byte, error) { return p.m.Read(keystoreName) }

func (p inMemory) Create(first func() ([]byte, error)) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	if _, ok := p.m.files[keystoreName]; ok {
		return fs.ErrExist
	}
	return p.put(first())
}

func (p inMemory) Replace(next func(current []byte) ([]byte, error)) error {
	p.m.mu.Lock()
	defer p.m.mu.Unlock()
	current, err := p.m.read(keystoreName)
	if err != nil {
		return err
	}
	return p.put(next(current))
}

func (p inMemory) put(data []byte, err error) error {
	if err == nil {
		p.m.files[keystoreName] = bytes.Clone(data)
	}
	return err
}
