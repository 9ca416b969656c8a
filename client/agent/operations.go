package agent

import (
	"crypto/sha256"
	"fmt"
	"regexp"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// openable are the infos under which the agent opens what is sealed to the person. Attribute keys and requests to an authority are
// not among them: what is in those is a key, or for a founder's program alone.
var openable = map[string]bool{
	epoch.OwnerInfo:    true,
	epoch.ApprovedInfo: true,
}

// operation does one thing with the keys of an unlocked home.
type operation func(h *client.Home, args []byte) ([]byte, error)

// operations are all that takes the keys.
func operations() map[string]operation {
	return map[string]operation{
		opSignEvent:   typed(signEvent),
		opSignHello:   typed(signHello),
		opSignAnswer:  typed(signAnswer),
		opOpen:        typed(openSealed),
		opEnrol:       typed(enrol),
		opAttributes:  typed(attributes),
		opKeep:        typed(keep),
		opDecapsulate: typed(decapsulate),
		opMaster:      typed(master),
		opIssue:       typed(issue),
		opEscrow:      typed(escrow),
		opEscrowed:    typed(setEscrowed),
		opSeal:        typed(seal),
		opUnseal:      typed(unseal),
		opNode:        typed(node),
		opSetNode:     typed(setNode),
	}
}

// typed makes an operation of a function.
func typed[A, R any](f func(k client.Keys, args *A) (*R, error)) operation {
	return func(h *client.Home, args []byte) ([]byte, error) {
		a := new(A)
		if err := decode(args, a); err != nil {
			return nil, err
		}
		r, err := f(h.Keys(), a)
		if err != nil {
			return nil, err
		}
		return canonical.Marshal(r)
	}
}

// signEvent signs an event of a kind it knows, by the person, that is not signed yet.
func signEvent(k client.Keys, a *one) (*one, error) {
	e, err := ledger.ParseEvent(a.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w to sign what is not an event: %w", ErrRefused, err)
	}
	if _, unknown := e.Body.(*ledger.Unknown); unknown || e.Author != k.GID() || len(e.Signature) != 0 {
		return nil, fmt.Errorf("%w to sign an event that is of an unknown kind, by somebody else, or signed", ErrRefused)
	}
	if err := k.SignEvent(e); err != nil {
		return nil, err
	}
	return &one{e.Signature}, nil
}

func signHello(k client.Keys, a *one) (*one, error) {
	signature, err := k.SignHello(a.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w to sign what is not a hello by this person: %w", ErrRefused, err)
	}
	return &one{signature}, nil
}

func signAnswer(k client.Keys, a *answerArgs) (*one, error) {
	signature, err := k.SignAnswer(a.Transcript, a.Tag)
	return &one{signature}, err
}

func openSealed(k client.Keys, a *openArgs) (*one, error) {
	if !openable[a.Info] {
		return nil, fmt.Errorf("%w to open what is sealed as %q", ErrRefused, ledger.Clip(a.Info))
	}
	plaintext, err := k.Open(a.Info, a.AAD, a.Sealed)
	return &one{plaintext}, err
}

func enrol(k client.Keys, a *enrolArgs) (*one, error) {
	code, err := authority.ParseCode(a.Code)
	if err != nil {
		return nil, err
	}
	founder, err := identity.ParseKeys(a.Sign, a.Seal)
	if err != nil {
		return nil, err
	}
	sealed, err := k.RequestEnrolment(code, a.Display, founder)
	return &one{sealed}, err
}

func attributes(k client.Keys, _ *none) (*heldKeys, error) {
	all, err := k.Attributes()
	var r heldKeys
	for _, key := range all {
		r.Keys = append(r.Keys, showKey(key))
	}
	return &r, err
}

func showKey(k client.HeldKey) heldKey {
	return heldKey{k.Attribute.Name, string(k.Attribute.Authority), k.Version, k.AuthorityKey}
}

func (k *heldKey) key() client.HeldKey {
	return client.HeldKey{
		Attribute: policy.Attribute{Name: k.Name, Authority: policy.Authority(k.Authority)}, Version: k.Version, AuthorityKey: k.AuthorityKey,
	}
}

func keep(k client.Keys, a *keepArgs) (*keptKey, error) {
	e, err := ledger.ParseEntry(a.Entry)
	if err != nil {
		return nil, err
	}
	pks, err := parsePublic(a.Keys)
	if err != nil {
		return nil, err
	}
	key, added, err := k.KeepKey(e, pks)
	return &keptKey{showKey(key), added}, err
}

// maxKeys bounds how many public keys of authorities come with a request. Each costs a check of some milliseconds.
const maxKeys = 64

func parsePublic(encoded [][]byte) ([]*abe.PublicKey, error) {
	if len(encoded) > maxKeys {
		return nil, fmt.Errorf("%w to look at %d keys of authorities", ErrRefused, len(encoded))
	}
	pks := make([]*abe.PublicKey, len(encoded))
	for i, b := range encoded {
		var err error
		if pks[i], err = abe.ParsePublicKey(b); err != nil {
			return nil, err
		}
	}
	return pks, nil
}

// decapsulate opens a ciphertext under one of the labels of the protocol, for the policy and versions that it names.
func decapsulate(k client.Keys, a *decapsulateArgs) (*one, error) {
	label := abe.Label(a.Label)
	if label != abe.Wrap && label != abe.Challenge && label != abe.Approval {
		return nil, fmt.Errorf("%w to decapsulate under the label %q", ErrRefused, ledger.Clip(a.Label))
	}
	h, err := abe.ParseHeader(a.Ciphertext)
	if err != nil {
		return nil, abe.ErrDecapsulation
	}
	pks, err := parsePublic(a.Keys)
	if err != nil {
		return nil, err
	}
	x, err := abe.NewExpression(h.Policy, versionsOf(h), pks...)
	if err != nil {
		return nil, err
	}
	key, err := k.Decapsulate(x, label, a.Context, a.Ciphertext)
	return &one{key[:]}, err
}

func versionsOf(h *abe.Header) func(policy.Attribute) (uint32, bool) {
	versions := make(map[policy.Attribute]uint32)
	for i, a := range h.Policy.Attributes() {
		versions[a] = h.Versions[i]
	}
	return func(a policy.Attribute) (uint32, bool) {
		v, ok := versions[a]
		return v, ok
	}
}

func master(k client.Keys, _ *none) (*one, error) {
	pk, err := k.MasterKey()
	if err != nil {
		return nil, err
	}
	return &one{pk.Bytes()}, nil
}

// issue issues the attribute of a grant. To the patient themself it does not: sealed to keys of the asker's choice, that would
// be a key given away.
func issue(k client.Keys, a *issueArgs) (*one, error) {
	keys, err := identity.ParseKeys(a.Sign, a.Seal)
	if err != nil {
		return nil, err
	}
	if _, err := identity.ParseGID(string(a.GID)); err != nil || a.GID == k.GID() {
		return nil, fmt.Errorf("%w to issue a grant to %q", ErrRefused, ledger.Clip(string(a.GID)))
	}
	issued, err := k.IssueGrant(a.GID, keys, a.Term)
	if err != nil {
		return nil, err
	}
	encoded, err := canonical.Marshal(issued)
	return &one{encoded}, err
}

// escrow is sealed to a key that only the recovery words open, and that the keystore names, not the asker.
func escrow(k client.Keys, _ *none) (*escrowed, error) {
	sealed, sum, err := k.Escrow()
	return &escrowed{sealed, sum}, err
}

func setEscrowed(k client.Keys, a *one) (*none, error) {
	if len(a.Bytes) != sha256.Size {
		return nil, fmt.Errorf("%w to remember a hash of %d bytes", ErrRefused, len(a.Bytes))
	}
	return &none{}, k.SetEscrowed(a.Bytes)
}

// fileNames are the names that a home gives to its files.
var fileNames = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,199}$`)

func seal(k client.Keys, a *fileArgs) (*one, error) {
	if !fileNames.MatchString(a.Name) {
		return nil, fmt.Errorf("%w to seal a file of the name %q", ErrRefused, ledger.Clip(a.Name))
	}
	sealed, err := k.Seal(a.Name, a.Bytes)
	return &one{sealed}, err
}

func unseal(k client.Keys, a *fileArgs) (*one, error) {
	if !fileNames.MatchString(a.Name) {
		return nil, fmt.Errorf("%w to unseal a file of the name %q", ErrRefused, ledger.Clip(a.Name))
	}
	plaintext, err := k.Unseal(a.Name, a.Bytes)
	return &one{plaintext}, err
}

func node(k client.Keys, _ *none) (*text, error) {
	url, err := k.Node()
	return &text{url}, err
}

const maxURL = 4 << 10 // bytes

func setNode(k client.Keys, a *text) (*none, error) {
	if len(a.Text) > maxURL {
		return nil, fmt.Errorf("%w to remember an address of %d bytes", ErrRefused, len(a.Text))
	}
	return &none{}, k.SetNode(a.Text)
}
