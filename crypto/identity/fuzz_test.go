package identity_test

import (
	"bytes"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
)

func FuzzParse(f *testing.F) {
	v := readVectors(f).Good
	f.Add([]byte(v.Identity))
	f.Add([]byte(v.Rotated))
	f.Fuzz(func(t *testing.T, data []byte) {
		id, err := identity.Parse(data)
		if err != nil {
			return
		}
		if !bytes.Equal(id.Bytes(), data) {
			t.Errorf("accepted %x, writes %x", data, id.Bytes())
		}
		if err := id.Keys().Verify("phr/test", data, id.Sign("phr/test", data)); err != nil {
			t.Error(err)
		}
	})
}

func FuzzParseKeys(f *testing.F) {
	v := readVectors(f).Good
	f.Add([]byte(v.Sign), []byte(v.Seal))
	f.Fuzz(func(t *testing.T, sign, seal []byte) {
		keys, err := identity.ParseKeys(sign, seal)
		if err != nil {
			return
		}
		if !bytes.Equal(keys.Sign[:], sign) || !bytes.Equal(keys.Seal, seal) {
			t.Error("ParseKeys changed a key")
		}
		if _, err := keys.SealTo("phr/test", nil, seal); err != nil {
			t.Errorf("ParseKeys took a key to which nothing can be sealed: %v", err)
		}
	})
}

func FuzzParseGID(f *testing.F) {
	f.Add(readVectors(f).Good.GID)
	f.Fuzz(func(t *testing.T, s string) {
		gid, err := identity.ParseGID(s)
		if err == nil && (string(gid) != s || len(s) != 32) {
			t.Errorf("ParseGID(%q) = %q", s, gid)
		}
	})
}
