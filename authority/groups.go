package authority

import (
	"encoding/base32"
	"fmt"
	"strings"
)

// Codes and fingerprints are 20 bytes that people type: 32 symbols in 8 groups of 4. The symbols are Crockford's, which
// have no I, L, O or U, so that those are read as what they are mistaken for, and nothing spells a word.
const (
	groupedSize = 20
	symbolCount = groupedSize * 8 / 5
	groupLength = 4
)

var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

var lookalikes = strings.NewReplacer("I", "1", "L", "1", "O", "0")

func group(b [groupedSize]byte) string {
	symbols := crockford.EncodeToString(b[:])
	var s strings.Builder
	for i := 0; i < symbolCount; i += groupLength {
		if i > 0 {
			s.WriteByte('-')
		}
		s.WriteString(symbols[i : i+groupLength])
	}
	return s.String()
}

// ungroup reads the last 32 symbols of s, in either case and with hyphens and white space anywhere between, and returns what
// stands before them. Its errors show nothing of s: it may be secret.
func ungroup(s string) (before string, b [groupedSize]byte, err error) {
	symbols := make([]byte, symbolCount)
	missing := symbolCount
	for missing > 0 && s != "" {
		c := s[len(s)-1]
		s = s[:len(s)-1]
		if strings.IndexByte("- \t\r\n", c) < 0 {
			missing--
			symbols[missing] = c
		}
	}
	if missing > 0 {
		return "", b, fmt.Errorf("%w: %d of its %d characters are missing", ErrMalformed, missing, symbolCount)
	}
	text := lookalikes.Replace(strings.ToUpper(string(symbols)))
	if n, err := crockford.Decode(b[:], []byte(text)); err != nil || n != groupedSize {
		return "", b, fmt.Errorf("%w: a character of it is not a digit or a letter other than U", ErrMalformed)
	}
	return s, b, nil
}
