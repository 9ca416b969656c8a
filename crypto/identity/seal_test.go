package identity_test

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

func seal(t *testing.T, to *identity.Keys, plaintext string) []byte {
	t.Helper()
	sealed, err := to.SealTo("phr/test", nil, []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealAndOpen(t *testing.T) {
	id, _ := generate(t)
	other, _ := generate(t)
	sealed, err := id.Keys().SealTo("phr/test", []byte("aad"), []byte("attribute key"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := id.Open("phr/test", []byte("aad"), sealed); err != nil || string(got) != "attribute key" {
		t.Fatalf("Open = %q, %v", got, err)
	}
	refused := func(name string, id *identity.Identity, info, aad string, sealed []byte) {
		if got, err := id.Open(info, []byte(aad), sealed); !errors.Is(err, identity.ErrOpen) || got != nil {
			t.Errorf("%s: %q, %v, want ErrOpen", name, got, err)
		}
	}
	refused("another person", other, "phr/test", "aad", sealed)
	refused("other info", id, "phr/tesT", "aad", sealed)
	refused("other additional data", id, "phr/test", "", sealed)
	refused("trailing byte", id, "phr/test", "aad", append(slices.Clone(sealed), 0))
	for n := range sealed {
		refused("truncated", id, "phr/test", "aad", sealed[:n])
	}
}

func TestAttack07_EveryByteFlipped(t *testing.T) {
	id, _ := generate(t)
	sealed := seal(t, id.Keys(), "x")
	for i := range sealed {
		sealed[i] ^= 0x80
		if _, err := id.Open("phr/test", nil, sealed); err != identity.ErrOpen { // the very error: nothing wrapped in it
			t.Errorf("byte %d flipped: %v, want ErrOpen", i, err)
		}
		sealed[i] ^= 0x80
	}
}

func TestSealToUnusableKey(t *testing.T) {
	for _, key := range [][]byte{nil, make([]byte, identity.SealKeySize)} {
		keys := &identity.Keys{Seal: key}
		if _, err := keys.SealTo("phr/test", nil, nil); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("SealTo %d zero bytes: %v, want ErrMalformed", len(key), err)
		}
		if _, _, err := identity.Export(key, "phr/test", "", 32); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("Export to %d zero bytes: %v, want ErrMalformed", len(key), err)
		}
	}
}

// TestSuite opens with crypto/hpke itself: the wire format is RFC 9180's, with X-Wing, HKDF-SHA256 and AES-256-GCM.
func TestSuite(t *testing.T) {
	key, err := hpke.MLKEM768X25519().GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	keys := &identity.Keys{Seal: key.PublicKey().Bytes()}
	got, err := hpke.Open(key, hpke.HKDFSHA256(), hpke.AES256GCM(), []byte("phr/test"), seal(t, keys, "x"))
	if err != nil || string(got) != "x" {
		t.Errorf("hpke.Open = %q, %v", got, err)
	}
	enc, secret, err := identity.Export(keys.Seal, "phr/test", "ss", 32)
	if err != nil {
		t.Fatal(err)
	}
	recipient, err := hpke.NewRecipient(enc, key, hpke.HKDFSHA256(), hpke.ExportOnly(), []byte("phr/test"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := recipient.Export("ss", 32); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("hpke Export = %x, %v, want %x", got, err, secret)
	}
}

func TestExport(t *testing.T) {
	ephemeral, err := identity.GenerateEphemeral()
	if err != nil {
		t.Fatal(err)
	}
	enc, secret, err := identity.Export(ephemeral.Public(), "phr/test", "ss", 32)
	if err != nil || len(secret) != 32 {
		t.Fatalf("Export = %d bytes, %v", len(secret), err)
	}
	changed := slices.Clone(enc)
	changed[0] ^= 1
	for _, c := range []struct {
		name, info, context string
		enc                 []byte
		same                bool
	}{
		{"same", "phr/test", "ss", enc, true},
		{"other info", "phr/tesT", "ss", enc, false},
		{"other context", "phr/test", "sS", enc, false},
		{"changed encapsulation", "phr/test", "ss", changed, false},
	} {
		got, err := ephemeral.Export(c.info, c.context, c.enc, 32)
		if err != nil || bytes.Equal(got, secret) != c.same {
			t.Errorf("%s: equal = %v, %v", c.name, !c.same, err)
		}
	}
	if _, err := ephemeral.Export("phr/test", "ss", enc[1:], 32); !errors.Is(err, identity.ErrOpen) {
		t.Errorf("short encapsulation: %v, want ErrOpen", err)
	}
	clear(enc[1088:])
	if _, err := ephemeral.Export("phr/test", "ss", enc, 32); !errors.Is(err, identity.ErrOpen) {
		t.Errorf("X25519 point of small order: %v, want ErrOpen", err)
	}
	for _, length := range []int{-1, 8161, 1 << 16} {
		if _, _, err := identity.Export(ephemeral.Public(), "phr/test", "ss", length); err == nil {
			t.Errorf("Export of %d bytes succeeds", length)
		}
	}
}
