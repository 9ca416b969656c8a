package client

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

// Home is what one person or authority keeps on their machine: the secrets in a keystore, and files beside it that are
// sealed with the keystore's key. A home without a keystore lives in memory.
type Home struct {
	redacted
	store    Store
	keystore *keystore.Keystore // nil in memory, and with an agent
	agent    Keys               // which acts with the keys if they are not here
	hangUp   func()             // ends what there is with the agent

	mu      sync.Mutex
	secrets secrets
	whose   sync.Mutex         // taken after mu, and held for nothing else
	person  *identity.Identity // replaced under mu and whose
	keys    []*abe.AttributeKey
	turns   map[string]turn // of locks

	// Where the authority is kept, if not in the keystore.
	load func() (*authority.Authority, error)
	save func(*authority.Authority) error
}

type secrets struct {
	Identity  []byte   `cbor:"1,keyasint"`
	Master    []byte   `cbor:"3,keyasint,omitempty"` // abe.MasterKey of a patient's own authority
	Authority []byte   `cbor:"4,keyasint,omitempty"` // authority.Authority of a founder
	Keys      [][]byte `cbor:"5,keyasint,omitempty"` // attribute keys held
	Node      string   `cbor:"6,keyasint,omitempty"` // address last used

	// How the identity is recovered when all of this is lost, and how it is replaced.
	Escrow   []byte       `cbor:"7,keyasint,omitempty"`  // public half of the escrow key, derived from the recovery code
	Escrowed []byte       `cbor:"8,keyasint,omitempty"`  // hash of what the newest escrow holds
	Unkept   *unkept      `cbor:"11,keyasint,omitempty"` // an escrow that is not known to stand on the log
	Lost     *lostSecrets `cbor:"9,keyasint,omitempty"`  // while the identity is being recovered
	Next     *nextSecrets `cbor:"10,keyasint,omitempty"` // while its keys are being replaced
}

// NewHome makes an identity and a home in memory for it. Nothing recovers the identity once the home is gone.
func NewHome() (*Home, error) {
	person, _, err := identity.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	return HomeOf(person), nil
}

// NewIdentity draws an identity that the recovery code may later bring back. Nothing keeps the code but its owner.
func NewIdentity(code *recovery.Secret) (*identity.Identity, error) {
	key, err := recoveryKey(code)
	if err != nil {
		return nil, err
	}
	return identity.GenerateFor(rand.Reader, key.Hash())
}

// recoveryKey returns the key, derived from the code, that may replace an identity's keys.
func recoveryKey(code *recovery.Secret) (*identity.Recovery, error) {
	seed := code.IdentitySeed()
	defer clear(seed)
	return identity.ParseRecovery(seed)
}

// CreateHome keeps an identity in a new home at dir, which the passphrase opens, and the recovery code that the identity was
// drawn for.
func CreateHome(dir string, passphrase []byte, person *identity.Identity, code *recovery.Secret) (*Home, error) {
	return createHome(dir, passphrase, person, code, keystore.Native)
}

func createHome(dir string, passphrase []byte, person *identity.Identity, code *recovery.Secret, cost keystore.Params) (*Home, error) {
	return newHome(InDirectory(dir), person, code, secrets{}, keystore.Passphrase(passphrase).Costing(cost))
}

// CreateHomeIn keeps an identity in a new home in a store, which each of the keys opens, and the recovery code that the identity was
// drawn for.
func CreateHomeIn(store Store, person *identity.Identity, code *recovery.Secret, keys ...keystore.Key) (*Home, error) {
	return newHome(store, person, code, secrets{}, keys...)
}

