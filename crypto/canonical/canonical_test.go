package canonical_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
)

type sample struct {
	A uint64   `cbor:"1,keyasint"`
	B []byte   `cbor:"2,keyasint"`
	C string   `cbor:"3,keyasint,omitempty"`
	D []uint32 `cbor:"4,keyasint,omitempty"`
}

func TestRoundTrip(t *testing.T) {
	want := sample{A: 300, B: []byte{1, 2}, C: "x", D: []uint32{7}}
	b, err := canonical.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(b); got != "a40119012c0242010203617804"+"8107" {
		t.Errorf("Marshal = %s", got)
	}
	var got sample
	if err := canonical.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.A != want.A || !bytes.Equal(got.B, want.B) || got.C != want.C || got.D[0] != 7 {
		t.Errorf("Unmarshal = %+v, want %+v", got, want)
	}
}

func TestAttack06_NonCanonicalCBOR(t *testing.T) {
	for name, in := range map[string]string{
		"empty":                 "",
		"trailing byte":         "a2010102410000",
		"long integer":          "a2011801024100",
		"unsorted keys":         "a2024100" + "0101",
		"duplicate key":         "a3010101010241" + "00",
		"indefinite map":        "bf0101024100ff",
		"indefinite bytes":      "a201010" + "25f4100ff",
		"tag":                   "a201c101024100",
		"unknown field":         "a3010102410009" + "00",
		"missing field":         "a10101",
		"explicit empty":        "a301010241000360",
		"null for bytes":        "a2010102f6",
		"array for bytes":       "a20101028101",
		"text for bytes":        "a20101026161",
		"bytes for text":        "a3010102410003" + "4161",
		"invalid UTF-8":         "a3010102410003" + "61ff",
		"float for integer":     "a201f93c00024100",
		"huge length":           "a20101025bffffffffffffffff",
		"negative for unsigned": "a20120024100",
	} {
		t.Run(name, func(t *testing.T) {
			b, err := hex.DecodeString(in)
			if err != nil {
				t.Fatal(err)
			}
			var v sample
			if err := canonical.Unmarshal(b, &v); !errors.Is(err, canonical.ErrMalformed) {
				t.Errorf("Unmarshal(%s) = %v, want ErrMalformed", in, err)
			}
		})
	}
}

func TestAttack06_DeepNesting(t *testing.T) {
	for _, opener := range []byte{0x81, 0xa1, 0xc1} {
		in := bytes.Repeat([]byte{opener}, 100_000)
		var err error
		allocated := testing.AllocsPerRun(1, func() {
			var v any
			err = canonical.Unmarshal(in, &v)
		})
		if !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("depth 100000 of %x: %v, want ErrMalformed", opener, err)
		}
		if allocated > 1000 {
			t.Errorf("%.0f allocations for %d nested openers", allocated, len(in))
		}
	}
}

func FuzzUnmarshal(f *testing.F) {
	for _, v := range []sample{{}, {A: 1 << 40, B: []byte("b"), C: "c", D: []uint32{1, 2}}} {
		b, err := canonical.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v sample
		if canonical.Unmarshal(data, &v) != nil {
			return
		}
		again, err := canonical.Marshal(v)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted %x, writes %x (%v)", data, again, err)
		}
	})
}
