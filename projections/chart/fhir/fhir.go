// Package fhir reads and writes FHIR R4 resources as they are: the bytes of a resource are kept exactly, and everything
// else (type, codes, dates, values) is a view derived from them.
//
// Entries reads a file, plain or gzipped, that holds a Bundle of any type, a single resource, NDJSON, or a JSON array of
// resources or bundle entries. Resource is what is sealed as one record: the resource's own bytes, its fullUrl and the
// request that came with it, so that references of every kind (urn:uuid, relative, conditional) still resolve after an
// export. Encoder writes resources out as one collection Bundle, which Entries reads back to the same resources.
//
// What belongs to the bundle alone is not kept: its type, identifier, timestamp, signature and links, and the search and
// response of an entry. Only JSON is read; typed models are avoided on purpose, as they lose primitive extensions
// (`_birthDate`) and the precision of numbers.
//
// Content comes from others and is hostile until proven otherwise: sizes, depth and counts are bounded, duplicate keys
// and invalid text are refused, and what Describe returns is safe to print on a terminal.
package fhir

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/phrledger/phr/crypto/canonical"
)

// MaxResource is the largest resource accepted, in bytes as written, white space included.
const MaxResource = 450 << 10

// maxText bounds a fullUrl and each field of a request, so that a sealed body stays near the size of its resource.
const maxText = 4 << 10

var (
	// ErrMalformed is returned, wrapped, for bytes that are not an acceptable FHIR resource in JSON.
	ErrMalformed = errors.New("malformed FHIR")
	// ErrTooLarge is returned, wrapped, for a resource or a file over its limit.
	ErrTooLarge = errors.New("too large")
	// ErrNoResource is returned, wrapped, for a bundle entry that carries no resource, as a DELETE request does.
	ErrNoResource = errors.New("no resource")
)

// Resource is one FHIR resource with what its bundle said about it. It is the plaintext of a record of class "fhir".
type Resource struct {
	// FullURL is the fullUrl of the bundle entry, or empty.
	FullURL string `cbor:"1,keyasint,omitempty"`
	// Request is the request of the bundle entry, or nil.
	Request *Request `cbor:"2,keyasint,omitempty"`
	// Raw is the resource as it was written, from its opening to its closing brace.
	Raw []byte `cbor:"3,keyasint"`
}

// Request is the request of an entry in a transaction, batch or history Bundle (Bundle.entry.request in R4). Empty
// fields were absent.
type Request struct {
	Method          string `cbor:"1,keyasint,omitempty"`
	URL             string `cbor:"2,keyasint,omitempty"`
	IfNoneMatch     string `cbor:"3,keyasint,omitempty"`
	IfModifiedSince string `cbor:"4,keyasint,omitempty"`
	IfMatch         string `cbor:"5,keyasint,omitempty"`
	IfNoneExist     string `cbor:"6,keyasint,omitempty"`
}

// Marshal returns the canonical encoding of r, or ErrMalformed or ErrTooLarge if Parse would not accept it.
func (r Resource) Marshal() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return canonical.Marshal(r)
}

// Parse is the inverse of Marshal. The result shares no memory with data.
func Parse(data []byte) (Resource, error) {
	var r Resource
	if err := canonical.Unmarshal(data, &r); err != nil {
		return Resource{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if err := r.check(); err != nil {
		return Resource{}, err
	}
	return r, nil
}

func (r Resource) check() error {
	if len(r.Raw) > MaxResource {
		return fmt.Errorf("resource of %d bytes, the limit is %d: %w", len(r.Raw), MaxResource, ErrTooLarge)
	}
	if len(r.Raw) == 0 || r.Raw[0] != '{' || r.Raw[len(r.Raw)-1] != '}' {
		return fmt.Errorf("%w: not a JSON object", ErrMalformed)
	}
	if err := r.checkTexts(); err != nil {
		return err
	}
	n, err := parse(r.Raw)
	if err != nil {
		return err
	}
	_, _, err = identify(n)
	return err
}

func (r Resource) checkTexts() error {
	texts := []string{r.FullURL}
	if q := r.Request; q != nil {
		if *q == (Request{}) {
			return fmt.Errorf("%w: empty request", ErrMalformed)
		}
		texts = append(texts, q.Method, q.URL, q.IfNoneMatch, q.IfModifiedSince, q.IfMatch, q.IfNoneExist)
	}
	for _, s := range texts {
		if len(s) > maxText {
			return fmt.Errorf("fullUrl or request of %d bytes, the limit is %d: %w", len(s), maxText, ErrTooLarge)
		}
		if !utf8.ValidString(s) {
			return fmt.Errorf("%w: fullUrl or request is not UTF-8", ErrMalformed)
		}
	}
	return nil
}

// identify returns the type and id of a resource; the id may be empty.
func identify(n node) (kind, id string, err error) {
	if n.kind != '{' {
		return "", "", fmt.Errorf("%w: the resource is not an object", ErrMalformed)
	}
	t := n.get("resourceType")
	if t.kind == 0 {
		return "", "", fmt.Errorf("%w: no resourceType", ErrMalformed)
	}
	kind = t.text()
	if t.kind != '"' || !isTypeName(kind) {
		return "", "", fmt.Errorf("%w: resourceType is not a resource name", ErrMalformed)
	}
	switch i := n.get("id"); i.kind {
	case 0:
		return kind, "", nil
	case '"':
		return kind, i.text(), nil
	default:
		return "", "", fmt.Errorf("%w: the id of the %s is not a string", ErrMalformed, kind)
	}
}

// isTypeName accepts the shape of FHIR resource names, not a list of them: newer releases add names.
func isTypeName(s string) bool {
	if s == "" || len(s) > 64 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	for i := range len(s) {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}
