package client

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/ledger"
)

// Home is what one person or authority keeps on their machine: the secrets in a keystore, and files beside it that are
// sealed with the keystore's key. A home without a directory lives in memory.
type Home struct {
	dir      string
	keystore *keystore.Keystore // nil in memory

	mu      sync.Mutex
	secrets secrets
	person  *identity.Identity
	keys    []*abe.AttributeKey
	files   map[string][]byte // in memory
}

type secrets struct {
	Identity  []byte   `cbor:"1,keyasint"`
	Recovery  []byte   `cbor:"2,keyasint"`           // the key that can replace the identity's
	Master    []byte   `cbor:"3,keyasint,omitempty"` // abe.MasterKey of a patient's own authority
	Authority []byte   `cbor:"4,keyasint,omitempty"` // authority.Authority of a founder
	Keys      [][]byte `cbor:"5,keyasint,omitempty"` // attribute keys held
	Node      string   `cbor:"6,keyasint,omitempty"` // address last used
}

const keystoreName = "keystore"

// NewHome makes an identity and a home in memory for it.
func NewHome() (*Home, error) {
	h := &Home{files: make(map[string][]byte)}
	return h, h.generate()
}

// CreateHome makes an identity and keeps it in a new home at dir.
func CreateHome(dir string, passphrase []byte) (*Home, error) {
	h := &Home{dir: dir}
	if err := h.generate(); err != nil {
		return nil, err
	}
	contents, err := canonical.Marshal(&h.secrets)
	if err != nil {
		return nil, err
	}
	h.keystore, err = keystore.Create(filepath.Join(dir, keystoreName), passphrase, keystore.Native, contents)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("there is an identity in %s already: use it, or choose another --home", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("creating a home: %w", err)
	}
	return h, nil
}

func (h *Home) generate() error {
	person, recovery, err := identity.Generate(rand.Reader)
	if err != nil {
		return err
	}
	h.person = person
	h.secrets = secrets{Identity: person.Bytes(), Recovery: recovery.Bytes()}
	return nil
}

// OpenHome opens the home at dir.
func OpenHome(dir string, passphrase []byte) (*Home, error) {
	ks, err := keystore.Open(filepath.Join(dir, keystoreName), passphrase)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no identity in %s: make one with 'phr id create', or choose another --home", dir)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the home %s: %w", dir, err)
	}
	h := &Home{dir: dir, keystore: ks}
	if err := canonical.Unmarshal(ks.Contents(), &h.secrets); err != nil {
		return nil, fmt.Errorf("opening the home %s: %w", dir, err)
	}
	if h.person, err = identity.Parse(h.secrets.Identity); err != nil {
		return nil, fmt.Errorf("opening the home %s: %w", dir, err)
	}
	for _, encoded := range h.secrets.Keys {
		key, err := abe.ParseAttributeKey(encoded)
		if err != nil {
			return nil, fmt.Errorf("opening the home %s: %w", dir, err)
		}
		h.keys = append(h.keys, key)
	}
	return h, nil
}

// HomeOf returns a home in memory for an identity whose keys are kept elsewhere.
func HomeOf(person *identity.Identity) *Home {
	return &Home{person: person, secrets: secrets{Identity: person.Bytes()}, files: make(map[string][]byte)}
}

// Close wipes the secrets from memory.
func (h *Home) Close() {
	if h.keystore != nil {
		h.keystore.Close()
	}
}

// Identity returns the person's signing and opening keys.
func (h *Home) Identity() *identity.Identity { return h.person }

// AttributeKeys returns the attribute keys held.
func (h *Home) AttributeKeys() []*abe.AttributeKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[:len(h.keys):len(h.keys)]
}

// addKey keeps an attribute key that has been verified.
func (h *Home) addKey(key *abe.AttributeKey) error {
	encoded := key.Bytes()
	return h.change(func(s *secrets) error {
		if !slices.ContainsFunc(s.Keys, func(k []byte) bool { return bytes.Equal(k, encoded) }) {
			h.keys = append(h.keys, key)
			s.Keys = append(s.Keys, encoded)
		}
		return nil
	})
}

// holds tells whether a key is kept already.
func (h *Home) holds(key *ledger.KeyIssued, on ledger.Chain) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.keys {
		if k.Attribute().Name == key.Attribute && k.Attribute().Authority == on.Authority() && k.Version() == key.Version {
			return true
		}
	}
	return false
}

