package recovery

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// WordCount is how many words a secret or a share has.
const WordCount = 24

const wordBits = 11

// ErrCheck is returned, wrapped, for 24 words of the list whose check word does not fit: one of them is another word of the list,
// or two changed places. It can't be said which.
var ErrCheck = errors.New("the words don't fit together")

// Words returns the 24 words of the secret: what a person writes down.
func (s *Secret) Words() []string { return encodeWords(s.open(), secretCheck) }

// ParseWords is the inverse of Words for what a person types: in any case, with any space, points and commas between the
// words, numbered or not, each word whole or its first four letters. Lines that start with '#' are passed over. A word that is
// not in the list fails with a *WordError, 24 that don't fit together with ErrCheck, everything else with
// ErrMalformed.
func ParseWords(text string) (*Secret, error) {
	if _, ok := findHeading(text); ok {
		return nil, fmt.Errorf("%w: this is a share of a recovery secret, not the secret", ErrMalformed)
	}
	value, err := decodeWords(text, secretCheck)
	if err != nil {
		return nil, err
	}
	defer clear(value)
	return Parse(value)
}

// encodeWords writes the 253 bits of a scalar, the highest first, as 23 words, and their check as the last.
func encodeWords(value, check []byte) []string {
	indices := make([]uint16, 0, WordCount)
	var bits, n uint
	for i, b := range slices.Backward(value) {
		bits, n = bits<<8|uint(b), n+8
		if i == len(value)-1 {
			n -= 3 // of the highest byte, which are zero in every scalar
		}
		for ; n >= wordBits; n -= wordBits {
			indices = append(indices, uint16(bits>>(n-wordBits)&(1<<wordBits-1)))
		}
	}
	indices = append(indices, checksum(value, check))
	words := make([]string, WordCount)
	for i, index := range indices {
		words[i] = list[index]
	}
	return words
}

// decodeWords returns the 32 bytes that the words stand for, once the check has shown that they belong together.
func decodeWords(text string, check []byte) ([]byte, error) {
	indices, err := lookUp(text)
	if err != nil {
		return nil, err
	}
	if len(indices) != WordCount {
		return nil, fmt.Errorf("%w: there are %d words, not %d", ErrMalformed, len(indices), WordCount)
	}
	value := make([]byte, 0, Size)
	bits, n := uint(0), uint(3)
	for _, index := range indices[:WordCount-1] {
		bits, n = bits<<wordBits|uint(index), n+wordBits
		for ; n >= 8; n -= 8 {
			value = append(value, byte(bits>>(n-8)))
		}
	}
	slices.Reverse(value)
	if checksum(value, check) != indices[WordCount-1] {
		clear(value)
		return nil, fmt.Errorf("%w: each is in the list, but one is another than was written down, or two changed places", ErrCheck)
	}
	return value, nil
}

var secretCheck = []byte("phr/recovery/words/1\x00")

// checksum returns the index of the check word.
func checksum(value, check []byte) uint16 {
	h := sha256.New()
	h.Write(check)
	h.Write(value)
	return binary.BigEndian.Uint16(h.Sum(nil)) >> (16 - wordBits)
}

// Lines lays words out for paper: numbered, four a line. ParseWords reads them back.
func Lines(words []string) []string {
	lines := make([]string, 0, WordCount/4)
	for i, word := range words {
		if i%4 == 0 {
			lines = append(lines, "")
		}
		line := &lines[len(lines)-1]
		*line += fmt.Sprintf("%2d. %-10s", i+1, word)
	}
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}
