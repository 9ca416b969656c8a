package recovery_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/recovery"
)

func TestSpell(t *testing.T) {
	for _, c := range []struct {
		bytes []byte
		want  []string
	}{
		{[]byte{0, 0, 0}, []string{"abandon", "abandon"}},
		{[]byte{0xff, 0xff, 0xff}, []string{"zoo", "zoo"}},
		{[]byte{0x00, 0x20, 0x08, 0xff}, []string{"ability", "able"}}, // 1, 2
	} {
		if got := recovery.Spell(c.bytes, 2); !slices.Equal(got, c.want) {
			t.Errorf("%x spells %v, want %v", c.bytes, got, c.want)
		}
	}
	one := make([]byte, 32)
	for bit := range 66 { // each of the bits that are shown counts
		other := slices.Clone(one)
		other[bit/8] ^= 0x80 >> (bit % 8)
		if slices.Equal(recovery.Spell(one, 6), recovery.Spell(other, 6)) {
			t.Errorf("bit %d does not show", bit)
		}
	}
}
