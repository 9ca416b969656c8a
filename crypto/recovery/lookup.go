package recovery

import (
	_ "embed"
	"fmt"
	"slices"
	"sort"
	"strings"
)

//go:embed english.txt
var english string

// list has the 2048 English words of BIP 39, in alphabetical order, no two of which share their first four letters. They lie here, and not in
// a module, so that a browser need not load those of eight other languages.
var list = strings.Fields(english)

const (
	prefixSize    = 4
	maxText       = 4 << 10 // bytes of what is typed
	maxWord       = 20      // of what is shown of a word
	maxCandidates = 3
)

// WordError is a word that is not in the list. It holds no other word of the secret.
type WordError struct {
	Place      int      // from 1
	Word       string   // as typed, cut to 20 bytes
	Candidates []string // words of the list that may have been meant, likeliest first; at most 3
}

// Error says which word is wrong, and what may have been meant.
func (e *WordError) Error() string {
	text := fmt.Sprintf("word %d, %q, is not in the list", e.Place, e.Word)
	if len(e.Candidates) > 0 {
		text += ": did you mean " + strings.Join(e.Candidates, " or ") + "?"
	}
	return text
}

// Unwrap returns ErrMalformed.
func (e *WordError) Unwrap() error { return ErrMalformed }

// lookUp returns the place in the list of each word of the text.
func lookUp(text string) ([]uint16, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: %d bytes are more than %d words take", ErrMalformed, len(text), WordCount)
	}
	var indices []uint16
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(strings.ToLower(line), isSpace) {
			if strings.Trim(word, "0123456789") == "" {
				continue // the number of a word
			}
			index, ok := find(word)
			if !ok {
				return nil, &WordError{Place: len(indices) + 1, Word: cut(word), Candidates: candidates(word)}
			}
			indices = append(indices, uint16(index))
		}
	}
	return indices, nil
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n.,;:()-", r) }

// find returns the place of a word that is whole or cut after its fourth letter or later.
func find(word string) (int, bool) {
	i := sort.SearchStrings(list, word)
	if i == len(list) {
		return 0, false
	}
	return i, list[i] == word || len(word) >= prefixSize && strings.HasPrefix(list[i], word)
}

// candidates returns words that are few keystrokes away, and words that a short one begins.
func candidates(word string) []string {
	if len(word) > maxWord {
		return nil
	}
	type candidate struct {
		word     string
		distance int
	}
	var near []candidate
	for _, w := range list {
		d := distance(word, w)
		if len(word) >= 2 && strings.HasPrefix(w, word) {
			d = min(d, 1)
		}
		if d <= 2 && d < len(word) {
			near = append(near, candidate{w, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var words []string
	for _, c := range near[:min(len(near), maxCandidates)] {
		words = append(words, c.word)
	}
	return words
}

// distance counts letters put in, left out, changed, or swapped with their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

func cut(word string) string { return strings.ToValidUTF8(word[:min(len(word), maxWord)], "") }
