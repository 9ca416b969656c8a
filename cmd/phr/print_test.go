package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/phrledger/phr/ledger/stream"
)

func TestHarmlessIsTheSameJSON(t *testing.T) {
	for _, text := range []string{"plain", "Größe 東京 👩‍⚕️", hostile, "\U000e0001 tag", "\u2028", "a\tb\nc"} {
		var raw bytes.Buffer
		enc := json.NewEncoder(&raw)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(map[string]string{"text": text}); err != nil {
			t.Fatal(err)
		}
		safe := harmless(raw.Bytes())
		harmlessOutput(t, string(safe))
		var back map[string]string
		if err := json.Unmarshal(safe, &back); err != nil || back["text"] != text {
			t.Errorf("%q came back as %q, %v", text, back["text"], err)
		}
	}
}

func TestReport(t *testing.T) {
	told := &stream.Error{Code: "busy", Text: "too much at once", Hint: "wait a moment"}
	for _, test := range []struct {
		err  error
		want string
		code int
	}{
		{nil, "", 0},
		{flag.ErrHelp, "", 0},
		{errors.New("it broke"), "phr: it broke\n", failed},
		{&usageError{"no such verb", "phr help"}, "phr: no such verb\nhint: phr help\n", misused},
		{fmt.Errorf("opening: %w", &hinted{errors.New("it broke"), "mend it"}), "phr: opening: it broke\nhint: mend it\n", failed},
		{fmt.Errorf("granting: %w", told), "phr: granting: too much at once\nhint: wait a moment\n", failed},
		{errors.Join(errors.New("one"), errors.New("two\x1b[31m")), "phr: one\nphr: two[31m\n", failed},
	} {
		var printed strings.Builder
		e := &env{stderr: &printed}
		if code := e.report(test.err); code != test.code || printed.String() != test.want {
			t.Errorf("report(%v) = %d and %q, want %d and %q", test.err, code, printed.String(), test.code, test.want)
		}
	}
}

func TestProgress(t *testing.T) {
	var shown strings.Builder
	p := &progress{w: &shown, what: "Writing", total: 2000}
	p.at(0)
	p.at(900)
	p.at(2000)
	p.done()
	for _, want := range []string{"0 of 2,000", "900 of 2,000", "[##############################] 2,000 of 2,000\n"} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q does not show %q", shown.String(), want)
		}
	}
	(&progress{}).at(1)
	(&progress{}).done()
}

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0 records", 1: "1 record", 999: "999 records", 1000: "1,000 records", 1234567: "1,234,567 records"} {
		if got := plural(n, "record"); got != want {
			t.Errorf("plural(%d) = %q, want %q", n, got, want)
		}
	}
	if got := plural(2, "entry"); got != "2 entries" {
		t.Errorf("plural of entry is %q", got)
	}
}

// Every verb says what it takes and shows an example that begins with its own name.
func TestVerbsExplainThemselves(t *testing.T) {
	for _, v := range verbs() {
		var out strings.Builder
		e := &env{stdout: &out, stderr: &out, getenv: func(string) string { return "" }}
		if err := run(t.Context(), e, append(strings.Fields(v.name), "-h")); !errors.Is(err, flag.ErrHelp) && v.name != "help" {
			t.Errorf("phr %s -h ends with %v", v.name, err)
		}
		if !strings.HasPrefix(out.String(), "usage: phr "+v.name) || !strings.Contains(out.String(), "\n  phr "+v.name) {
			t.Errorf("phr %s -h prints\n%s", v.name, out.String())
		}
	}
}
