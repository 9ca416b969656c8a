package recovery_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/crypto/recovery"
)

// belongs returns what Combine asks: in place of the hash on the log, the secret itself.
func belongs(to *recovery.Secret) func(*recovery.Secret) bool {
	return func(s *recovery.Secret) bool { return bytes.Equal(s.IdentitySeed(), to.IdentitySeed()) }
}

func split(t interface{ Fatal(...any) }, s *recovery.Secret, need, n int) []*recovery.Share {
	shares, err := s.Split(need, n)
	if err != nil {
		t.Fatal(err)
	}
	return shares
}

// Any need shares open the secret, in any order and after a way over paper; one less does not, even to who says that fewer are
// needed.
func TestAnyNeedSharesOpen(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 7).Draw(t, "n")
		need := rapid.IntRange(2, n).Draw(t, "need")
		s := generate(t)
		shares := rapid.Permutation(split(t, s, need, n)).Draw(t, "order")
		for i, share := range shares {
			again, err := recovery.ParseShare("# keep it\n" + strings.ToUpper(share.Text()))
			if err != nil || again.Heading() != share.Heading() {
				t.Fatalf("%s: %v", share.Heading(), err)
			}
			shares[i] = again
		}
		got, err := recovery.Combine(shares[:need], belongs(s))
		if err != nil || !bytes.Equal(got.Bytes(), s.Bytes()) {
			t.Fatalf("%d of %d: %v", need, n, err)
		}
		if _, err := recovery.Combine(shares, belongs(s)); err != nil {
			t.Fatalf("all %d: %v", n, err)
		}
		if _, err := recovery.Combine(shares[:need-1], belongs(s)); !errors.Is(err, recovery.ErrShares) {
			t.Fatalf("%d of %d needed: %v, want ErrShares", need-1, need, err)
		}
		if need > 2 {
			fewer := recovery.WithNeed(shares[:need-1], need-1)
			if _, err := recovery.Combine(fewer, belongs(s)); !errors.Is(err, recovery.ErrShares) {
				t.Fatalf("the algebra opens %d of %d: %v", need-1, need, err)
			}
		}
	})
}

func TestSplitBounds(t *testing.T) {
	s := generate(t)
	for _, bad := range [][2]int{{0, 0}, {0, 3}, {1, 3}, {4, 3}, {2, 17}, {-1, -1}} {
		if _, err := s.Split(bad[0], bad[1]); err == nil {
			t.Errorf("Split(%d, %d) made shares", bad[0], bad[1])
		}
	}
}

func TestCombineNamesWhatIsWrong(t *testing.T) {
	s, other := generate(t), generate(t)
	shares, again, foreign := split(t, s, 3, 5), split(t, s, 3, 5), split(t, other, 3, 5)
	for again[0].Set() == shares[0].Set() {
		again = split(t, s, 3, 5)
	}
	changed := recovery.WithValueOf(shares[3], foreign[3])
	for name, test := range map[string]struct {
		shares []*recovery.Share
		opens  bool
		want   string
	}{
		"none":              {nil, false, "there are none"},
		"too few":           {shares[:2], false, "3 are needed, and there are 2"},
		"twice":             {[]*recovery.Share{shares[0], shares[1], shares[0]}, false, "share 1 is given twice"},
		"of another split":  {[]*recovery.Share{shares[0], shares[1], again[2]}, false, "but share 3 of the set " + again[2].Set()},
		"of another person": {foreign[:3], false, "of somebody else's secret"},
		"one changed":       {[]*recovery.Share{shares[0], shares[1], changed}, false, "one of them was changed"},
		"one more changed":  {[]*recovery.Share{changed, shares[0], shares[1], shares[2]}, true, "share 4 was changed"},
		"two of five":       {[]*recovery.Share{changed, shares[0], recovery.WithValueOf(shares[4], foreign[4]), shares[1], shares[2]}, true, "share 4 and 5"},
		"three of five": {
			[]*recovery.Share{changed, recovery.WithValueOf(shares[0], foreign[0]), recovery.WithValueOf(shares[4], foreign[4]), shares[1], shares[2]},
			false, "no 3 of these 5",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := recovery.Combine(test.shares, belongs(s))
			if !errors.Is(err, recovery.ErrShares) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Combine = %v, want %q", err, test.want)
			}
			if (got != nil) != test.opens || got != nil && !bytes.Equal(got.Bytes(), s.Bytes()) {
				t.Errorf("opened: %v, want %v", got != nil, test.opens)
			}
		})
	}
}

func TestParseShareRefuses(t *testing.T) {
	share, err := recovery.ParseShare(readVectors(t).Shares[1])
	if err != nil {
		t.Fatal(err)
	}
	set, otherSet := share.Set(), "lemon"
	for name, test := range map[string]struct {
		old, new string
		want     error
	}{
		"another number":    {"share 2", "share 4", recovery.ErrCheck},
		"another threshold": {"any 3", "any 2", recovery.ErrCheck},
		"another total":     {"of 5", "of 4", recovery.ErrCheck},
		"another set":       {"set " + set, "set " + otherSet, recovery.ErrCheck},
		"no set":            {"set " + set, "set xyzzy", recovery.ErrMalformed},
		"number beyond":     {"share 2", "share 6", recovery.ErrMalformed},
		"number zero":       {"share 2", "share 0", recovery.ErrMalformed},
		"threshold beyond":  {"any 3", "any 6", recovery.ErrMalformed},
		"threshold one":     {"any 3", "any 1", recovery.ErrMalformed},
		"total beyond":      {"of 5", "of 17", recovery.ErrMalformed},
		"no heading":        {share.Heading(), "", recovery.ErrMalformed},
	} {
		text := strings.Replace(share.Text(), test.old, test.new, 1)
		if _, err := recovery.ParseShare(text); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
	words := share.Words()
	words[3] = "xyzzy"
	_, err = recovery.ParseShare(share.Heading() + "\n" + strings.Join(words, " "))
	var wrong *recovery.WordError
	if !errors.As(err, &wrong) || wrong.Place != 4 || !strings.HasPrefix(err.Error(), "share 2: word 4") {
		t.Errorf("ParseShare = %v, want word 4 of share 2 named", err)
	}
}

func FuzzParseShare(f *testing.F) {
	v := readVectors(f)
	for _, share := range v.Shares {
		f.Add(share)
	}
	f.Add(strings.Join(v.Words, " "))
	f.Fuzz(func(t *testing.T, text string) {
		share, err := recovery.ParseShare(text)
		if err != nil {
			return
		}
		again, err := recovery.ParseShare(share.Text())
		if err != nil || again.Text() != share.Text() {
			t.Errorf("%q reads otherwise when written again: %v", text, err)
		}
	})
}

func FuzzParseWords(f *testing.F) {
	v := readVectors(f)
	f.Add(strings.Join(v.Words, " "))
	f.Add(strings.Join(v.Words, "\n7. "))
	f.Fuzz(func(t *testing.T, text string) {
		s, err := recovery.ParseWords(text)
		if err != nil {
			return
		}
		again, err := recovery.ParseWords(strings.Join(s.Words(), " "))
		if err != nil || !slices.Equal(again.Bytes(), s.Bytes()) {
			t.Errorf("%q reads otherwise when written again: %v", text, err)
		}
	})
}
