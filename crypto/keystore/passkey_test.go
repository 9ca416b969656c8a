package keystore_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

var (
	phone  = keystore.Passkey{Salt: [32]byte{1}, Credential: []byte("phone")}
	laptop = keystore.Passkey{Salt: [32]byte{2}, Credential: bytes.Repeat([]byte{7}, 1023)}
)

func openPasskey(t testing.TB, path string, p keystore.Passkey, secret [32]byte) *keystore.Keystore {
	t.Helper()
	k, err := keystore.Open(keystore.At(path), keystore.ByPasskey(p, secret))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func refusesPasskey(t testing.TB, path, name string, p keystore.Passkey, secret [32]byte) {
	t.Helper()
	if _, err := keystore.Open(keystore.At(path), keystore.ByPasskey(p, secret)); !errors.Is(err, keystore.ErrPasskey) {
		t.Errorf("%s: %v, want ErrPasskey", name, err)
	}
}

func TestPasskeys(t *testing.T) {
	k, path := create(t, []byte("one"))
	refusesPasskey(t, path, "a passkey that was never set", phone, secret)
	for p, secret := range map[*keystore.Passkey][32]byte{&phone: {1}, &laptop: {2}} {
		if err := k.Set(keystore.ByPasskey(*p, secret)); err != nil {
			t.Fatal(err)
		}
	}
	for p, secret := range map[*keystore.Passkey][32]byte{&phone: {1}, &laptop: {2}} {
		if got := openPasskey(t, path, *p, secret).Contents(); string(got) != "one" {
			t.Errorf("by a passkey: %q", got)
		}
	}
	refusesPasskey(t, path, "the secret of another passkey", phone, [32]byte{2})
	refusesPasskey(t, path, "another salt", keystore.Passkey{Credential: phone.Credential}, [32]byte{1})
	refusesPasskey(t, path, "another credential", keystore.Passkey{Salt: phone.Salt, Credential: []byte("tablet")}, [32]byte{1})
	if _, err := keystore.Open(keystore.At(path), keystore.Recovery([32]byte{1})); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("the secret of a passkey as a recovery secret: %v", err)
	}

	again := phone
	again.Salt = [32]byte{3}
	if err := k.Set(keystore.ByPasskey(again, [32]byte{3})); err != nil { // in the place of the first
		t.Fatal(err)
	}
	refusesPasskey(t, path, "the secret before", phone, [32]byte{1})
	openPasskey(t, path, laptop, [32]byte{2})
	if err := k.RemovePasskey(phone.Credential); err != nil {
		t.Fatal(err)
	}
	refusesPasskey(t, path, "a passkey that was removed", again, [32]byte{3})
	if err := k.RemovePasskey(phone.Credential); err == nil {
		t.Error("a passkey is removed twice")
	}
	openPasskey(t, path, laptop, [32]byte{2})
	open(t, path)
}

// TestPasskeysAreNamed: a page that holds the file alone knows what to ask the authenticator for.
func TestPasskeysAreNamed(t *testing.T) {
	k, path := create(t, nil)
	for _, p := range []keystore.Passkey{phone, laptop} {
		if err := k.Set(keystore.ByPasskey(p, secret)); err != nil {
			t.Fatal(err)
		}
	}
	ways, err := keystore.Ways(read(t, path))
	if err != nil {
		t.Fatal(err)
	}
	if len(ways) != 3 || ways[0].Kind != keystore.PassphraseSlot || ways[0].Derivation.Params != floor {
		t.Fatalf("ways %+v", ways)
	}
	for i, want := range []keystore.Passkey{phone, laptop} {
		if got := ways[i+1]; got.Kind != keystore.PasskeySlot || got.Passkey.Salt != want.Salt || !bytes.Equal(got.Passkey.Credential, want.Credential) {
			t.Errorf("way %+v, want %+v", got, want)
		}
	}
	if _, err := keystore.Ways(nil); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("ways into no keystore: %v", err)
	}
}

func TestPasskeyRefused(t *testing.T) {
	k, path := create(t, nil)
	before := read(t, path)
	for name, key := range map[string]keystore.Key{
		"no secret":              keystore.ByPasskey(phone, [32]byte{}),
		"no credential":          keystore.ByPasskey(keystore.Passkey{}, secret),
		"a credential too long":  keystore.ByPasskey(keystore.Passkey{Credential: make([]byte, 1024)}, secret),
		"no key":                 {},
		"a derivation too cheap": keystore.Derived(keystore.Derivation{Salt: make([]byte, 16), Params: keystore.Params{Time: 1, MemoryKiB: 8, Threads: 1}}, secret),
		"a derivation's salt":    keystore.Derived(keystore.Derivation{Salt: make([]byte, 8), Params: floor}, secret),
	} {
		if err := k.Set(key); err == nil {
			t.Errorf("%s: was set", name)
		}
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("what was refused changed the file")
	}
	if _, err := keystore.Create(keystore.At(path+"2"), nil, keystore.ByPasskey(phone, secret)); err == nil {
		t.Error("a keystore was made that opens by a passkey alone")
	}
	for i := byte(1); i < 8; i++ {
		if err := k.Set(keystore.ByPasskey(keystore.Passkey{Credential: []byte{i}}, secret)); err != nil {
			t.Fatal(err)
		}
	}
	if err := k.Set(keystore.ByPasskey(phone, secret)); err == nil {
		t.Error("a ninth slot was made")
	}
}

// TestPasskeyAndRecoveryAlone: a keystore needs no passphrase, and keeps its recovery secret then.
func TestPasskeyAndRecoveryAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home", "keystore")
	k, err := keystore.Create(keystore.At(path), []byte("one"), keystore.ByPasskey(phone, [32]byte{1}), keystore.Recovery(secret))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if want := []keystore.SlotKind{keystore.PasskeySlot, keystore.RecoverySlot}; !slices.Equal(k.Slots(), want) {
		t.Errorf("slots %v, want %v", k.Slots(), want)
	}
	if err := k.RemoveRecovery(); err == nil {
		t.Error("nothing but a passkey is left")
	}
	openPasskey(t, path, phone, [32]byte{1})
	openRecovery(t, path, secret)
}

// TestAttack53_PasskeyPutBack: the slot of a passkey that was removed is put back into the newest file.
func TestAttack53_PasskeyPutBack(t *testing.T) {
	k, path := create(t, nil)
	if err := k.Set(keystore.ByPasskey(phone, secret)); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	if err := k.RemovePasskey(phone.Credential); err != nil {
		t.Fatal(err)
	}
	spliced, err := keystore.Splice(read(t, path), before)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keystore.Open(keystore.At(write(t, spliced)), keystore.ByPasskey(phone, secret)); !errors.Is(err, keystore.ErrMalformed) {
		t.Errorf("the slot of a removed passkey: %v, want ErrMalformed", err)
	}
}
