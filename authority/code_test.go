package authority_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/ledger"
)

func TestCodeAsTyped(t *testing.T) {
	code := invite(t, found(t, person(t), "city-hospital"), authority.Offer{Attributes: []string{"doctor"}})
	text := code.Text()
	if ok, _ := regexp.MatchString(`^city-hospital(-[0-9A-HJKMNP-TV-Z]{4}){8}$`, text); !ok {
		t.Fatalf("Text = %s", text)
	}
	symbols := strings.ReplaceAll(strings.TrimPrefix(text, "city-hospital-"), "-", "")
	for name, typed := range map[string]string{
		"as printed":     text,
		"lower case":     strings.ToLower(text),
		"without groups": "city-hospital-" + symbols,
		"broken lines":   "  " + text[:20] + "\r\n " + text[20:] + "\n",
		"spaces":         "City-Hospital-" + strings.Join(strings.Split(symbols, ""), " "),
		"look-alikes":    "city-hospital-" + strings.NewReplacer("1", "l", "0", "o").Replace(symbols),
	} {
		got, err := authority.ParseCode(typed)
		if err != nil || got != code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodeMistyped(t *testing.T) {
	text := invite(t, found(t, person(t), "city-hospital"), authority.Offer{Attributes: []string{"doctor"}}).Text()
	for i := range text {
		for _, c := range "0123456789abcdefghjkmnpqrstvwxyz" {
			if typed := strings.ToLower(text[:i]) + string(c) + strings.ToLower(text[i+1:]); typed != strings.ToLower(text) {
				if _, err := authority.ParseCode(typed); !errors.Is(err, authority.ErrMalformed) {
					t.Fatalf("%c for character %d goes unnoticed: %v", c, i, err)
				}
			}
		}
	}
	for i := range len(text) - 1 {
		swapped := text[:i] + text[i+1:i+2] + text[i:i+1] + text[i+2:]
		same := text[i] == text[i+1] || i > len("city-hospital") && strings.Contains(text[i:i+2], "-")
		if _, err := authority.ParseCode(swapped); !same && !errors.Is(err, authority.ErrMalformed) {
			t.Errorf("characters %d and %d swapped go unnoticed", i, i+1)
		}
	}
}

func TestParseCodeMalformed(t *testing.T) {
	text := invite(t, found(t, person(t), "city-hospital"), authority.Offer{Attributes: []string{"doctor"}}).Text()
	secret := strings.TrimPrefix(text, "city-hospital-")
	for name, typed := range map[string]string{
		"empty":             "",
		"cut short":         text[:len(text)-1],
		"too long":          text + strings.Repeat(" ", 300),
		"no name":           secret,
		"no name, a hyphen": "-" + secret,
		"name of a patient": strings.Repeat("a", 32) + "-" + secret,
		"another name":      "city-hospitel-" + secret,
		"no hyphen":         "city-hospital" + secret,
		"a U":               text[:len(text)-1] + "u",
		"not ASCII":         text[:len(text)-1] + "é",
		"a control":         text[:len(text)-1] + "\x00",
	} {
		_, err := authority.ParseCode(typed)
		if !errors.Is(err, authority.ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		} else if strings.Contains(strings.ToUpper(err.Error()), secret[:9]) {
			t.Errorf("%s: the error shows the secret: %v", name, err)
		}
	}
}

func TestFingerprint(t *testing.T) {
	f := authority.FingerprintOf(ledger.HashEvent([]byte("registration")))
	if ok, _ := regexp.MatchString(`^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){7}$`, f.String()); !ok {
		t.Errorf("String = %s", f)
	}
	for _, typed := range []string{f.String(), strings.ToLower(f.String()), " " + strings.ReplaceAll(f.String(), "-", "") + "\n"} {
		if got, err := authority.ParseFingerprint(typed); err != nil || got != f {
			t.Errorf("ParseFingerprint(%q) = %s, %v", typed, got, err)
		}
	}
	for _, typed := range []string{"", f.String()[1:], "A" + f.String(), f.String() + "U"} {
		if _, err := authority.ParseFingerprint(typed); !errors.Is(err, authority.ErrMalformed) {
			t.Errorf("ParseFingerprint(%q) = %v, want ErrMalformed", typed, err)
		}
	}
}
