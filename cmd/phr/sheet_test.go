package main

import (
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/recovery"
)

func TestSheet(t *testing.T) {
	code, err := recovery.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	person, err := client.NewIdentity(code)
	if err != nil {
		t.Fatal(err)
	}
	sheet := string(sheetOf(code, person.GID(), time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)))
	for _, want := range []string{string(person.GID()), "2026-01-02", " 1. ", "24. ", "phr id passphrase"} {
		if !strings.Contains(sheet, want) {
			t.Errorf("the sheet does not say %q:\n%s", want, sheet)
		}
	}
	again, err := recovery.ParseWords(sheet)
	if err != nil || !slices.Equal(again.Words(), code.Words()) {
		t.Errorf("the sheet as it is printed reads as something else: %v", err)
	}
	path := filepath.Join(t.TempDir(), "sheet")
	if err := writeSecret(path, []byte(sheet)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the sheet's file has mode %v, %v", info.Mode(), err)
	}
	if err := writeSecret(path, []byte(sheet)); err == nil {
		t.Error("a sheet was written over another")
	}
}

func TestSheetIsAskedFor(t *testing.T) {
	words := strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x")
	for _, c := range []struct {
		name   string
		wrong  int // answers before the right one
		passes bool
	}{{"known", 0, true}, {"mistyped twice", 2, true}, {"not known", 3, false}} {
		asked := make(map[string]int)
		err := testSheet(words, func(prompt string) ([]byte, error) {
			asked[prompt]++
			if asked[prompt] <= c.wrong {
				return []byte("nonsense"), nil
			}
			var n int
			if _, err := fmt.Sscanf(prompt, "Word %d: ", &n); err != nil {
				return nil, err
			}
			return []byte(" " + strings.ToUpper(words[n-1])), nil
		}, io.Discard)
		if (err == nil) != c.passes {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.passes && len(asked) != testedWords {
			t.Errorf("%s: asked for %d words", c.name, len(asked))
		}
	}
}