// newHome creates a home with secrets that are not the identity's alone.
func newHome(store Store, person *identity.Identity, code *recovery.Secret, s secrets, keys ...keystore.Key) (*Home, error) {
	key, err := recoveryKey(code)
	if err != nil {
		return nil, fmt.Errorf("creating a home: %w", err)
	}
	if key.Hash() != person.RecoveryHash() {
		return nil, errors.New("creating a home: the recovery code is not this identity's")
	}
	escrow, err := escrowKey(code)
	if err != nil {
		return nil, fmt.Errorf("creating a home: %w", err)
	}
	s.Identity, s.Escrow = person.Bytes(), escrow.Public()
	h := &Home{store: store, person: person, secrets: s, turns: make(map[string]turn)}
	contents, err := canonical.Marshal(&h.secrets)
	if err != nil {
		return nil, err
	}
	defer clear(contents)
	secret := code.KeystoreSecret()
	defer clear(secret)
	if err := h.createKeystore(contents, append(keys, keystore.Recovery([32]byte(secret)))...); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *Home) createKeystore(contents []byte, keys ...keystore.Key) (err error) {
	h.keystore, err = keystore.Create(h.store.Keystore(), contents, keys...)
	if errors.Is(err, fs.ErrExist) {
		return errTaken(h.store)
	}
	if err != nil {
		return fmt.Errorf("creating a home: %w", err)
	}
	return nil
}

// OpenHome opens the home at dir.
func OpenHome(dir string, passphrase []byte) (*Home, error) {
	return OpenHomeIn(InDirectory(dir), keystore.Passphrase(passphrase))
}

// RecoverHome opens the home at dir by the recovery code, for who has forgotten the passphrase.
func RecoverHome(dir string, code *recovery.Secret) (*Home, error) {
	secret := code.KeystoreSecret()
	defer clear(secret)
	return OpenHomeIn(InDirectory(dir), keystore.Recovery([32]byte(secret)))
}

// OpenHomeIn opens the home in a store by a key.
func OpenHomeIn(store Store, by keystore.Key) (*Home, error) {
	return openHome(store, func(at keystore.Place) (*keystore.Keystore, error) { return keystore.Open(at, by) })
}

func openHome(store Store, open func(keystore.Place) (*keystore.Keystore, error)) (*Home, error) {
	ks, err := open(store.Keystore())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no identity in %s: make one with 'phr id create', or choose another --home", store)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the home %s: %w", store, err)
	}
	h := &Home{store: store, keystore: ks, turns: make(map[string]turn)}
	if err := h.unpack(); err != nil {
		h.Close()
		return nil, fmt.Errorf("opening the home %s: %w", store, err)
	}
	return h, nil
}

// unpack reads what the keystore holds.
func (h *Home) unpack() error {
	contents := h.keystore.Contents()
	defer clear(contents)
	return h.take(contents)
}