// Master returns the master key of the patient's own authority, which it draws and keeps first if there is none yet.
func (h *Home) master() (*abe.MasterKey, error) {
	h.mu.Lock()
	encoded := h.secrets.Master
	h.mu.Unlock()
	if encoded != nil {
		return abe.ParseMasterKey(encoded)
	}
	master, err := abe.GenerateMasterKey(rand.Reader, ledger.RecordChain(h.person.GID(), ledger.Profile).Authority())
	if err != nil {
		return nil, err
	}
	return master, h.change(func(s *secrets) error {
		s.Master = master.Bytes()
		return nil
	})
}

// Authority returns the authority whose keys are kept here, nil if there is none.
func (h *Home) Authority() (*authority.Authority, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.secrets.Authority == nil {
		return nil, nil
	}
	return authority.Parse(h.secrets.Authority)
}

// SetAuthority keeps an authority's state, of an authority that is new here.
func (h *Home) SetAuthority(a *authority.Authority) error {
	return h.change(func(s *secrets) error {
		s.Authority = a.Bytes()
		return nil
	})
}

// changeAuthority changes the state of the authority kept here and saves it. Change may be called again, on a newer state that
// another process has saved meanwhile.
func (h *Home) changeAuthority(change func(*authority.Authority) error) error {
	if err := h.refresh(); err != nil {
		return err
	}
	return h.change(func(s *secrets) error {
		if s.Authority == nil {
			return errNoAuthority
		}
		a, err := authority.Parse(s.Authority)
		if err != nil {
			return err
		}
		if err := change(a); err != nil {
			return err
		}
		s.Authority = a.Bytes()
		return nil
	})
}

// refresh takes over what another process has saved, if anything.
func (h *Home) refresh() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reload()
}

var errNoAuthority = errors.New("no authority is kept in this home: found one with 'phr authority init'")

// Node returns the address of the node last used, "" if there is none.
func (h *Home) Node() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.secrets.Node
}

// SetNode remembers the address of the node.
func (h *Home) SetNode(url string) error {
	if h.Node() == url {
		return nil
	}
	return h.change(func(s *secrets) error {
		s.Node = url
		return nil
	})
}

// change changes the secrets and saves them. If another process was faster, its version is read and changed again.
func (h *Home) change(change func(*secrets) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for try := 0; ; try++ {
		if err := change(&h.secrets); err != nil {
			return err
		}
		if h.keystore == nil {
			return nil
		}
		contents, err := canonical.Marshal(&h.secrets)
		if err != nil {
			return err
		}
		err = h.keystore.Save(contents)
		if err == nil {
			return nil
		}
		if !errors.Is(err, keystore.ErrConflict) || try == tries {
			return fmt.Errorf("saving the keystore: %w", err)
		}
		if err := h.reload(); err != nil {
			return err
		}
	}
}

// reload takes over what another process has saved.
func (h *Home) reload() error {
	if h.keystore == nil {
		return nil
	}
	if changed, err := h.keystore.Reload(); err != nil || !changed {
		return err
	}
	var s secrets
	if err := canonical.Unmarshal(h.keystore.Contents(), &s); err != nil {
		return fmt.Errorf("reading the home again: %w", err)
	}
	h.secrets, h.keys = s, nil
	for _, encoded := range s.Keys {
		key, err := abe.ParseAttributeKey(encoded)
		if err != nil {
			return fmt.Errorf("reading the home again: %w", err)
		}
		h.keys = append(h.keys, key)
	}
	return nil
}

// write keeps a file beside the keystore, sealed with its key. The name is of our own making.
func (h *Home) write(name string, contents []byte) error {
	if h.keystore == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.files[name] = contents
		return nil
	}
	sealed, err := h.keystore.Seal(name, contents)
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(h.dir, name), sealed)
}

// writeFile replaces a file such that a crash leaves the old contents or the new.
func writeFile(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all goes well
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// read returns what write kept; it fails with fs.ErrNotExist if there is nothing.
func (h *Home) read(name string) ([]byte, error) {
	if h.keystore == nil {
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
	return h.keystore.Unseal(name, sealed)
}

// remove deletes what write kept.
func (h *Home) remove(name string) error {
	if h.keystore == nil {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.files, name)
		return nil
	}
	return os.Remove(filepath.Join(h.dir, name))
}
