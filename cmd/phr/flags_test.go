package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseSpan(t *testing.T) {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.Local) }
	at := time.Date(2024, 5, 17, 12, 30, 0, 0, time.UTC)
	for _, test := range []struct {
		text       string
		start, end time.Time
	}{
		{"2024", day(2024, 1, 1), day(2025, 1, 1)},
		{"2024-02", day(2024, 2, 1), day(2024, 3, 1)},
		{"2024-12-31", day(2024, 12, 31), day(2025, 1, 1)},
		{"2024-05-17T12:30:00Z", at, at},
	} {
		got, err := parseSpan(test.text)
		if err != nil || !got.start.Equal(test.start) || !got.end.Equal(test.end) {
			t.Errorf("parseSpan(%q) = %v, %v; want %v to %v", test.text, got, err, test.start, test.end)
		}
	}
	for _, text := range []string{"", "soon", "24", "2024-13", "2024-02-30", "17.5.2024", "2024-5-7"} {
		if got, err := parseSpan(text); err == nil {
			t.Errorf("parseSpan(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseUntil(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.Local)
	for _, test := range []struct {
		text string
		want time.Time
	}{
		{"30d", now.Add(30 * 24 * time.Hour)},
		{"2w", now.Add(14 * 24 * time.Hour)},
		{"90m", now.Add(90 * time.Minute)},
		{"2026-01-31", time.Date(2026, 2, 1, 0, 0, 0, 0, time.Local)},
		{"2026", time.Date(2027, 1, 1, 0, 0, 0, 0, time.Local)},
	} {
		if got, err := parseUntil(test.text, now); err != nil || !got.Equal(test.want) {
			t.Errorf("parseUntil(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"", "0d", "-1d", "-3h", "99999d", "d", "yesterday", "2026-01-30", "2020", "1.5d"} {
		if got, err := parseUntil(text, now); err == nil {
			t.Errorf("parseUntil(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseOperands(t *testing.T) {
	for _, test := range []struct {
		args     string
		operands string
		home     string
	}{
		{"one two", "one two", ""},
		{"--home h one two", "one two", "h"},
		{"one --home h two", "one two", "h"},
		{"one two --home=h", "one two", "h"},
		{"one -- --home two", "one --home two", ""},
	} {
		e := &env{verb: &verb{name: "test"}}
		got, err := e.parse(e.personal(), strings.Fields(test.args), 0, -1)
		if err != nil || strings.Join(got, " ") != test.operands || e.home != test.home {
			t.Errorf("parse(%q) = %q, home %q, %v; want %q, home %q", test.args, got, e.home, err, test.operands, test.home)
		}
	}
}

// Each verb is there once, and its examples are of it.
func TestVerbs(t *testing.T) {
	seen := make(map[string]bool)
	for _, v := range verbs() {
		if seen[v.name] {
			t.Errorf("%s is there twice", v.name)
		}
		seen[v.name] = true
		for line := range strings.Lines(v.example) {
			if !strings.Contains(line, "phr "+v.name) {
				t.Errorf("an example of %s is %q", v.name, line)
			}
		}
	}
}
