package vault

import (
	"context"
	"crypto/rand"
	"math/big"
	"slices"
	"strings"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/web/view"
)

// setup is a new identity that nothing keeps yet.
type setup struct {
	person
	identity *identity.Identity
	code     *recovery.Secret
	ask      []int // which words are asked back, from 1
	checked  bool
}

// asked is how many words of the sheet are asked back.
const asked = 3

// begin draws an identity and its recovery sheet.
func (v *Vault) begin(_ context.Context, args view.SetupBegin) (view.SetupWords, error) {
	name := strings.TrimSpace(args.Name)
	if name == "" {
		return view.SetupWords{}, misused("A name has to have letters.")
	}
	code, err := recovery.Generate(rand.Reader)
	if err != nil {
		return view.SetupWords{}, err
	}
	fresh, err := client.NewIdentity(code)
	if err != nil {
		return view.SetupWords{}, err
	}
	words := code.Words()
	ask, err := draw(asked, len(words))
	if err != nil {
		return view.SetupWords{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.setup != nil {
		v.setup.code.Close()
	}
	v.setup = &setup{person: person{Name: name, Patient: args.Patient, Unnamed: true}, identity: fresh, code: code, ask: ask}
	return view.SetupWords{Words: words, Ask: ask, GID: string(fresh.GID()), Node: v.config.Node.String()}, nil
}

// draw returns k different numbers from 1 to n, in order.
func draw(k, n int) ([]int, error) {
	var drawn []int
	for len(drawn) < k {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
		if err != nil {
			return nil, err
		}
		if at := int(i.Int64()) + 1; !slices.Contains(drawn, at) {
			drawn = append(drawn, at)
		}
	}
	slices.Sort(drawn)
	return drawn, nil
}

// check compares the words that were asked back.
func (v *Vault) check(_ context.Context, args view.SetupCheck) (view.Nothing, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.setup == nil {
		return view.Nothing{}, errNoSetup
	}
	words := v.setup.code.Words()
	for i, at := range v.setup.ask {
		if i >= len(args.Words) || !strings.EqualFold(strings.TrimSpace(args.Words[i]), words[at-1]) {
			return view.Nothing{}, misused("These are not the words of the sheet.")
		}
	}
	v.setup.checked = true
	return view.Nothing{}, nil
}

var errNoSetup = misused("Nobody is being set up: begin anew.")

// finish keeps the identity and opens it. It is registered at the node; if that can't be reached, it is when it is unlocked again.
func (v *Vault) finish(ctx context.Context, args view.SetupFinish) (view.VaultPerson, error) {
	v.mu.Lock()
	s := v.setup
	v.mu.Unlock()
	switch {
	case s == nil:
		return view.VaultPerson{}, errNoSetup
	case !s.checked:
		return view.VaultPerson{}, misused("The words of the sheet were not asked back yet.")
	}
	keys, err := v.keysOf(ctx, args)
	if err != nil {
		return view.VaultPerson{}, err
	}
	s.Created = v.config.Now()
	gid := s.identity.GID()
	// If we were to crash between the two, nobody would see a person without keys.
	if err := v.setPerson(gid, s.person); err != nil {
		return view.VaultPerson{}, err
	}
	home, err := client.CreateHomeIn(v.store(gid), s.identity, s.code, keys...)
	if err != nil {
		return view.VaultPerson{}, err
	}
	v.mu.Lock()
	v.setup = nil
	v.mu.Unlock()
	s.code.Close()
	return v.opened(ctx, home)
}

// keysOf returns the keys that were chosen, one at least.
func (v *Vault) keysOf(ctx context.Context, args view.SetupFinish) (keys []keystore.Key, err error) {
	if args.Passphrase == "" && args.Passkey == nil {
		return nil, misused("Choose a passphrase or a passkey.")
	}
	if args.Passphrase != "" {
		key, err := v.newPassphrase(ctx, args.Passphrase)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if args.Passkey != nil {
		key, err := passkeyOf(args.Passkey)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// newPassphrase returns the key of a passphrase that is new.
func (v *Vault) newPassphrase(ctx context.Context, passphrase string) (keystore.Key, error) {
	d := keystore.NewDerivation(v.config.Cost)
	derived, err := v.config.Derive(ctx, d, []byte(passphrase))
	return keystore.Derived(d, derived), err
}

func passkeyOf(p *view.Passkey) (keystore.Key, error) {
	if len(p.Salt) != 32 || len(p.Secret) != 32 {
		return keystore.Key{}, misused("The passkey gave something else than a key.")
	}
	return keystore.ByPasskey(keystore.Passkey{Salt: [32]byte(p.Salt), Credential: p.Credential}, [32]byte(p.Secret)), nil
}
