package policy_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
)

// vectors are golden: another implementation must agree, and so must every later version of this one.
type vectors struct {
	Accepted []struct {
		Text, Canonical, Hash string
		Minimal               [][]string
	}
	Refused []struct {
		Text       string
		Byte       int
		TooComplex bool
	}
}

func readVectors(t testing.TB) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for _, want := range v.Accepted {
		p, err := policy.Parse(want.Text)
		if err != nil {
			t.Error(err)
			continue
		}
		hash := p.Hash()
		if p.String() != want.Canonical || hex.EncodeToString(hash[:]) != want.Hash {
			t.Errorf("%q is %q with hash %x, want %q with %s", want.Text, p, hash, want.Canonical, want.Hash)
		}
		var minimal []string
		for _, set := range want.Minimal {
			minimal = append(minimal, strings.Join(set, " "))
		}
		if got, err := p.MinimalSets(); err != nil || list(got) != strings.Join(minimal, " | ") {
			t.Errorf("%q has the minimal sets %q, %v, want %q", want.Text, list(got), err, minimal)
		}
	}
	for _, want := range v.Refused {
		p, err := policy.Parse(want.Text)
		if !errors.Is(err, policy.ErrMalformed) || errors.Is(err, policy.ErrTooComplex) != want.TooComplex {
			t.Errorf("%q = %v, %v, want ErrMalformed, too complex %v", want.Text, p, err, want.TooComplex)
		} else if where := fmt.Sprintf("at byte %d: ", want.Byte); !strings.Contains(err.Error(), where) {
			t.Errorf("%q: %v, want it %q", want.Text, err, where)
		}
	}
}

func FuzzParse(f *testing.F) {
	v := readVectors(f)
	for _, a := range v.Accepted {
		f.Add(a.Text)
	}
	for _, r := range v.Refused {
		f.Add(r.Text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Parse(text)
		if err != nil {
			if !errors.Is(err, policy.ErrMalformed) || len(err.Error()) > 300 {
				t.Errorf("Parse(%+q): %v", text, err)
			}
			return
		}
		again, err := policy.Parse(p.String())
		if err != nil || again.String() != p.String() || again.Hash() != p.Hash() {
			t.Errorf("%+q is %q, which reads as %v, %v", text, p, again, err)
		}
		if len(p.String()) > policy.MaxText || len(p.Leaves()) > policy.MaxLeaves {
			t.Errorf("%+q exceeds the limits: %q", text, p)
		}
		for _, a := range p.Attributes() {
			if parsed, err := policy.ParseAttribute(a.String()); err != nil || parsed != a {
				t.Errorf("attribute %q of %+q: %v", a, text, err)
			}
		}
		ok, missing := p.Satisfied(func(policy.Attribute) bool { return false })
		if ok || len(missing) == 0 {
			t.Errorf("%+q: satisfied by nothing: %v, missing %v", text, ok, missing)
		}
		if all, _ := p.Satisfied(func(policy.Attribute) bool { return true }); !all {
			t.Errorf("%+q: not satisfied by everything", text)
		}
	})
}
