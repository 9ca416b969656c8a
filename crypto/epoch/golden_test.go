package epoch_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
)

// hexBytes stands in the vector files as a hexadecimal string.
type hexBytes []byte

func (b hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(b)), nil }

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

// expected are the outcomes that vectors name.
var expected = map[string]error{"ok": nil, "cannot open": epoch.ErrOpen, "erased": epoch.ErrErased, "no history": epoch.ErrNoHistory}

// recordVector is one sealed record and what opening it gives.
type recordVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"`

	Keys        hexBytes `json:"keys"`  // epoch key, history key
	Shred       hexBytes `json:"shred"` // as Bytes writes it
	Version     uint8    `json:"version"`
	Patient     string   `json:"patient"`
	Compartment string   `json:"compartment"`
	Epoch       uint32   `json:"epoch"`
	EventID     hexBytes `json:"event_id"`
	Kind        string   `json:"kind"`
	Author      string   `json:"author"`
	RefersTo    hexBytes `json:"refers_to"`
	Leaf        hexBytes `json:"leaf"`
	Class       string   `json:"class"`

	Body   string   `json:"body,omitempty"`
	Salt   hexBytes `json:"salt,omitempty"` // where sealing the body with this salt gives the same bytes
	Sealed hexBytes `json:"sealed"`
}

func (v recordVector) header() epoch.Header {
	return epoch.Header{
		Version: v.Version, Patient: v.Patient, Compartment: v.Compartment, Epoch: v.Epoch, EventID: [16]byte(v.EventID),
		Kind: v.Kind, Author: v.Author, RefersTo: [16]byte(v.RefersTo), Leaf: epoch.Leaf(v.Leaf), Class: v.Class,
	}
}

// Records sealed once open for ever, and what never opened never will.
func TestGoldenRecords(t *testing.T) {
	for _, v := range readVectors[recordVector](t, "testdata/records.json") {
		t.Run(v.Name, func(t *testing.T) {
			keys := keysOf(t, v.Keys)
			shred, err := epoch.ParseShred(v.Shred)
			if err != nil {
				t.Fatal(err)
			}
			body, err := epoch.Open(keys, shred, v.header(), v.Sealed)
			if want := expected[v.Expect]; !errors.Is(err, want) || string(body) != v.Body {
				t.Errorf("Open = %q, %v, want %q, %v", body, err, v.Body, want)
			}
			if len(v.Salt) == 0 {
				return
			}
			sealed, err := epoch.Seal(bytes.NewReader(v.Salt), keys, shred, v.header(), []byte(v.Body))
			if err != nil || !bytes.Equal(sealed, v.Sealed) {
				t.Errorf("Seal = %x, %v, want %x", sealed, err, v.Sealed)
			}
		})
	}
}

// partVector is one sealed part and what opening it gives.
type partVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"`

	Part        string   `json:"part"` // wrap-<term>, owner, link or shred
	Key         hexBytes `json:"key"`  // the encapsulated key, the patient's identity, or the keys of the part's own epoch
	Patient     string   `json:"patient"`
	Compartment string   `json:"compartment"`
	Epoch       uint32   `json:"epoch"`
	KID         hexBytes `json:"kid,omitempty"` // commitments to the keys expected
	HID         hexBytes `json:"hid,omitempty"`
	Version     uint64   `json:"version,omitempty"` // of a shred

	Contents hexBytes `json:"contents,omitempty"` // keys, or a shred
	Nonce    hexBytes `json:"nonce,omitempty"`    // where sealing the contents with this nonce gives the same bytes
	Sealed   hexBytes `json:"sealed"`
}

func (v partVector) place() epoch.Place {
	return epoch.Place{Patient: v.Patient, Compartment: v.Compartment, Epoch: v.Epoch}
}

// open compares what the part gives with the contents of the vector.
func (v partVector) open(t *testing.T) error {
	t.Helper()
	if v.Part == "shred" {
		shred, err := epoch.OpenShred(keysOf(t, v.Key), v.place(), v.Version, v.Sealed)
		if err == nil && !bytes.Equal(shred.Bytes(), v.Contents) {
			return errors.New("another shred")
		}
		return err
	}
	keys, err := v.openKeys(t)
	if err != nil {
		return err
	}
	if want := keysOf(t, v.Contents); keys.KID() != want.KID() || keys.HID() != want.HID() {
		return errors.New("other keys")
	}
	return nil
}

func (v partVector) openKeys(t *testing.T) (*epoch.Keys, error) {
	t.Helper()
	kid, hid := [32]byte(v.KID), [32]byte(v.HID)
	switch v.Part {
	case "owner":
		id, err := identity.Parse(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		return epoch.OpenOwner(id, v.place(), kid, hid, v.Sealed)
	case "link":
		return epoch.OpenLink(keysOf(t, v.Key), v.place(), kid, hid, v.Sealed)
	}
	return epoch.OpenWrap([32]byte(v.Key), v.place(), kid, hid, v.term(), v.Sealed)
}

func (v partVector) term() string { return strings.TrimPrefix(v.Part, "wrap-") }

// seal seals the contents with the nonce of the vector.
func (v partVector) seal(t *testing.T) ([]byte, error) {
	t.Helper()
	nonce := bytes.NewReader(v.Nonce)
	switch v.Part {
	case "link":
		return epoch.SealLink(nonce, v.place(), keysOf(t, v.Key), keysOf(t, v.Contents))
	case "shred":
		shred, err := epoch.ParseShred(v.Contents)
		if err != nil {
			t.Fatal(err)
		}
		return epoch.SealShred(nonce, v.place(), keysOf(t, v.Key), shred)
	}
	keys := keysOf(t, v.Contents)
	return epoch.SealWrap(nonce, [32]byte(v.Key), v.place(), v.term(), keys, keys.HasHistory())
}

// Parts sealed once open for ever, and what never opened never will.
func TestGoldenParts(t *testing.T) {
	for _, v := range readVectors[partVector](t, "testdata/parts.json") {
		t.Run(v.Name, func(t *testing.T) {
			if err, want := v.open(t), expected[v.Expect]; !errors.Is(err, want) {
				t.Errorf("opening: %v, want %v", err, want)
			}
			if len(v.Nonce) == 0 {
				return
			}
			sealed, err := v.seal(t)
			if err != nil || !bytes.Equal(sealed, v.Sealed) {
				t.Errorf("sealing: %x, %v, want %x", sealed, err, v.Sealed)
			}
		})
	}
}

// keysOf makes keys of the bytes that a vector holds: one key or two.
func keysOf(t *testing.T, b []byte) *epoch.Keys {
	t.Helper()
	both := make([]byte, 64)
	copy(both, b)
	keys, err := epoch.Generate(bytes.NewReader(both))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 32 {
		return keys.WithoutHistory()
	}
	return keys
}

func readVectors[V any](t *testing.T, path string) []V {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []V
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) == 0 {
		t.Fatal("no vectors")
	}
	return vectors
}
