package recovery_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/recovery"
)

func generate(t interface{ Fatal(...any) }) *recovery.Secret {
	s, err := recovery.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestParse(t *testing.T) {
	s := generate(t)
	again, err := recovery.Parse(s.Bytes())
	if err != nil || !bytes.Equal(again.Bytes(), s.Bytes()) {
		t.Fatalf("Parse: %v", err)
	}
	order := []byte("\xed\xd3\xf5\x5c\x1a\x63\x12\x58\xd6\x9c\xf7\xa2\xde\xf9\xde\x14\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10")
	for name, bad := range map[string][]byte{
		"nothing": nil, "short": s.Bytes()[:31], "long": append(s.Bytes(), 0), "zero": make([]byte, 32), "the order": order,
		"all ones": bytes.Repeat([]byte{255}, 32),
	} {
		if _, err := recovery.Parse(bad); !errors.Is(err, recovery.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestGenerateFailsWithItsSource(t *testing.T) {
	if _, err := recovery.Generate(bytes.NewReader(make([]byte, 63))); err == nil {
		t.Error("Generate took a source that ran dry")
	}
}

// What is derived differs from each other and from the secret, and from what another secret gives.
func TestDerived(t *testing.T) {
	seen := make(map[string]string)
	for i := range 2 {
		s := generate(t)
		for name, b := range map[string][]byte{
			"secret": s.Bytes(), "identity": s.IdentitySeed(), "keystore": s.KeystoreSecret(), "escrow": s.EscrowSeed(),
		} {
			name = fmt.Sprintf("%s of %d", name, i)
			if before, ok := seen[string(b)]; ok || len(b) != 32 {
				t.Errorf("%s has %d bytes and is the same as %q", name, len(b), before)
			}
			seen[string(b)] = name
		}
	}
}

func TestNeverPrinted(t *testing.T) {
	s := generate(t)
	shares, err := s.Split(2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]any{"secret": s, "share": shares[0], "both": struct{ A, B any }{s, shares}} {
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var logged bytes.Buffer
		slog.New(slog.NewJSONHandler(&logged, nil)).Info("", "v", v)
		slog.New(slog.NewTextHandler(&logged, nil)).Info("", "v", v)
		all := fmt.Sprintf("%v %+v %#v %s %x %d %q", v, v, v, v, v, v, v) + string(encoded) + logged.String()
		if !strings.Contains(all, "redacted") {
			t.Errorf("%s: %s, want redacted", name, all)
		}
		for _, secret := range []string{fmt.Sprintf("%x", s.Bytes()), fmt.Sprint(s.Bytes()), s.Words()[0] + " ", shares[0].Words()[1] + " "} {
			if strings.Contains(all, secret) {
				t.Errorf("%s prints what it holds", name)
			}
		}
	}
}

func TestClose(t *testing.T) {
	s := generate(t)
	s.Close()
	defer func() {
		if recover() == nil {
			t.Error("a closed secret was used")
		}
	}()
	s.Words()
}

func TestAnySecretHasWords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "seed")
		s, err := recovery.Generate(bytes.NewReader(seed))
		if err != nil {
			t.Fatal(err)
		}
		words := s.Words()
		again, err := recovery.ParseWords(typed(t, words))
		if err != nil || !bytes.Equal(again.Bytes(), s.Bytes()) {
			t.Fatalf("%q: %v", words, err)
		}
	})
}

// typed returns words as somebody may type them.
func typed(t *rapid.T, words []string) string {
	var b strings.Builder
	for i, word := range words {
		if rapid.Bool().Draw(t, "cut") {
			word = word[:min(4, len(word))]
		}
		if rapid.Bool().Draw(t, "upper") {
			word = strings.ToUpper(word)
		}
		if rapid.Bool().Draw(t, "numbered") {
			fmt.Fprintf(&b, "%d%s", i+1, rapid.SampledFrom([]string{".", ")", ": ", " "}).Draw(t, "mark"))
		}
		b.WriteString(word)
		b.WriteString(rapid.SampledFrom([]string{" ", "\n", "\t  ", ", ", "\r\n"}).Draw(t, "space"))
	}
	return b.String()
}
