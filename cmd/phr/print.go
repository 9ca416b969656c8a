package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// emit writes v as one line of JSON, safe on a terminal too.
func (e *env) emit(v any) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	text, err := e.dated(line.Bytes())
	if err != nil {
		return err
	}
	_, err = e.stdout.Write(harmless(text))
	return err
}

// shownUnproven says since when it is not proven that what is shown is all there is.
type shownUnproven struct {
	AsOf time.Time `json:"as_of,omitzero"` // none if it never was
	Why  string    `json:"why,omitempty"`
}

// dated adds to a JSON object that what it shows may be old, if so.
func (e *env) dated(line []byte) ([]byte, error) {
	rest, ok := bytes.CutPrefix(line, []byte("{"))
	if e.stale == nil || !ok || rest[0] == '}' {
		return line, nil
	}
	stale, err := json.Marshal(shownUnproven{e.stale.AsOf, e.stale.Why})
	return slices.Concat([]byte(`{"stale":`), stale, []byte(","), rest), err
}

// tellUnproven says when what is shown may be old: at once to people, and in each line that follows to programs.
func (e *env) tellUnproven(stale *client.Unproven) {
	if e.stale = stale; stale != nil {
		e.alarm("%s", stale)
	}
}

// harmless writes the characters of a JSON text that a terminal would act on as escapes: the text stays equal as JSON.
func harmless(text []byte) []byte {
	if fhir.Printable(string(text)) == string(text) {
		return text
	}
	safe := make([]byte, 0, len(text)+64)
	for _, r := range string(text) {
		if s := string(r); r < utf8.RuneSelf && r != 0x7f || fhir.Printable(s) == s {
			safe = append(safe, s...)
			continue
		}
		safe = appendEscape(safe, r)
	}
	return safe
}

// appendEscape appends a character as JSON escapes it, in two halves if it is beyond the first plane.
func appendEscape(b []byte, r rune) []byte {
	if r > 0xffff {
		r -= 0x10000
		return fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// say writes a line for people on standard output. Values that others wrote are made safe for a terminal.
func (e *env) say(format string, args ...any) { line(e.stdout, format, args) }

// note writes a line for people on standard error, so that standard output holds the result alone.
func (e *env) note(format string, args ...any) { line(e.stderr, format, args) }

// alarm is note for what must not be overlooked: red, where standard error is a terminal.
func (e *env) alarm(format string, args ...any) {
	if isTerminal(e.stderr) {
		fmt.Fprint(e.stderr, "\x1b[1;31m")
		defer fmt.Fprint(e.stderr, "\x1b[0m")
	}
	line(e.stderr, format, args)
}

func line(w io.Writer, format string, args []any) {
	fmt.Fprintln(w, fhir.Printable(fmt.Sprintf(format, args...)))
}

// table is a list: aligned columns for people, or one JSON object a line for programs.
type table struct {
	e    *env
	w    *tabwriter.Writer
	rows int
}

func (e *env) table(head ...string) *table {
	t := &table{e: e, w: tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)}
	t.line(head)
	return t
}

// row adds a row: v for programs, the cells for people.
func (t *table) row(v any, cells ...string) error {
	t.rows++
	if t.e.json {
		return t.e.emit(v)
	}
	t.line(cells)
	return nil
}

// line writes cells, safe for a terminal, long ones cut.
func (t *table) line(cells []string) {
	for i, c := range cells {
		if i > 0 {
			fmt.Fprint(t.w, "\t")
		}
		fmt.Fprint(t.w, clip(fhir.Printable(c), widest))
	}
	fmt.Fprintln(t.w)
}

// end writes the table. People are told none if it has no rows.
func (t *table) end(none string) error {
	switch {
	case t.e.json:
		return nil
	case t.rows == 0:
		t.e.note("%s", none)
		return nil
	}
	return t.w.Flush()
}

// widest is how many characters a cell shows.
const widest = 80

// clip cuts a text that has more than n characters.
func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// moment shows a time to people.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04")
}

// thousands groups the digits of a number.
func thousands(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// plural returns a number with its noun.
func plural(n int, noun string) string {
	switch stem, ok := strings.CutSuffix(noun, "y"); {
	case n == 1:
	case ok:
		noun = stem + "ies"
	default:
		noun += "s"
	}
	return thousands(n) + " " + noun
}

// isTerminal tells whether a stream is a person's terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
