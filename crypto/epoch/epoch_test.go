package epoch_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha3"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/epoch"
)

// stream gives the same bytes for the same name on every run.
func stream(name string) io.Reader {
	s := sha3.NewSHAKE128()
	_, _ = s.Write([]byte("phr epoch tests " + name))
	return s
}

// exhausted is a source of randomness that has nothing left.
var exhausted = strings.NewReader("")

func generate(t testing.TB, name string) *epoch.Keys {
	t.Helper()
	keys, err := epoch.Generate(stream(name))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func newShred(t testing.TB, name string) *epoch.Shred {
	t.Helper()
	shred, err := epoch.NewShred(stream(name))
	if err != nil {
		t.Fatal(err)
	}
	return shred
}

// refused fails the test unless err is want and nothing was returned with it.
func refused[T any](t *testing.T, got *T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
	if got != nil {
		t.Error("a result came with the error")
	}
}

func TestCommitments(t *testing.T) {
	keys, err := epoch.Generate(bytes.NewReader([]byte(strings.Repeat("K", 32) + strings.Repeat("h", 32))))
	if err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256([]byte("phr/kid" + strings.Repeat("K", 32))); keys.KID() != want {
		t.Errorf("KID = %x, want %x", keys.KID(), want)
	}
	if want := sha256.Sum256([]byte("phr/hid" + strings.Repeat("h", 32))); keys.HID() != want {
		t.Errorf("HID = %x, want %x", keys.HID(), want)
	}
	reader := keys.WithoutHistory()
	if reader.HasHistory() || !keys.HasHistory() {
		t.Error("WithoutHistory keeps the history key, or takes it from the original")
	}
	if reader.KID() != keys.KID() || reader.HID() != [32]byte{} {
		t.Error("a reader from now on has the same KID and no HID")
	}
}

func TestCheck(t *testing.T) {
	keys, other := generate(t, "one"), generate(t, "two")
	for _, test := range []struct {
		name     string
		keys     *epoch.Keys
		kid, hid [32]byte
		want     error
	}{
		{"own", keys, keys.KID(), keys.HID(), nil},
		{"without history, any hid", keys.WithoutHistory(), keys.KID(), other.HID(), nil},
		{"wrong kid", keys, other.KID(), keys.HID(), epoch.ErrMismatch},
		{"wrong hid", keys, keys.KID(), other.HID(), epoch.ErrMismatch},
		{"swapped", keys, keys.HID(), keys.KID(), epoch.ErrMismatch},
		{"no hid", keys, keys.KID(), [32]byte{}, epoch.ErrMismatch},
		{"no kid", keys, [32]byte{}, keys.HID(), epoch.ErrMismatch},
		{"without history, wrong kid", keys.WithoutHistory(), other.KID(), keys.HID(), epoch.ErrMismatch},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.keys.Check(test.kid, test.hid); !errors.Is(err, test.want) {
				t.Errorf("Check = %v, want %v", err, test.want)
			}
		})
	}
}

func TestNoRandomness(t *testing.T) {
	keys, shred, h := generate(t, "k"), newShred(t, "s"), header()
	for name, draw := range map[string]func() error{
		"Generate":  func() error { _, err := epoch.Generate(io.LimitReader(stream("x"), 63)); return err },
		"NewShred":  func() error { _, err := epoch.NewShred(io.LimitReader(stream("x"), 31)); return err },
		"DrawLeaf":  func() error { _, err := epoch.DrawLeaf(io.LimitReader(stream("x"), 5)); return err },
		"Seal":      func() error { _, err := epoch.Seal(exhausted, keys, shred, h, nil); return err },
		"SealWrap":  func() error { _, err := epoch.SealWrap(exhausted, [32]byte{1}, place, "t", keys, true); return err },
		"SealLink":  func() error { _, err := epoch.SealLink(exhausted, place, keys, keys); return err },
		"DrawShare": func() error { _, err := epoch.DrawShare(io.LimitReader(stream("x"), 31)); return err },
		"SealShred": func() error { _, err := epoch.SealShred(exhausted, place, keys, shred); return err },
	} {
		if err := draw(); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s without randomness: %v, want an error of the source", name, err)
		}
	}
}

func TestAttack54_SecretsNeverPrint(t *testing.T) {
	canary := bytes.Repeat([]byte{0xa7}, 64)
	keys, err := epoch.Generate(bytes.NewReader(canary))
	if err != nil {
		t.Fatal(err)
	}
	shred, err := epoch.NewShred(bytes.NewReader(canary))
	if err != nil {
		t.Fatal(err)
	}
	share, err := epoch.DrawShare(bytes.NewReader(canary))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, secret := range []any{share, *share, keys, *keys, shred, *shred, []any{keys, shred}, struct{ K *epoch.Keys }{keys}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o"} {
			fmt.Fprintf(&out, verb, secret)
		}
		if err := json.NewEncoder(&out).Encode(secret); err != nil {
			t.Fatal(err)
		}
		log.Info("opened", "secret", secret)
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("opened", "keys", *keys, "shred", shred)
	for _, form := range []string{"a7a7", "A7A7", "167 167", "167,167", "247247", "p6en", "\xa7"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("output holds key bytes as %q", form)
		}
	}
	if !strings.Contains(out.String(), `"secret":"redacted"`) {
		t.Error("a logged secret does not say that it is redacted")
	}
}
