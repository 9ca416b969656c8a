package authority_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/phrledger/phr/authority"
)

func FuzzParseCode(f *testing.F) {
	text := invite(f, found(f, person(f), "city-hospital"), authority.Offer{Attributes: []string{"doctor"}}).Text()
	f.Add(text)
	f.Add(" CITY-hospital-" + text[len("city-hospital-"):])
	f.Fuzz(func(t *testing.T, s string) {
		code, err := authority.ParseCode(s)
		if err != nil {
			if !errors.Is(err, authority.ErrMalformed) {
				t.Errorf("%v, want ErrMalformed", err)
			}
			return
		}
		if again, err := authority.ParseCode(code.Text()); err != nil || again != code {
			t.Errorf("what ParseCode took does not read back: %v", err)
		}
	})
}

func FuzzParseFingerprint(f *testing.F) {
	f.Add("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ")
	f.Fuzz(func(t *testing.T, s string) {
		print, err := authority.ParseFingerprint(s)
		if err != nil {
			return
		}
		if again, err := authority.ParseFingerprint(print.String()); err != nil || again != print {
			t.Errorf("what ParseFingerprint took reads back as %s, %v", again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(found(f, person(f), "city-hospital").Bytes())
	f.Add(populated(f).Bytes())
	f.Add(firstVersion(f, populated(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := authority.Parse(data)
		if err != nil {
			return
		}
		written := a.Bytes()
		if again, err := authority.Parse(written); err != nil || !bytes.Equal(again.Bytes(), written) {
			t.Errorf("writes %x, which does not read back: %v", written, err)
		}
		const first = "\x85\x01" // five fields, version 1: read, and written as the current version
		if !bytes.HasPrefix(data, []byte(first)) && !bytes.Equal(written, data) {
			t.Errorf("accepted %x, writes %x", data, written)
		}
	})
}

// FuzzAdmit seals anything to a founder.
func FuzzAdmit(f *testing.F) {
	founder, doctor := person(f), person(f)
	a := found(f, founder, "city-hospital")
	code := invite(f, a, authority.Offer{Attributes: []string{"doctor"}})
	plaintext, err := founder.Open("phr/enrol/1", []byte("city-hospital"), ask(f, code, doctor, founder))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plaintext)
	f.Fuzz(func(t *testing.T, data []byte) {
		sealed, err := founder.Keys().SealTo("phr/enrol/1", []byte("city-hospital"), data)
		if err != nil {
			t.Fatal(err)
		}
		_, err = a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor), sealed)
		if (err == nil) != bytes.Equal(data, plaintext) {
			t.Errorf("%x: %v", data, err)
		}
	})
}
