package fhir

import (
	"bytes"
	"fmt"
)

// extensionURL marks the extension in which an exported collection Bundle keeps what the standard allows only in other
// bundles: the request of an entry, and a fullUrl that an earlier entry already has. It is a URN, as it claims no host.
const extensionURL = "urn:phr:bundle-entry"

// entry reads a bundle entry, or a resource standing in the place of one.
func (d *decoder) entry(n node) (Entry, error) {
	if n.kind != '{' {
		return Entry{}, fmt.Errorf("%w: the entry is not an object", ErrMalformed)
	}
	var e Entry
	resource := n
	if n.get("resourceType").kind == 0 {
		resource = n.get("resource")
		if err := e.describe(n); err != nil {
			return Entry{}, err
		}
	}
	if resource.kind == 0 {
		return Entry{}, missing(e.Request, n)
	}
	var err error
	if e.Type, e.ID, err = identify(resource); err != nil {
		return Entry{}, err
	}
	if len(resource.raw) > d.limits.Resource {
		return Entry{}, fmt.Errorf("%s of %d bytes, the limit is %d: %w", e.Type, len(resource.raw), d.limits.Resource, ErrTooLarge)
	}
	e.Raw = bytes.Clone(resource.raw)
	return e, e.checkTexts()
}

func missing(q *Request, n node) error {
	switch {
	case q != nil:
		return fmt.Errorf("%.20q request for %.80q carries %w", q.Method, q.URL, ErrNoResource)
	case n.get("response").kind != 0 || n.get("fullUrl").kind != 0:
		return fmt.Errorf("the entry carries %w", ErrNoResource)
	default:
		return fmt.Errorf("%w: neither a resource nor a bundle entry", ErrMalformed)
	}
}

// describe reads what the bundle says about the resource.
func (e *Entry) describe(n node) error {
	kept := keptExtension(n)
	var q Request
	for _, f := range q.fields() {
		for _, from := range []node{kept[f.name], n.get("request").member(f.name)} {
			if err := readText(from, f.name, f.value); err != nil {
				return err
			}
		}
	}
	if q != (Request{}) {
		e.Request = &q
	}
	if err := readText(kept["fullUrl"], "fullUrl", &e.FullURL); err != nil {
		return err
	}
	return readText(n.member("fullUrl"), "fullUrl", &e.FullURL)
}

func readText(n node, name string, into *string) error {
	switch n.kind {
	case 0:
		return nil
	case '"':
		*into = n.text()
		return nil
	default:
		return fmt.Errorf("%w: %s is not a string", ErrMalformed, name)
	}
}

// keptExtension returns the values that Encoder put into its extension, by name.
func keptExtension(n node) map[string]node {
	kept := map[string]node{}
	for _, outer := range n.list("extension") {
		if outer.get("url").text() != extensionURL {
			continue
		}
		for _, x := range outer.list("extension") {
			for _, member := range x.children {
				if member.key != "url" {
					kept[x.get("url").text()] = member
				}
			}
		}
	}
	return kept
}

// requestField is one element of Bundle.entry.request, and the type of the extension value that keeps it.
type requestField struct {
	name, extension string
	value           *string
}

func (q *Request) fields() []requestField {
	return []requestField{
		{"method", "valueCode", &q.Method},
		{"url", "valueUri", &q.URL},
		{"ifNoneMatch", "valueString", &q.IfNoneMatch},
		{"ifModifiedSince", "valueInstant", &q.IfModifiedSince},
		{"ifMatch", "valueString", &q.IfMatch},
		{"ifNoneExist", "valueString", &q.IfNoneExist},
	}
}
