package keystore_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/keystore"
)

// hexBytes are bytes that stand in hexadecimal in a vector.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*b = decoded
	return err
}

// vectors are testdata/vectors.json: files that must open for ever, and files that never may.
type vectors struct {
	Passphrase, Contents string
	Part                 struct {
		Name, Plaintext string
		Sealed          hexBytes
	}
	Good           []goodVector
	Bad            []badVector
	Secret         hexBytes
	GoodByRecovery []goodVector
	BadByRecovery  []badVector
	Passkey        struct{ Salt, Credential hexBytes }
	GoodByPasskey  []goodVector
	BadByPasskey   []badVector
}

func (v *vectors) passkey() keystore.Passkey {
	return keystore.Passkey{Salt: [32]byte(v.Passkey.Salt), Credential: v.Passkey.Credential}
}

type goodVector struct {
	Name       string
	Generation uint64
	In         hexBytes
}

type badVector struct {
	Name, Expect string
	In           hexBytes
}

func readVectors(t testing.TB) *vectors {
	t.Helper()
	var v vectors
	if err := json.Unmarshal(read(t, "testdata/vectors.json"), &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for _, good := range v.Good {
		t.Run(good.Name, func(t *testing.T) { v.check(t, good, open(t, write(t, good.In))) })
	}
	for _, good := range v.GoodByRecovery {
		t.Run(good.Name, func(t *testing.T) {
			v.check(t, good, openRecovery(t, write(t, good.In), [32]byte(v.Secret)))
		})
	}
	for _, good := range v.GoodByPasskey {
		t.Run(good.Name, func(t *testing.T) {
			v.check(t, good, openPasskey(t, write(t, good.In), v.passkey(), [32]byte(v.Secret)))
		})
	}
}

// check looks for what the vectors hold in one that is open.
func (v *vectors) check(t *testing.T, good goodVector, k *keystore.Keystore) {
	t.Helper()
	if string(k.Contents()) != v.Contents || k.Generation() != good.Generation {
		t.Errorf("contents %q, generation %d", k.Contents(), k.Generation())
	}
	part, err := k.Unseal(v.Part.Name, v.Part.Sealed)
	if err != nil || string(part) != v.Part.Plaintext {
		t.Errorf("Unseal = %q, %v, want %q", part, err, v.Part.Plaintext)
	}
}

func TestSlotsOfOtherKindsAreKept(t *testing.T) {
	v := readVectors(t)
	path := write(t, v.Good[1].In)
	k := open(t, path)
	if err := k.Save([]byte("new")); err != nil {
		t.Fatal(err)
	}
	// The slots are the same bytes in both versions: all of the header behind the generation.
	slots := string(v.Good[1].In[20:200])
	if !strings.Contains(string(read(t, path)), slots) {
		t.Error("Save changed a slot that it can't open")
	}
	if got := open(t, path).Contents(); string(got) != "new" {
		t.Errorf("after Save: %q", got)
	}
}

// TestAttack53_Doctored opens, per vector, a file that was changed in one way, and wants the failure that the vector names.
// Among them: the KDF lowered, 4 TiB of memory asked, swapped slots.
func TestAttack53_Doctored(t *testing.T) {
	v := readVectors(t)
	for _, by := range []struct {
		name string
		key  keystore.Key
		bad  []badVector
	}{
		{"passphrase", keystore.Passphrase(passphrase), v.Bad},
		{"recovery", keystore.Recovery([32]byte(v.Secret)), v.BadByRecovery},
		{"passkey", keystore.ByPasskey(v.passkey(), [32]byte(v.Secret)), v.BadByPasskey},
	} {
		for _, bad := range by.bad {
			t.Run("by "+by.name+" "+bad.Name, func(t *testing.T) { bad.check(t, by.key) })
		}
	}
}

func (bad *badVector) check(t *testing.T, by keystore.Key) {
	t.Helper()
	path := write(t, bad.In)
	_, err := keystore.Open(keystore.At(path), by)
	if err == nil || !strings.HasPrefix(err.Error(), "opening keystore: "+bad.Expect) {
		t.Fatalf("Open = %v, want %s", err, bad.Expect)
	}
	if !slices.ContainsFunc(failures, func(want error) bool { return errors.Is(err, want) }) {
		t.Errorf("Open = %v, want one of %v", err, failures)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(bad.In) {
		t.Errorf("Open changed the file, or %v", err)
	}
}

var failures = []error{keystore.ErrMalformed, keystore.ErrPassphrase, keystore.ErrRecovery, keystore.ErrPasskey}

func FuzzParse(f *testing.F) {
	v := readVectors(f)
	for _, good := range slices.Concat(v.Good, v.GoodByRecovery, v.GoodByPasskey) {
		f.Add([]byte(good.In))
	}
	for _, bad := range slices.Concat(v.Bad, v.BadByRecovery, v.BadByPasskey) {
		f.Add([]byte(bad.In))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		again, err := keystore.Reencode(data)
		if err == nil && string(again) != string(data) {
			t.Errorf("accepted %x, writes %x", data, again)
		}
		ways, failed := keystore.Ways(data)
		if (failed == nil) != (err == nil) {
			t.Errorf("ways into %x: %v, and it parses: %v", data, failed, err)
		}
		for _, w := range ways {
			if n := len(w.Passkey.Credential); w.Kind == keystore.PasskeySlot && (n == 0 || n > 1023) {
				t.Errorf("%x has a credential of %d bytes", data, n)
			}
		}
	})
}
