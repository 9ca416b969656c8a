package identity_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

func generate(t testing.TB) (*identity.Identity, *identity.Recovery) {
	t.Helper()
	id, recovery, err := identity.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id, recovery
}

func TestGIDIsSelfCertifying(t *testing.T) {
	id, recovery := generate(t)
	other, otherRecovery := generate(t)
	keys, hash, otherHash := id.Keys(), recovery.Hash(), otherRecovery.Hash()
	same, err := identity.ParseInception(keys.Sign[:], keys.Seal, hash[:])
	if err != nil {
		t.Fatal(err)
	}
	if same.GID() != id.GID() || id.Inception().GID() != id.GID() {
		t.Errorf("GID of the parsed inception = %s, want %s", same.GID(), id.GID())
	}
	if gid, err := identity.ParseGID(string(id.GID())); err != nil || gid != id.GID() {
		t.Errorf("ParseGID = %s, %v", gid, err)
	}
	for name, inception := range map[string]identity.Inception{
		"signing key":  {Keys: &identity.Keys{Sign: other.Keys().Sign, Seal: keys.Seal}, Recovery: hash},
		"sealing key":  {Keys: &identity.Keys{Sign: keys.Sign, Seal: other.Keys().Seal}, Recovery: hash},
		"recovery key": {Keys: keys, Recovery: otherHash},
	} {
		if inception.GID() == id.GID() {
			t.Errorf("another %s has the same GID", name)
		}
	}
}

func TestParseInceptionNeedsARecoveryKey(t *testing.T) {
	id, _ := generate(t)
	for _, hash := range [][]byte{nil, make([]byte, 31), make([]byte, 32), make([]byte, 33)} {
		if _, err := identity.ParseInception(id.Keys().Sign[:], id.Keys().Seal, hash); !errors.Is(err, identity.ErrMalformed) {
			t.Errorf("recovery hash %x: %v, want ErrMalformed", hash, err)
		}
	}
	if _, err := id.Rotate(rand.Reader, [32]byte{}); !errors.Is(err, identity.ErrMalformed) {
		t.Errorf("Rotate without a next recovery key: %v, want ErrMalformed", err)
	}
}

func TestSignatures(t *testing.T) {
	id, recovery := generate(t)
	other, _ := generate(t)
	message := []byte("event")
	signature := id.Sign("phr/event", message)
	if err := id.Keys().Verify("phr/event", message, signature); err != nil {
		t.Fatal(err)
	}
	if err := identity.VerifyRecovery(recovery.Public(), "phr/event", message, recovery.Sign("phr/event", message)); err != nil {
		t.Fatal(err)
	}
	flipped := slices.Clone(signature)
	flipped[63] ^= 0x20
	for name, err := range map[string]error{
		"other message":      id.Keys().Verify("phr/event", []byte("evenT"), signature),
		"other context":      id.Keys().Verify("phr/head", message, signature),
		"border moved":       id.Keys().Verify("phr/even", append([]byte("t\x00"), message...), signature),
		"other key":          other.Keys().Verify("phr/event", message, signature),
		"truncated":          id.Keys().Verify("phr/event", message, signature[:63]),
		"trailing byte":      id.Keys().Verify("phr/event", message, append(slices.Clone(signature), 0)),
		"empty":              id.Keys().Verify("phr/event", message, nil),
		"bit flipped":        id.Keys().Verify("phr/event", message, flipped),
		"s plus group order": id.Keys().Verify("phr/event", message, addOrder(signature)),
		"recovery key":       identity.VerifyRecovery(recovery.Public(), "phr/event", message, signature),
	} {
		if !errors.Is(err, identity.ErrSignature) {
			t.Errorf("%s: %v, want ErrSignature", name, err)
		}
	}
}

// addOrder returns the second encoding that a signature has if s is not required to be below the order of the group.
func addOrder(signature []byte) []byte {
	order := []byte{
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
	}
	sum, carry := slices.Clone(signature), 0
	for i, b := range order {
		carry += int(sum[32+i]) + int(b)
		sum[32+i] = byte(carry)
		carry >>= 8
	}
	return sum
}

func TestSignatureContexts(t *testing.T) {
	id, _ := generate(t)
	for _, context := range []string{"", "a\x00b"} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Sign took the context %q", context)
				}
			}()
			id.Sign(context, nil)
		}()
	}
}

func TestRotation(t *testing.T) {
	first, _ := generate(t)
	next, err := identity.GenerateRecovery(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	second, err := first.Rotate(rand.Reader, next.Hash())
	if err != nil {
		t.Fatal(err)
	}
	second, err = identity.Parse(second.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if second.GID() != first.GID() || second.Inception().GID() != first.GID() {
		t.Errorf("GID after the rotation = %s, want %s", second.GID(), first.GID())
	}
	if second.RecoveryHash() != next.Hash() || first.RecoveryHash() == next.Hash() {
		t.Errorf("recovery hash after the rotation = %x", second.RecoveryHash())
	}
	if second.Keys().Sign == first.Keys().Sign || bytes.Equal(second.Keys().Seal, first.Keys().Seal) {
		t.Error("a key stayed the same")
	}
	signature := second.Sign("phr/event", nil)
	if err := first.Keys().Verify("phr/event", nil, signature); !errors.Is(err, identity.ErrSignature) {
		t.Errorf("a new signature under the old key: %v", err)
	}
	old, current := seal(t, first.Keys(), "old"), seal(t, second.Keys(), "new")
	for want, sealed := range map[string][]byte{"old": old, "new": current} {
		if got, err := second.Open("phr/test", nil, sealed); err != nil || string(got) != want {
			t.Errorf("Open after the rotation = %q, %v, want %q", got, err, want)
		}
	}
	if _, err := first.Open("phr/test", nil, current); !errors.Is(err, identity.ErrOpen) {
		t.Errorf("the old identity opens what is sealed to the new keys: %v", err)
	}
}

func TestRandomnessRunsOut(t *testing.T) {
	for n := range int64(96) {
		if _, _, err := identity.Generate(io.LimitReader(rand.Reader, n)); !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
			t.Errorf("Generate from %d bytes: %v", n, err)
		}
	}
}

func TestAttack54_SecretsDoNotPrint(t *testing.T) {
	id, recovery := generate(t)
	ephemeral, err := identity.GenerateEphemeral()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []any{id, recovery, ephemeral, *id, *recovery, *ephemeral} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			if got := fmt.Sprintf(verb, secret); got != "redacted" {
				t.Errorf("%s of %T = %s", verb, secret, got)
			}
		}
		if got, err := json.Marshal(secret); err != nil || string(got) != `"redacted"` {
			t.Errorf("JSON of %T = %s, %v", secret, got, err)
		}
		var log strings.Builder
		slog.New(slog.NewTextHandler(&log, nil)).Info("test", "secret", secret)
		if !strings.Contains(log.String(), "secret=redacted") {
			t.Errorf("log of %T = %s", secret, log.String())
		}
	}
}

func TestEveryGeneratedKeyParses(t *testing.T) {
	seal, _ := generate(t)
	for range 200 {
		recovery, err := identity.GenerateRecovery(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		public := recovery.Public()
		if _, err := identity.ParseKeys(public[:], seal.Keys().Seal); err != nil {
			t.Errorf("ParseKeys of %x: %v", public, err)
		}
	}
}
