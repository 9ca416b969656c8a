package fhir

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable returns s as one line that is safe on a terminal and reads in the order it is stored: line ends and tabs
// become spaces; control characters (C0, C1, ESC), bidirectional overrides and other invisible format characters are
// dropped; bytes that are not UTF-8 become U+FFFD. The joiners that scripts and emoji need stay.
func Printable(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case r == zeroWidthNonJoiner, r == zeroWidthJoiner:
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}

const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}
