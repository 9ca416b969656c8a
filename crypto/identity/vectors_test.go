package identity_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

// hexBytes are bytes that stand in hexadecimal in a vector.
type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) error {
	decoded, err := hex.DecodeString(string(text))
	*b = decoded
	return err
}

// vectors are testdata/vectors.json. They never change: what they pin stands on logs and in keystores.
type vectors struct {
	Good struct {
		Stream                                 hexBytes // what Generate, GenerateRecovery and Rotate draw, in that order
		GID                                    string
		Sign, Seal                             hexBytes
		Recovery, Identity, Rotated            hexBytes
		RecoveryHash                           hexBytes `json:"recovery_hash"`
		Context, Message, Info, AAD, Plaintext string
		Signature, Sealed                      hexBytes
		NextPublic                             hexBytes `json:"next_recovery_public"`
		NextSignature                          hexBytes `json:"next_recovery_signature"`
	}
	Bad []struct {
		Name, Parse, Expect, In string
	}
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

func TestVectors(t *testing.T) {
	v := readVectors(t).Good
	stream := bytes.NewReader(v.Stream)
	id, recovery, err := identity.Generate(stream)
	if err != nil {
		t.Fatal(err)
	}
	next, err := identity.GenerateRecovery(stream)
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := id.Rotate(stream, next.Hash())
	if err != nil {
		t.Fatal(err)
	}
	hash, nextPublic := recovery.Hash(), next.Public()
	for _, c := range []struct {
		name      string
		got, want []byte
	}{
		{"GID", []byte(id.GID()), []byte(v.GID)},
		{"signing key", id.Keys().Sign[:], v.Sign},
		{"sealing key", id.Keys().Seal, v.Seal},
		{"recovery", recovery.Bytes(), v.Recovery},
		{"recovery hash", hash[:], v.RecoveryHash},
		{"identity", id.Bytes(), v.Identity},
		{"rotated identity", rotated.Bytes(), v.Rotated},
		{"signature", id.Sign(v.Context, []byte(v.Message)), v.Signature},
		{"next recovery public key", nextPublic[:], v.NextPublic},
		{"next recovery signature", next.Sign(v.Context, []byte(v.Message)), v.NextSignature},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s = %x, want %x", c.name, c.got, c.want)
		}
	}
	plaintext, err := id.Open(v.Info, []byte(v.AAD), v.Sealed)
	if err != nil || string(plaintext) != v.Plaintext {
		t.Errorf("Open = %q, %v, want %q", plaintext, err, v.Plaintext)
	}
}

// TestAttack05_VectorsRefused tries, per vector, one way to be malformed, and wants the failure that the vector names.
func TestAttack05_VectorsRefused(t *testing.T) {
	v := readVectors(t)
	for _, bad := range v.Bad {
		t.Run(bad.Parse+"/"+bad.Name, func(t *testing.T) {
			in, err := hex.DecodeString(bad.In)
			if err != nil && bad.Parse != "gid" {
				t.Fatal(err)
			}
			switch bad.Parse {
			case "gid":
				_, err = identity.ParseGID(bad.In)
			case "sign":
				_, err = identity.ParseKeys(in, v.Good.Seal)
			case "seal":
				_, err = identity.ParseKeys(v.Good.Sign, in)
			case "recovery":
				_, err = identity.ParseRecovery(in)
			case "identity":
				_, err = identity.Parse(in)
			}
			if !errors.Is(err, identity.ErrMalformed) || !strings.Contains(err.Error(), bad.Expect) {
				t.Errorf("got %v, want ErrMalformed: %s", err, bad.Expect)
			}
		})
	}
}

// TestAttack05_LowOrderRecoveryKey shows why recovery keys are checked: under the identity point one signature is valid for
// every message.
func TestAttack05_LowOrderRecoveryKey(t *testing.T) {
	point := [32]byte{1}
	signature := make([]byte, 64) // R is the identity point too, S is zero
	signature[0] = 1
	err := identity.VerifyRecovery(point, "phr/test", []byte("take it over"), signature)
	if !errors.Is(err, identity.ErrMalformed) {
		t.Errorf("VerifyRecovery under the identity point = %v, want ErrMalformed", err)
	}
	unchecked := &identity.Keys{Sign: point}
	if err := unchecked.Verify("phr/test", []byte("anything"), signature); err != nil {
		t.Errorf("the attack does not work without the check: %v", err)
	}
}
