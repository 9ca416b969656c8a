package browser

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"syscall/js"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
)

const keystoreName = "keystore"

// Store returns the store of that name, which has no '/' in it.
func (d *Database) Store(name string) client.Store { return &store{d, name + "/"} }

// store keeps files under names that begin with its own.
type store struct {
	d      *Database
	prefix string
}

func (*store) String() string { return "this browser" }

func (s *store) Read(name string) ([]byte, error) {
	got, err := s.d.ask(func(table js.Value) js.Value { return table.Call("get", s.prefix+name) })
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if got.IsUndefined() {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return bytesOf(got), nil
}

func (s *store) Write(name string, data []byte) error {
	err := s.d.change(func(table js.Value) { table.Call("put", arrayOf(data), s.prefix+name) })
	if err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

func (s *store) Remove(name string) error {
	if _, err := s.Read(name); err != nil {
		return err
	}
	if err := s.d.change(func(table js.Value) { table.Call("delete", s.prefix+name) }); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}

func (s *store) List(prefix string) (names []string, err error) {
	from := s.prefix + prefix
	within := js.Global().Get("IDBKeyRange").Call("bound", from, from+"\uffff")
	keys, err := s.d.ask(func(table js.Value) js.Value { return table.Call("getAllKeys", within) })
	if err != nil {
		return nil, fmt.Errorf("listing files: %w", err)
	}
	for i := range keys.Length() {
		names = append(names, strings.TrimPrefix(keys.Index(i).String(), s.prefix))
	}
	return names, nil
}

func (s *store) Lock(ctx context.Context, name string) (release func(), err error) {
	return lock(ctx, databaseName+"/"+s.prefix+name)
}

func (s *store) Keystore() keystore.Place { return place{s} }

// place is where the keystore of a store lies.
type place struct{ s *store }

func (p place) Read() ([]byte, error) { return p.s.Read(keystoreName) }

func (p place) Create(first func() ([]byte, error)) error {
	return p.alone(func() error {
		if _, err := p.Read(); err == nil {
			return fs.ErrExist
		}
		return p.put(first())
	})
}

func (p place) Replace(next func(current []byte) ([]byte, error)) error {
	return p.alone(func() error {
		current, err := p.Read()
		if err != nil {
			return err
		}
		return p.put(next(current))
	})
}

// alone does something while no other tab changes the keystore.
func (p place) alone(do func() error) error {
	release, err := p.s.Lock(context.Background(), keystoreName)
	if err != nil {
		return err
	}
	defer release()
	return do()
}

func (p place) put(data []byte, err error) error {
	if err != nil {
		return err
	}
	return p.s.Write(keystoreName, data)
}
