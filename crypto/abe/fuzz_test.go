package abe_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
)

// fuzz wants a parser either to fail with ErrMalformed or to give what encodes to the input.
func fuzz[T interface{ Bytes() []byte }](f *testing.F, parse func([]byte) (T, error), seeds ...[]byte) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := parse(b)
		switch {
		case err != nil && !errors.Is(err, abe.ErrMalformed):
			t.Errorf("%v is not ErrMalformed", err)
		case err == nil && !bytes.Equal(v.Bytes(), b):
			t.Error("two encodings of one value")
		}
	})
}

func FuzzParseMasterKey(f *testing.F) { fuzz(f, abe.ParseMasterKey, master("hospital").Bytes()) }

func FuzzParsePublicKey(f *testing.F) {
	fuzz(f, abe.ParsePublicKey, master("hospital").PublicKey().Bytes())
}

func FuzzParseAttributeKey(f *testing.F) {
	fuzz(f, abe.ParseAttributeKey, issue(f, alice, "doctor@hospital")[0].Bytes())
}

// FuzzParseHeader wants what ParseHeader accepts to be what an expression of that header would be checked against.
func FuzzParseHeader(f *testing.F) {
	for _, text := range []string{"doctor@hospital", "2 of (doctor@hospital, a@club and b@club, c@club)"} {
		_, ct := encapsulate(f, expression(f, text), abe.Wrap, "")
		f.Add(ct)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := abe.ParseHeader(b)
		if err != nil {
			if !errors.Is(err, abe.ErrMalformed) {
				t.Errorf("%v is not ErrMalformed", err)
			}
			return
		}
		if h.Suite != abe.RW15BLS12381 || len(h.Versions) != len(h.Policy.Attributes()) || len(h.KeyHashes) != len(h.Policy.Authorities()) {
			t.Errorf("header %+v", h)
		}
	})
}

// FuzzDecapsulate wants no input but the one ciphertext to open, and Check and Decapsulate never to panic.
func FuzzDecapsulate(f *testing.F) {
	e := expression(f, "doctor@hospital or trainer@club")
	key, ct := encapsulate(f, e, abe.Wrap, "")
	keys := issue(f, alice, "doctor@hospital")
	f.Add(ct)
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := e.Check(abe.Wrap, b); err != nil && !errors.Is(err, abe.ErrMalformed) {
			t.Errorf("%v is not ErrMalformed", err)
		}
		got, err := e.Decapsulate(keys, abe.Wrap, nil, b)
		switch {
		case bytes.Equal(b, ct) && (err != nil || got != key):
			t.Errorf("the ciphertext does not open: %v", err)
		case !bytes.Equal(b, ct) && err != abe.ErrDecapsulation:
			t.Errorf("got %v, want ErrDecapsulation", err)
		}
	})
}
