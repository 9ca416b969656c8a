package identity_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

func TestEscrow(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, 32)
	key, err := identity.ParseEscrow(seed)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := identity.SealEscrow(key.Public(), "phr/test", []byte("mine"), []byte("contents"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := key.Open("phr/test", []byte("mine"), sealed); err != nil || string(got) != "contents" {
		t.Errorf("Open = %q, %v", got, err)
	}
	other, err := identity.ParseEscrow(bytes.Repeat([]byte{8}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() ([]byte, error){
		"another key":   func() ([]byte, error) { return other.Open("phr/test", []byte("mine"), sealed) },
		"another label": func() ([]byte, error) { return key.Open("phr/other", []byte("mine"), sealed) },
		"another GID":   func() ([]byte, error) { return key.Open("phr/test", []byte("theirs"), sealed) },
		"a cut one":     func() ([]byte, error) { return key.Open("phr/test", []byte("mine"), sealed[:len(sealed)-1]) },
		"nothing":       func() ([]byte, error) { return key.Open("phr/test", []byte("mine"), nil) },
	} {
		if _, err := open(); !errors.Is(err, identity.ErrOpen) {
			t.Errorf("%s: %v, want ErrOpen", name, err)
		}
	}
	if _, err := identity.ParseEscrow(seed[1:]); !errors.Is(err, identity.ErrMalformed) {
		t.Errorf("a short seed: %v", err)
	}
	if _, err := identity.SealEscrow(make([]byte, identity.SealKeySize), "phr/test", nil, nil); !errors.Is(err, identity.ErrMalformed) {
		t.Errorf("a key of zeros: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v", key, key, key); text != "redacted redacted redacted" {
		t.Errorf("it prints as %s", text)
	}
}

// A recovered identity has the GID, new keys, and opens what was sealed to each of the former ones.
func TestRecover(t *testing.T) {
	first, _ := generate(t)
	next, err := identity.GenerateRecovery(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Rotate(rand.Reader, next.Hash())
	if err != nil {
		t.Fatal(err)
	}
	for name, lost := range map[string]*identity.Identity{"never rotated": first, "rotated": second} {
		again, err := identity.Recover(rand.Reader, lost.Inception(), lost.SealSeeds(), next.Hash())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again.GID() != first.GID() || again.Keys().Sign == lost.Keys().Sign || bytes.Equal(again.Keys().Seal, lost.Keys().Seal) {
			t.Errorf("%s: the keys are not new, or the GID is", name)
		}
		if parsed, err := identity.Parse(again.Bytes()); err != nil || parsed.Keys().Sign != again.Keys().Sign {
			t.Errorf("%s: Parse: %v", name, err)
		}
		for _, before := range []*identity.Identity{first, lost, again} {
			sealed, err := before.Keys().SealTo("phr/test", nil, []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := again.Open("phr/test", nil, sealed); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	stranger, _ := generate(t)
	for name, seeds := range map[string][][]byte{
		"no seeds": nil, "a stranger's": stranger.SealSeeds(), "without the first": second.SealSeeds()[:1], "a short one": {make([]byte, 31)},
	} {
		if _, err := identity.Recover(rand.Reader, first.Inception(), seeds, next.Hash()); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	if _, err := identity.Recover(rand.Reader, first.Inception(), first.SealSeeds(), [32]byte{}); !errors.Is(err, identity.ErrMalformed) {
		t.Errorf("no recovery key: %v", err)
	}
}
