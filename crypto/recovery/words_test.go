package recovery_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/recovery"
)

func TestParseWordsNamesTheWrongWord(t *testing.T) {
	words := generate(t).Words()
	for _, test := range []struct {
		word       string
		candidates []string
	}{
		{"abadnon", []string{"abandon"}},
		{"aband0n", []string{"abandon"}},
		{"abandonn", []string{"abandon"}},
		{"lemmon", []string{"lemon", "common"}},
		{"abo", []string{"about", "above"}},
		{"xyzzyx", nil},
		{"qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", nil},
		{"größe", nil},
	} {
		t.Run(test.word, func(t *testing.T) {
			with := slices.Clone(words)
			with[6] = test.word
			_, err := recovery.ParseWords(strings.Join(with, " "))
			var wrong *recovery.WordError
			if !errors.As(err, &wrong) || wrong.Place != 7 || !strings.HasPrefix(test.word, wrong.Word) || len(wrong.Word) > 20 {
				t.Fatalf("ParseWords = %v, want word 7 named", err)
			}
			for _, c := range test.candidates {
				if !slices.Contains(wrong.Candidates, c) {
					t.Errorf("candidates %q, want %q among them", wrong.Candidates, c)
				}
			}
			if test.candidates == nil && len(wrong.Candidates) > 0 {
				t.Errorf("candidates %q, want none", wrong.Candidates)
			}
			for i, word := range words {
				if i != 6 && !slices.Contains(wrong.Candidates, word) && strings.Contains(err.Error(), `"`+word+`"`) {
					t.Errorf("%v shows another word", err)
				}
			}
		})
	}
}

func TestParseWordsRefuses(t *testing.T) {
	words := secretOfVectors(t).Words()
	share, err := recovery.ParseShare(readVectors(t).Shares[0])
	if err != nil {
		t.Fatal(err)
	}
	swapped := slices.Clone(words)
	for i := range swapped[1:] {
		if swapped[i] != swapped[i+1] {
			swapped[i], swapped[i+1] = swapped[i+1], swapped[i]
			break
		}
	}
	for name, test := range map[string]struct {
		text string
		want error
	}{
		"nothing":                {"", recovery.ErrMalformed},
		"a word short":           {strings.Join(words[1:], " "), recovery.ErrMalformed},
		"a word more":            {strings.Join(append(words, words[0]), " "), recovery.ErrMalformed},
		"two words swapped":      {strings.Join(swapped, " "), recovery.ErrCheck},
		"a share":                {share.Text(), recovery.ErrMalformed},
		"a share, no heading":    {strings.Join(share.Words(), " "), recovery.ErrCheck},
		"a wallet's":             {strings.Repeat("abandon ", 23) + "art", recovery.ErrCheck},
		"zero":                   {strings.Repeat("abandon ", 24), recovery.ErrCheck},
		"a book":                 {strings.Repeat("abandon ", 4000), recovery.ErrMalformed},
		"a comment hides a word": {strings.Join(words[:23], " ") + "\n# " + words[23], recovery.ErrMalformed},
	} {
		if _, err := recovery.ParseWords(test.text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// One word for another is found, all but once in 2048 tries; no try of these is that one.
func TestAnotherWordIsFound(t *testing.T) {
	s := secretOfVectors(t)
	words, wrong := s.Words(), 0
	for i := range words {
		for _, other := range []string{"abandon", "lemon", "zoo", "whale"} {
			with := slices.Clone(words)
			with[i] = other
			if again, err := recovery.ParseWords(strings.Join(with, " ")); err == nil && !bytes.Equal(again.Bytes(), s.Bytes()) {
				wrong++
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d of 96 changes were not found", wrong)
	}
}

func TestLines(t *testing.T) {
	s := generate(t)
	lines := recovery.Lines(s.Words())
	if len(lines) != 6 || !strings.HasPrefix(lines[1], " 5. ") {
		t.Errorf("Lines = %q", lines)
	}
	again, err := recovery.ParseWords("# on paper\n" + strings.Join(lines, "\n"))
	if err != nil || !bytes.Equal(again.Bytes(), s.Bytes()) {
		t.Errorf("ParseWords of Lines: %v", err)
	}
}
