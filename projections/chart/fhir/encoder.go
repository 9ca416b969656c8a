package fhir

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"strings"
)

// Encoder writes resources as one FHIR collection Bundle, each with the very bytes it came in with.
//
// A collection may not hold requests, nor one fullUrl twice. Both are kept in an extension of the entry, urn:phr:bundle-entry,
// with one inner extension for each of method, url, ifNoneMatch, ifModifiedSince, ifMatch, ifNoneExist and fullUrl. A resource that came without
// fullUrl leaves without: an invented one could shadow a reference. An Encoder is for one goroutine.
type Encoder struct {
	w     *bufio.Writer
	urls  map[string]bool
	began bool
}

// NewEncoder returns an Encoder that writes to w. The caller ends the Bundle with Close.
func NewEncoder(w io.Writer) *Encoder {
	return &Encoder{w: bufio.NewWriter(w), urls: map[string]bool{}}
}

const (
	bundleHead  = "{\n\"resourceType\": \"Bundle\",\n\"type\": \"collection\""
	bundleEntry = ",\n\"entry\": [\n"
)

// Encode writes one entry. It refuses, before writing anything, what Marshal refuses.
func (e *Encoder) Encode(r Resource) error {
	if err := r.check(); err != nil {
		return err
	}
	if e.began {
		e.put(",\n")
	} else {
		e.put(bundleHead, bundleEntry)
		e.began = true
	}
	e.put("{")
	repeated := e.urls[r.FullURL]
	if r.FullURL != "" && !repeated {
		e.urls[r.FullURL] = true
		e.put(`"fullUrl": `, quoted(r.FullURL), ",\n")
	}
	e.put(`"resource": `, string(r.Raw))
	if kept := r.extensions(repeated); len(kept) > 0 {
		e.put(",\n", `"extension": [{"url": `, quoted(extensionURL), `, "extension": [`, strings.Join(kept, ", "), "]}]")
	}
	_, err := e.w.WriteString("}")
	return err
}

// extensions returns what of r a collection has no other place for.
func (r Resource) extensions(withURL bool) []string {
	var kept []string
	keep := func(name, kind, value string) {
		if value != "" {
			kept = append(kept, `{"url": `+quoted(name)+`, "`+kind+`": `+quoted(value)+`}`)
		}
	}
	if withURL {
		keep("fullUrl", "valueUri", r.FullURL)
	}
	if r.Request != nil {
		for _, f := range r.Request.fields() {
			keep(f.name, f.extension, *f.value)
		}
	}
	return kept
}

// Close ends the Bundle. It does not close the writer.
func (e *Encoder) Close() error {
	if e.began {
		e.put("\n]\n}\n")
	} else {
		e.put(bundleHead, "\n}\n")
	}
	return e.w.Flush()
}

// put leaves errors to the next write or flush, which reports the first there was.
func (e *Encoder) put(parts ...string) {
	for _, p := range parts {
		e.w.WriteString(p)
	}
}

// quoted returns s as a JSON string, leaving the & and < of URLs readable.
func quoted(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.Encode(s) // a string in memory can't fail
	return string(bytes.TrimSpace(b.Bytes()))
}
