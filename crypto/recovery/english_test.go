package recovery_test

import (
	"os"
	"strings"
	"testing"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// The words are those of BIP 39, as a module of others has them.
func TestEnglish(t *testing.T) {
	text, err := os.ReadFile("english.txt")
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != strings.Join(wordlists.English, "\n")+"\n" {
		t.Error("english.txt is another list")
	}
}
