package fhir_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode"

	"github.com/phrledger/phr/projections/chart/fhir"
)

// bomb packs a piece n times between a head and a tail.
func bomb(t *testing.T, head, piece string, n int, tail string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	block := strings.Repeat(piece, 1024)
	_, err := io.WriteString(z, head)
	for i := 0; i < n && err == nil; i += 1024 {
		_, err = io.WriteString(z, block)
	}
	if err == nil {
		_, err = io.WriteString(z, tail)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestAttack55_DecompressionBomb(t *testing.T) {
	const unpacked = 8 << 20
	limits := fhir.Limits{Total: 6 << 20, Entries: 100_000}
	for name, packed := range map[string][]byte{
		"white space":      bomb(t, "", " ", unpacked, maria),
		"blank lines":      bomb(t, maria, "\n", unpacked, maria),
		"one string":       bomb(t, `{"resourceType":"Binary","data":"`, "A", unpacked, `"}`),
		"string in entry":  bomb(t, `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Binary","data":"`, "A", unpacked, `"}}]}`),
		"string in bundle": bomb(t, `{"resourceType":"Bundle","note":"`, "A", unpacked, `","entry":[]}`),
		"one key":          bomb(t, `{"`, "A", unpacked, `":1}`),
		"nesting":          bomb(t, `{"resourceType":"Basic","v":`, "[", unpacked, "]"),
		"many keys":        bomb(t, `{"a":1`, `,"b":1`, unpacked/6, "}"),
		"many bad entries": bomb(t, `{"resourceType":"Bundle","entry":[1`, ",1", unpacked/2, "]}"),
		"many lines":       bomb(t, "", "1\n", unpacked/2, ""),
		"bomb of bombs":    bomb(t, "", string(bomb(t, "", " ", 1<<20, "")), 1<<13, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			entries, err := fhir.ReadAll(bytes.NewReader(packed), limits)
			runtime.ReadMemStats(&after)
			if err == nil || len(entries) > 0 {
				t.Fatalf("%d entries, %v", len(entries), err)
			}
			if live := int64(after.HeapAlloc) - int64(before.HeapAlloc); live > 8<<20+int64(len(packed)) {
				t.Errorf("%d MiB in use after %d KiB of input", live>>20, len(packed)>>10)
			}
		})
	}
}

func TestAttack55_EndlessGzipMembers(t *testing.T) {
	empty := packed(t, "")
	endless := io.MultiReader(bytes.NewReader(packed(t, maria+"\n")), &repeating{piece: empty})
	if _, err := fhir.ReadAll(endless, fhir.Limits{Total: 4 << 20}); !errors.Is(err, fhir.ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
}

// repeating reads piece for ever.
type repeating struct {
	piece []byte
	at    int
}

func (r *repeating) Read(p []byte) (int, error) {
	n := copy(p, r.piece[r.at:])
	r.at = (r.at + n) % len(r.piece)
	return n, nil
}

func TestAttack55_DeepNesting(t *testing.T) {
	for _, piece := range []string{"[", `{"a":`, `[{"a":`} {
		raw := `{"resourceType":"Basic","v":` + strings.Repeat(piece, 60_000)
		if len(raw) > fhir.MaxResource {
			raw = raw[:fhir.MaxResource]
		}
		if _, err := fhir.Describe([]byte(raw)); !errors.Is(err, fhir.ErrMalformed) {
			t.Errorf("%q nested: %v", piece, err)
		}
	}
}

func TestAttack55_TerminalEscapes(t *testing.T) {
	hostile := map[string]string{
		"colour":            "a\x1b[31mb",
		"clear the screen":  "\x1b[2J\x1b[Ha",
		"set the title":     "\x1b]0;owned\x07a",
		"clipboard":         "\x1b]52;c;cm0gLXJmCg==\x07a",
		"C1 introducer":     "a\u009b31mb",
		"C1 as bytes":       "a\x9b31mb",
		"carriage return":   "harmless\rINFECTED",
		"new line":          "a\nphr: everything is fine",
		"backspace":         "abc\b\b\bxyz",
		"delete":            "a\x7fb",
		"NUL":               "a\x00b",
		"right to left":     "a\u202egnp.exe",
		"isolate":           "a\u2067b\u2069",
		"mark":              "a\u200fb\u061c",
		"line separator":    "a\u2028b\u2029c",
		"zero width":        "a\u200bb\ufeffc",
		"tag characters":    "a\U000e0041b",
		"soft hyphen":       "a\u00adb",
		"interlinear":       "a\ufff9b",
		"truncated UTF-8":   "a\xe2\x82",
		"overlong encoding": "a\xc0\x9b",
	}
	for name, s := range hostile {
		t.Run(name, func(t *testing.T) {
			checkPrintable(t, fhir.Printable(s))
		})
	}
	for _, s := range []string{"", "plain", "Núñez", "糖尿病", "می\u200cخواهم", "👩\u200d⚕️", "≤ 6.5 %"} {
		if got := fhir.Printable(s); got != s {
			t.Errorf("Printable(%q) = %q", s, got)
		}
	}
}

// checkPrintable fails for anything that a terminal acts on rather than shows.
func checkPrintable(t *testing.T, s string) {
	t.Helper()
	for i, r := range s {
		joiner := r == '\u200c' || r == '\u200d'
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) && !joiner {
			t.Errorf("%U at %d of %q", r, i, s)
		}
	}
}

func TestAttack55_HostileSummaries(t *testing.T) {
	const evil = `\u001b]0;owned\u0007\u202e\r\n`
	raw := strings.ReplaceAll(`{"resourceType":"Observation","id":"EVIL","status":"EVIL","subject":{"reference":"EVIL"},
		"category":[{"coding":[{"system":"EVIL","code":"EVIL","display":"EVIL"}]}],
		"code":{"text":"EVIL","coding":[{"system":"EVIL","code":"EVIL","display":"EVIL"}]},
		"valueQuantity":{"value":1,"comparator":"EVIL","unit":"EVIL"},
		"component":[{"code":{"text":"EVIL"},"valueString":"EVIL"}],"effectiveDateTime":"EVIL"}`, "EVIL", "x"+evil+"y")
	s, err := fhir.Describe([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{s.Type, s.ID, s.Display, s.Status, s.Subject, s.When, s.Value}
	for _, c := range append(append(s.Codes, s.Categories...), s.Measurements[0].Codes...) {
		texts = append(texts, c.System, c.Value, c.Display)
	}
	for _, m := range s.Measurements {
		texts = append(texts, m.Display, m.Text, m.Unit)
	}
	for _, text := range texts {
		checkPrintable(t, text)
	}
	if s.Display != "x]0;owned  y" {
		t.Errorf("Display = %q", s.Display)
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\x1b[31m\u202eb\x9b")
	f.Fuzz(func(t *testing.T, s string) {
		once := fhir.Printable(s)
		checkPrintable(t, once)
		if twice := fhir.Printable(once); twice != once {
			t.Errorf("Printable(%q) = %q", once, twice)
		}
	})
}