func parseKeys(all [][]byte) ([]*abe.AttributeKey, error) {
	keys := make([]*abe.AttributeKey, len(all))
	for i, encoded := range all {
		var err error
		if keys[i], err = abe.ParseAttributeKey(encoded); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// HomeOf returns a home in memory for an identity whose keys are kept elsewhere.
func HomeOf(person *identity.Identity) *Home {
	return &Home{
		person: person, secrets: secrets{Identity: person.Bytes()}, store: InMemory(), turns: make(map[string]turn),
	}
}

// HomeWith returns the home at dir whose keys an agent holds. What changes the keystore fails in it, with ErrAgent. Close calls
// hangUp.
func HomeWith(dir string, agent Keys, hangUp func()) *Home {
	return &Home{store: InDirectory(dir), agent: agent, hangUp: hangUp, turns: make(map[string]turn)}
}

// HomeOfAuthority returns a home in memory for the founder of an authority that is kept elsewhere, where other processes may change
// it: load returns its newest state, and save keeps another.
func HomeOfAuthority(founder *identity.Identity, load func() (*authority.Authority, error), save func(*authority.Authority) error) (*Home, error) {
	h := HomeOf(founder)
	h.load, h.save = load, save
	return h, h.reload()
}

// Close wipes the secrets from memory, as far as the home itself holds them. Clients that use it must be closed.
func (h *Home) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, secret := range append(h.secrets.Keys, h.secrets.Identity, h.secrets.Master, h.secrets.Authority) {
		clear(secret)
	}
	if h.secrets.Lost != nil {
		clear(h.secrets.Lost.Key)
	}
	if h.secrets.Next != nil {
		clear(h.secrets.Next.Identity)
		clear(h.secrets.Next.Slot)
	}
	h.secrets, h.keys = secrets{}, nil
	if h.hangUp != nil {
		h.hangUp()
	}
	if h.keystore != nil {
		h.keystore.Close()
	}
}

// GID returns whose home it is.
func (h *Home) GID() identity.GID { return h.Keys().GID() }

// Identity returns the person's signing and opening keys, nil where an agent has them.
func (h *Home) Identity() *identity.Identity {
	h.whose.Lock()
	defer h.whose.Unlock()
	return h.person
}

// AttributeKeys returns the attribute keys held here, none where an agent has them: see Keys.
func (h *Home) AttributeKeys() []*abe.AttributeKey {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.keys[:len(h.keys):len(h.keys)]
}

// addKey keeps an attribute key that has been verified. It tells whether that was not kept before.
func (h *Home) addKey(key *abe.AttributeKey) (added bool, err error) {
	encoded := key.Bytes()
	err = h.change(func(s *secrets) error {
		if added = !slices.ContainsFunc(s.Keys, func(k []byte) bool { return bytes.Equal(k, encoded) }); added {
			s.Keys = append(s.Keys, encoded)
		}
		return nil
	})
	return added, err
}

// master returns the master key of the patient's own authority, which it draws and keeps first if there is none yet.
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
	if h.agent != nil {
		return nil, ErrAgent
	}
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
	if err := h.Refresh(); err != nil {
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

// ErrAgent is returned, wrapped, for what is not done through an agent: it takes the keystore itself.
var ErrAgent = errors.New("the agent does not give keys away: this needs the home's passphrase")

// Refresh takes over what another process has saved, if anything.
func (h *Home) Refresh() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.reload()
}

var errNoAuthority = errors.New("no authority is kept in this home: found one with 'phr authority init'")

// Node returns the address of the node last used, "" if there is none.
func (h *Home) Node() string {
	url, err := h.Keys().Node()
	if err != nil {
		return "" // as if it were not known: whoever needs the keys hears of it
	}
	return url
}

// SetNode remembers the address of the node.
func (h *Home) SetNode(url string) error {
	if h.Node() == url {
		return nil
	}
	return h.Keys().SetNode(url)
}

// change changes the secrets and saves them; what can't be saved is not changed in memory either. If another process was
// faster, its version is read and changed again.
func (h *Home) change(change func(*secrets) error) error {
	if h.agent != nil {
		return ErrAgent
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for try := 0; ; try++ {
		changed := h.secrets
		changed.Keys = slices.Clip(changed.Keys)
		if err := change(&changed); err != nil {
			return err
		}
		err := h.saveSecrets(&changed)
		if err == nil {
			return h.adopt(changed)
		}
		if !errors.Is(err, keystore.ErrConflict) || try == maxSaves {
			return fmt.Errorf("saving the keystore: %w", err)
		}
		if err := h.reload(); err != nil {
			return err
		}
	}
}

// maxSaves bounds how often a change is tried again after other processes were faster.
const maxSaves = 10

func (h *Home) saveSecrets(s *secrets) error {
	if h.save != nil && !bytes.Equal(s.Authority, h.secrets.Authority) {
		a, err := authority.Parse(s.Authority)
		if err != nil {
			return err
		}
		return h.save(a)
	}
	if h.keystore == nil {
		return nil
	}
	contents, err := canonical.Marshal(s)
	if err != nil {
		return err
	}
	defer clear(contents)
	return h.keystore.Save(contents)
}

// adopt makes secrets that are saved the ones in use.
func (h *Home) adopt(s secrets) error {
	if !bytes.Equal(s.Identity, h.secrets.Identity) {
		person, err := identity.Parse(s.Identity)
		if err != nil {
			return err
		}
		h.whose.Lock()
		h.person = person
		h.whose.Unlock()
	}
	if len(s.Keys) != len(h.keys) {
		keys, err := parseKeys(s.Keys)
		if err != nil {
			return err
		}
		h.keys = keys
	}
	h.secrets = s
	return nil
}

// reload takes over what another process has saved.
func (h *Home) reload() error {
	if h.load != nil {
		a, err := h.load()
		if err != nil {
			return err
		}
		s := h.secrets
		s.Authority = a.Bytes()
		return h.adopt(s)
	}
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
	if err := h.adopt(s); err != nil {
		return fmt.Errorf("reading the home again: %w", err)
	}
	return nil
}
