package fhir

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
)

// Limits bounds what Entries reads. Zero fields take the defaults.
type Limits struct {
	// Total is the most bytes of input, packed or unpacked. Default 1 GiB.
	Total int64
	// Resource is the most bytes of one resource. Default and maximum MaxResource.
	Resource int
	// Entries is the most entries, good or bad. Default 1,048,576.
	Entries int
}

func (l Limits) orDefaults() Limits {
	if l.Total <= 0 {
		l.Total = 1 << 30
	}
	if l.Resource <= 0 || l.Resource > MaxResource {
		l.Resource = MaxResource
	}
	if l.Entries <= 0 {
		l.Entries = 1 << 20
	}
	return l
}

// Entry is one resource of a file, with its place there.
type Entry struct {
	// Number counts the entries of the file from 1, bad ones too; blank lines don't count.
	Number int
	// Line is the line of the unpacked file on which the entry starts, from 1.
	Line int
	// Type and ID are the resource's own; ID may be empty, and is as the sender wrote it.
	Type, ID string
	// Resource is what to seal. It shares no memory with other entries.
	Resource
}

// EntryError says which entry of a file can't be taken, and why. The entries after it can still be read.
type EntryError struct {
	Number int
	Line   int
	Err    error
}

func (e *EntryError) Error() string {
	return fmt.Sprintf("entry %d (line %d): %v", e.Number, e.Line, e.Err)
}

// Unwrap returns the reason.
func (e *EntryError) Unwrap() error { return e.Err }

// EntryErrors are all the bad entries of a file: the first of them, and how many there are.
type EntryErrors struct {
	First []*EntryError
	Total int
}

func (e *EntryErrors) Error() string {
	if e.Total == 1 {
		return e.First[0].Error()
	}
	return fmt.Sprintf("%d bad entries, the first: %v", e.Total, e.First[0])
}

// Unwrap returns the errors of First.
func (e *EntryErrors) Unwrap() []error {
	all := make([]error, len(e.First))
	for i, err := range e.First {
		all[i] = err
	}
	return all
}

// maxListed is how many bad entries ReadAll describes.
const maxListed = 100

// ReadAll reads every entry of r, or none: where any entry is bad the error is an *EntryErrors that names them, so that
// nothing is written of a file that can't be written whole.
func ReadAll(r io.Reader, limits Limits) ([]Entry, error) {
	var entries []Entry
	var bad EntryErrors
	for e, err := range Entries(r, limits) {
		var one *EntryError
		switch {
		case errors.As(err, &one):
			bad.Total++
			if len(bad.First) < maxListed {
				bad.First = append(bad.First, one)
			}
			entries = nil
		case err != nil:
			return nil, err
		case bad.Total == 0:
			entries = append(entries, e)
		}
	}
	if bad.Total > 0 {
		return nil, &bad
	}
	return entries, nil
}

// Entries reads the entries of a FHIR file in their order: a Bundle, one resource, NDJSON, or an array of resources or
// bundle entries, plain or gzipped. An *EntryError names a bad entry, and the sequence goes on; any other error is the
// last. It holds one entry at a time, whatever the size of the file, and may be ranged over once.
func Entries(r io.Reader, limits Limits) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		d := decoder{yield: yield, limits: limits.orDefaults()}
		if err := d.run(r); err != nil && !errors.Is(err, errStopped) {
			yield(Entry{}, err)
		}
	}
}

// errStopped unwinds the decoder when the caller left its loop.
var errStopped = errors.New("stopped")

// slack is what a bundle entry may hold beside its resource.
const slack = 64 << 10

type decoder struct {
	yield  func(Entry, error) bool
	limits Limits
	count  int
	lines  bool // NDJSON: every value ends with its line
}

func (d *decoder) run(r io.Reader) error {
	src, err := open(r, d.limits.Total, d.limits.Resource+slack)
	if err == nil {
		_, err = src.next()
	}
	if err == nil {
		d.lines, err = src.firstLineIsValue()
	}
	for err == nil {
		if err := d.document(src); err != nil {
			return err
		}
		if _, err = src.next(); errors.Is(err, io.EOF) {
			return nil
		}
	}
	return early(err)
}

