package client

import (
	"crypto/rand"
	"errors"
	"slices"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// Keys is what a person's secret keys do. A Home does it with the keys in its keystore, or leaves it to an agent that holds them. No
// method gives a secret key away. They are safe for concurrent use.
type Keys interface {
	challenge.Signer
	epoch.Opener

	// Inception returns what the GID commits to, and Public the public keys in force.
	Inception() *identity.Inception
	Public() *identity.Keys

	// SignEvent sets the signature of an event by this person, which is complete but for that.
	SignEvent(e *ledger.Event) error

	// RequestEnrolment is authority.NewRequest.
	RequestEnrolment(code authority.Code, display string, founder *identity.Keys) ([]byte, error)

	// Attributes returns which attribute keys are held.
	Attributes() ([]HeldKey, error)

	// KeepKey opens an attribute key that the log issues, and keeps it: see authority.OpenKey. It tells whether that was not kept
	// before.
	KeepKey(issued *ledger.Entry, pks []*abe.PublicKey) (key HeldKey, added bool, err error)

	// Decapsulate is abe.Expression.Decapsulate with the attribute keys held.
	Decapsulate(x *abe.Expression, label abe.Label, context, ciphertext []byte) ([32]byte, error)

	// MasterKey returns the public key of the patient's own authority, which is drawn first if there is none yet.
	MasterKey() (*abe.PublicKey, error)

	// IssueGrant is authority.IssueGrant by the patient's own authority, to somebody else.
	IssueGrant(gid identity.GID, keys *identity.Keys, term ledger.TermID) (*ledger.KeyIssued, error)

	// Escrow returns what a recovery needs, sealed to the recovery code, and its hash; nil if the newest escrow on the log holds it
	// already. SetEscrowed remembers that it does now.
	Escrow() (sealed, sum []byte, err error)
	SetEscrowed(sum []byte) error

	// Seal and Unseal seal a file of the home: see keystore.Keystore.
	Seal(name string, plaintext []byte) ([]byte, error)
	Unseal(name string, sealed []byte) ([]byte, error)

	// Node returns the address of the node last used, "" if there is none, and SetNode remembers it.
	Node() (string, error)
	SetNode(url string) error
}

// HeldKey tells of an attribute key that is held.
type HeldKey struct {
	Attribute    policy.Attribute
	Version      uint32
	AuthorityKey [32]byte // hash of the public key that it was issued under
}

// describe tells of a key.
func describe(k *abe.AttributeKey) HeldKey {
	return HeldKey{k.Attribute(), k.Version(), k.AuthorityKey()}
}

// held does what Keys says with the keys in the home.
type held struct{ h *Home }

// Keys returns what acts with the home's keys.
func (h *Home) Keys() Keys {
	if h.agent != nil {
		return h.agent
	}
	return held{h}
}

func (k held) GID() identity.GID { return k.h.Identity().GID() }

func (k held) Inception() *identity.Inception { return k.h.Identity().Inception() }

func (k held) Public() *identity.Keys { return k.h.Identity().Keys() }

func (k held) SignHello(unsigned []byte) ([]byte, error) {
	return challenge.Held{Identity: k.h.Identity()}.SignHello(unsigned)
}

func (k held) SignAnswer(th2, tag [32]byte) ([]byte, error) {
	return challenge.Held{Identity: k.h.Identity()}.SignAnswer(th2, tag)
}

func (k held) SignEvent(e *ledger.Event) error { return e.Sign(k.h.Identity()) }

func (k held) Open(info string, aad, sealed []byte) ([]byte, error) {
	return k.h.Identity().Open(info, aad, sealed)
}

func (k held) RequestEnrolment(code authority.Code, display string, founder *identity.Keys) ([]byte, error) {
	return authority.NewRequest(code, k.h.Identity(), display, founder)
}

func (k held) Attributes() ([]HeldKey, error) {
	var all []HeldKey
	for _, key := range k.h.AttributeKeys() {
		all = append(all, describe(key))
	}
	return all, nil
}

func (k held) KeepKey(issued *ledger.Entry, pks []*abe.PublicKey) (HeldKey, bool, error) {
	key, err := authority.OpenKey(k.h.Identity(), issued, pks...)
	if err != nil {
		return HeldKey{}, false, err
	}
	added, err := k.h.addKey(key)
	return describe(key), added, err
}

func (k held) Decapsulate(x *abe.Expression, label abe.Label, context, ciphertext []byte) ([32]byte, error) {
	return x.Decapsulate(k.h.AttributeKeys(), label, context, ciphertext)
}

func (k held) MasterKey() (*abe.PublicKey, error) {
	master, err := k.h.master()
	if err != nil {
		return nil, err
	}
	return master.PublicKey(), nil
}

func (k held) IssueGrant(gid identity.GID, keys *identity.Keys, term ledger.TermID) (*ledger.KeyIssued, error) {
	master, err := k.h.master()
	if err != nil {
		return nil, err
	}
	return authority.IssueGrant(rand.Reader, master, gid, keys, term)
}

func (k held) Seal(name string, plaintext []byte) ([]byte, error) {
	if k.h.keystore == nil {
		return nil, errInMemory
	}
	return k.h.keystore.Seal(name, plaintext)
}

func (k held) Unseal(name string, sealed []byte) ([]byte, error) {
	if k.h.keystore == nil {
		return nil, errInMemory
	}
	return k.h.keystore.Unseal(name, sealed)
}

func (k held) Node() (string, error) {
	k.h.mu.Lock()
	defer k.h.mu.Unlock()
	return k.h.secrets.Node, nil
}

func (k held) SetNode(url string) error {
	return k.h.change(func(s *secrets) error {
		s.Node = url
		return nil
	})
}

var errInMemory = errors.New("a home in memory has no keystore")

// holds tells whether a key is kept already that was issued under a public key, for the attribute and version that an entry
// issues one for.
func (h *Home) holds(key *ledger.KeyIssued, under *abe.PublicKey) (bool, error) {
	all, err := h.Keys().Attributes()
	return slices.ContainsFunc(all, func(k HeldKey) bool {
		return k.Attribute.Name == key.Attribute && k.Version == key.Version && k.AuthorityKey == under.Hash()
	}), err
}
