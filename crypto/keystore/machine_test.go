package keystore_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/keystore"
)

// machine is a keystore that two processes have open, and what it must hold.
type machine struct {
	path    string
	handles []*keystore.Keystore
	newest  []bool // which handles know the newest version

	contents   string
	passphrase []byte
	code       [32]byte // zero: none
	former     struct {
		passphrases [][]byte
		codes       [][32]byte
	}
	drawn int // secrets, so that each is another one
}

// TestMachine does anything, in any order, to a keystore that two processes have open: what was reported as done is in the file, by
// the secrets in force and by no others, and nobody overwrites what they have not seen.
func TestMachine(t *testing.T) {
	for name, value := range map[string]string{"rapid.checks": "8", "rapid.steps": "15"} { // each step may cost a derivation
		before := flag.Lookup(name).Value.String()
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { flag.Set(name, before) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp("", "keystore")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		m := &machine{path: filepath.Join(dir, "home", "keystore"), passphrase: passphrase, newest: []bool{true, true}}
		m.handles = []*keystore.Keystore{
			m.must(rt)(keystore.Create(keystore.At(m.path), nil, keystore.Passphrase(passphrase).Costing(floor))), m.must(rt)(keystore.Open(keystore.At(m.path), keystore.Passphrase(passphrase))),
		}
		rt.Repeat(map[string]func(*rapid.T){
			"save": func(t *rapid.T) {
				contents := fmt.Sprint("contents ", m.draw())
				m.change(t, func(k *keystore.Keystore) error { return k.Save([]byte(contents)) }, func() { m.contents = contents })
			},
			"passphrase": func(t *rapid.T) {
				fresh := fmt.Append(nil, "passphrase ", m.draw())
				m.change(t, func(k *keystore.Keystore) error { return k.Set(keystore.Passphrase(fresh).Costing(floor)) }, func() {
					m.former.passphrases = append(m.former.passphrases, m.passphrase)
					m.passphrase = fresh
				})
			},
			"recovery": func(t *rapid.T) {
				fresh := [32]byte{byte(m.draw()), 1}
				m.change(t, func(k *keystore.Keystore) error { return k.Set(keystore.Recovery(fresh)) }, func() { m.setCode(fresh) })
			},
			"no recovery": func(t *rapid.T) {
				m.change(t, func(k *keystore.Keystore) error { return k.RemoveRecovery() }, func() { m.setCode([32]byte{}) })
			},
			"reload": func(t *rapid.T) {
				i := rapid.IntRange(0, 1).Draw(t, "process")
				changed, err := m.handles[i].Reload()
				if err != nil || changed == m.newest[i] {
					t.Fatalf("Reload = %v, %v, and it knew the newest: %v", changed, err, m.newest[i])
				}
				m.newest[i] = true
				m.holds(t, m.handles[i])
			},
			"open":   m.open,
			"former": m.openFormer,
		})
	})
}

func (m *machine) must(t *rapid.T) func(*keystore.Keystore, error) *keystore.Keystore {
	return func(k *keystore.Keystore, err error) *keystore.Keystore {
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
}

func (m *machine) draw() int {
	m.drawn++
	return m.drawn
}

func (m *machine) setCode(code [32]byte) {
	if m.code != ([32]byte{}) {
		m.former.codes = append(m.former.codes, m.code)
	}
	m.code = code
}

// change lets one of the processes change something, which must fail if it does not know the newest version.
func (m *machine) change(t *rapid.T, change func(*keystore.Keystore) error, done func()) {
	i := rapid.IntRange(0, 1).Draw(t, "process")
	err := change(m.handles[i])
	if !m.newest[i] {
		if !errors.Is(err, keystore.ErrConflict) {
			t.Fatalf("over a version that it has not seen: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	done()
	m.newest[1-i] = false
	m.holds(t, m.handles[i])
}

func (m *machine) holds(t *rapid.T, k *keystore.Keystore) {
	if got := string(k.Contents()); got != m.contents {
		t.Fatalf("it holds %q, want %q", got, m.contents)
	}
}

// open opens the file by what is in force.
func (m *machine) open(t *rapid.T) {
	k := m.must(t)(keystore.Open(keystore.At(m.path), keystore.Passphrase(m.passphrase)))
	m.holds(t, k)
	k.Close()
	if m.code != ([32]byte{}) {
		k := m.must(t)(keystore.Open(keystore.At(m.path), keystore.Recovery(m.code)))
		m.holds(t, k)
		k.Close()
	}
}

// openFormer tries what was in force before.
func (m *machine) openFormer(t *rapid.T) {
	if all := m.former.passphrases; len(all) > 0 {
		former := all[rapid.IntRange(0, len(all)-1).Draw(t, "passphrase")]
		if _, err := keystore.Open(keystore.At(m.path), keystore.Passphrase(former)); !errors.Is(err, keystore.ErrPassphrase) {
			t.Fatalf("by a passphrase from before: %v, want ErrPassphrase", err)
		}
	}
	for _, former := range m.former.codes {
		if _, err := keystore.Open(keystore.At(m.path), keystore.Recovery(former)); !errors.Is(err, keystore.ErrRecovery) {
			t.Fatalf("by a recovery code from before: %v, want ErrRecovery", err)
		}
	}
}
