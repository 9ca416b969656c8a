package recovery_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/recovery"
)

// vectors are testdata/vectors.json. They never change: they are on people's paper.
type vectors struct {
	Seed     string   // what Generate draws
	Secret   string   // in hexadecimal, as what follows
	Identity string   // IdentitySeed
	Keystore string   // KeystoreSecret
	Escrow   string   // EscrowSeed
	Words    []string // of the secret
	Shares   []string // any 3 of these 5 open it
	Bad      []struct{ Name, Expect, Text string }
}

func readVectors(t testing.TB) *vectors {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

func secretOfVectors(t testing.TB) *recovery.Secret {
	t.Helper()
	s, err := recovery.ParseWords(strings.Join(readVectors(t).Words, " "))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestVectors(t *testing.T) {
	v, s := readVectors(t), secretOfVectors(t)
	drawn, err := recovery.Generate(hex.NewDecoder(strings.NewReader(v.Seed)))
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][2]string{
		"drawn":    {hex.EncodeToString(drawn.Bytes()), v.Secret},
		"secret":   {hex.EncodeToString(s.Bytes()), v.Secret},
		"identity": {hex.EncodeToString(s.IdentitySeed()), v.Identity},
		"keystore": {hex.EncodeToString(s.KeystoreSecret()), v.Keystore},
		"escrow":   {hex.EncodeToString(s.EscrowSeed()), v.Escrow},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %s, want %s", name, got[0], got[1])
		}
	}
	if !slices.Equal(s.Words(), v.Words) {
		t.Errorf("words %q, want %q", s.Words(), v.Words)
	}
	var shares []*recovery.Share
	for _, text := range v.Shares {
		share, err := recovery.ParseShare(text)
		if err != nil {
			t.Fatal(err)
		}
		if share.Text() != text {
			t.Errorf("share %d writes %q, want %q", share.Index(), share.Text(), text)
		}
		shares = append(shares, share)
	}
	if _, err := recovery.Combine(shares[2:], belongs(s)); err != nil || len(shares) != 5 {
		t.Errorf("%d shares: %v", len(shares), err)
	}
}

func TestBadVectors(t *testing.T) {
	for _, bad := range readVectors(t).Bad {
		parse := func(text string) error { _, err := recovery.ParseWords(text); return err }
		if strings.HasPrefix(strings.ToLower(bad.Text), "share") && strings.HasPrefix(bad.Name, "share") {
			parse = func(text string) error { _, err := recovery.ParseShare(text); return err }
		}
		err := parse(bad.Text)
		if err == nil || !strings.Contains(err.Error(), bad.Expect) {
			t.Errorf("%s: %v, want %q", bad.Name, err, bad.Expect)
		}
		if !errors.Is(err, recovery.ErrMalformed) && !errors.Is(err, recovery.ErrCheck) {
			t.Errorf("%s: %v, of no class", bad.Name, err)
		}
	}
}
