package fhir

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode/utf8"
)

// Field is one element of a resource in words.
type Field struct {
	Name string // of the element, as FHIR has it
	Text string // Printable
}

// Bounds of what Details returns.
const (
	maxFields = 64
	maxItems  = 20   // of a repeated element
	maxField  = 2000 // bytes of a Field's Text
)

// silent are the elements that say nothing to a person, or what the record says anyhow.
var silent = []string{
	"resourceType", "id", "meta", "implicitRules", "language", "text", "contained", "extension", "modifierExtension", "subject", "patient", "identifier",
	"data", "content", "presentedForm", "photo",
}

// Details returns the elements of a resource that can be said in a line each, in the order in which they stand there. It fails as
// Describe does.
func Details(raw []byte) ([]Field, error) {
	n, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if _, _, err := identify(n); err != nil {
		return nil, err
	}
	var fields []Field
	for _, c := range n.children {
		if slices.Contains(silent, c.key) || strings.HasPrefix(c.key, "_") || len(fields) == maxFields {
			continue
		}
		if text := say(c); text != "" {
			fields = append(fields, Field{Printable(c.key), Clip(text, maxField)})
		}
	}
	return fields, nil
}

// say returns an element in words; empty if it has none.
func say(n node) string {
	items := []node{n}
	if n.kind == '[' {
		items = n.children[:min(len(n.children), maxItems)]
	}
	var parts []string
	for _, item := range items {
		if s := sayOne(item); s != "" && !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "; ")
}

func sayOne(n node) string {
	if n.kind != '{' {
		return printed(n)
	}
	if s := quantity(n); s != "" {
		return s
	}
	if s := joined(" – ", quantity(n.get("low")), quantity(n.get("high"))); s != "" {
		return s
	}
	if s := joined(" – ", printed(n.get("start")), printed(n.get("end"))); s != "" {
		return s
	}
	if s := choice(n, "value"); s != "" {
		return strings.TrimSpace(firstText(n, "code") + " " + s)
	}
	if s := concept(n); s != "" {
		return s
	}
	return firstText(n, "code", "type", "individual", "actor", "detail", "note", "reference")
}

// Clip shortens a text to so many bytes, on the border of a character.
func Clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most] + "…"
}

// Attachment returns the content of the first file that a resource carries within it, nil if there is none. What it is, the resource may
// say wrongly.
func Attachment(raw []byte) []byte {
	n, err := parse(raw)
	if err != nil {
		return nil
	}
	return attached(n)
}

func attached(n node) []byte {
	if n.kind == '{' {
		if data := n.member("data"); data.kind == '"' {
			if content, err := base64.StdEncoding.DecodeString(data.text()); err == nil && len(content) > 0 {
				return content
			}
		}
	}
	for _, c := range n.children {
		if content := attached(c); content != nil {
			return content
		}
	}
	return nil
}