// document reads one value of the top level. What fits the window is parsed as a whole; bundles, what fails and what
// doesn't fit are walked through, so that the entry at fault is named.
func (d *decoder) document(src *source) error {
	line := src.line
	var raw []byte
	var err error
	if d.lines {
		raw, err = src.rawLine(d.limits.Resource + slack)
	} else if raw, err = src.whole(); raw == nil && err == nil {
		over := fmt.Errorf("over the limit of %d bytes: %w", d.limits.Resource, ErrTooLarge)
		if err := d.walk(src, over); err != nil {
			return fmt.Errorf("after entry %d, line %d: %w", d.count, src.line, err)
		}
		return nil
	}
	if err != nil {
		return d.passed(line, err)
	}
	return d.unpack(raw, line)
}

func (d *decoder) unpack(raw []byte, line int) error {
	n, err := parse(raw)
	if err == nil && n.kind == '{' && n.get("resourceType").text() != "Bundle" {
		return d.take(n, line)
	}
	before := d.count
	part := &source{r: bufio.NewReaderSize(bytes.NewReader(raw), min(len(raw), 4096)), line: line}
	walked := d.walk(part, err)
	if walked == nil || errors.Is(walked, errStopped) {
		return walked
	}
	if err == nil || d.count > before {
		err = walked
	}
	return d.bad(part.line, err)
}

// walk goes through a Bundle or an array entry by entry. A value of another kind is a bad entry, because of cause.
func (d *decoder) walk(src *source, cause error) error {
	line := src.line
	switch c, err := src.next(); {
	case err != nil:
		return early(err)
	case c == '[':
		return d.items(src)
	case c != '{':
		return fmt.Errorf("%w: unexpected %q where a resource belongs", ErrMalformed, c)
	}
	kind, err := d.bundle(src)
	if err == nil && kind != "Bundle" {
		return d.bad(line, cause)
	}
	return err
}

// bundle goes through the members of an object that is a Bundle, or shows itself to be another resource; resourceType
// may come last.
func (d *decoder) bundle(src *source) (kind string, err error) {
	seen := map[string]bool{}
	err = src.sequence('{', '}', func() error {
		key, err := src.key()
		if err != nil {
			return err
		}
		if seen[key] {
			return duplicateKey(key)
		}
		seen[key] = true
		if len(seen) > maxMembers {
			return fmt.Errorf("%w: more than %d members in one resource", ErrMalformed, maxMembers)
		}
		if key == "entry" && (kind == "" || kind == "Bundle") {
			return d.items(src)
		}
		raw, err := src.value(d.limits.Resource)
		if _, long := err.(tooLong); long {
			return nil // not an entry, so not kept
		} else if err != nil {
			return err
		}
		n, err := parse(raw)
		if key == "resourceType" {
			kind = n.text()
		}
		return err
	})
	return kind, err
}

// maxMembers bounds the members of a Bundle beside its entries; the standard knows about a dozen.
const maxMembers = 1000

func (d *decoder) items(src *source) error {
	return src.sequence('[', ']', func() error {
		if _, err := src.next(); err != nil {
			return early(err)
		}
		line := src.line
		raw, err := src.value(d.limits.Resource + slack)
		if err != nil {
			return d.passed(line, err)
		}
		n, err := parse(raw)
		if err != nil {
			return d.bad(line, err)
		}
		return d.take(n, line)
	})
}

// take hands on one entry, good or bad.
func (d *decoder) take(n node, line int) error {
	e, err := d.entry(n)
	if err != nil {
		return d.bad(line, err)
	}
	if err := d.counted(); err != nil {
		return err
	}
	e.Number, e.Line = d.count, line
	if !d.yield(e, nil) {
		return errStopped
	}
	return nil
}

func (d *decoder) bad(line int, err error) error {
	if err := d.counted(); err != nil {
		return err
	}
	if !d.yield(Entry{}, &EntryError{Number: d.count, Line: line, Err: err}) {
		return errStopped
	}
	return nil
}

// passed reports a value that was read past for its size; any other error ends the file.
func (d *decoder) passed(line int, err error) error {
	if size, ok := err.(tooLong); ok {
		err = fmt.Errorf("%d bytes, the limit is %d: %w", int(size), d.limits.Resource, ErrTooLarge)
		return d.bad(line, err)
	}
	return err
}

func (d *decoder) counted() error {
	d.count++
	if d.count > d.limits.Entries {
		return fmt.Errorf("more than %d entries: %w", d.limits.Entries, ErrTooLarge)
	}
	return nil
}
