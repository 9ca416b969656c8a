package fhir

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// source reads JSON values off a stream without holding more of it than was asked for.
type source struct {
	r    *bufio.Reader
	line int // 1-based, of the next byte
}

// open returns a source over what r holds, unpacked. Both sides of gzip count against total: a bomb unfolds on one, and
// endless empty members run on the other.
func open(r io.Reader, total int64, window int) (*source, error) {
	in := bufio.NewReader(&bounded{r: r, left: total})
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	var plain io.Reader = in
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("reading gzip: %w", err)
		}
		plain = &bounded{r: z, left: total}
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		return nil, fmt.Errorf("%w: this is a zip archive; unpack it first", ErrMalformed)
	}
	s := &source{r: bufio.NewReaderSize(plain, window), line: 1}
	return s, s.skipMark()
}

// skipMark passes over a UTF-8 byte order mark and refuses what is plainly not JSON, by its name.
func (s *source) skipMark() error {
	head, err := s.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.Equal(head, []byte("\xef\xbb\xbf")):
		_, err = s.r.Discard(3)
		return err
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return fmt.Errorf("%w: UTF-16 text; FHIR is exchanged in UTF-8", ErrMalformed)
	case bytes.HasPrefix(head, []byte("<")):
		return fmt.Errorf("%w: XML; only the JSON form of FHIR is read", ErrMalformed)
	}
	return nil
}

// next passes over white space and returns the byte after it, still unread, or io.EOF.
func (s *source) next() (byte, error) {
	for {
		c, err := s.readByte()
		if err != nil {
			return 0, err
		}
		if !isSpace(c) {
			return c, s.r.UnreadByte()
		}
	}
}

// expect reads c after white space.
func (s *source) expect(c byte) error {
	got, err := s.next()
	if err != nil {
		return early(err)
	}
	if got != c {
		return fmt.Errorf("%w: unexpected %q where %q belongs", ErrMalformed, got, c)
	}
	_, err = s.readByte()
	return err
}

func (s *source) readByte() (byte, error) {
	c, err := s.r.ReadByte()
	if err == nil && c == '\n' {
		s.line++
	}
	return c, err
}

// value reads the next value, whatever it holds, and returns its bytes if they are at most limit; a longer one is read
// past without being kept, and is tooLong.
func (s *source) value(limit int) ([]byte, error) {
	if _, err := s.next(); err != nil {
		return nil, early(err)
	}
	var kept []byte
	var shape nesting
	for size := 0; ; {
		chunk, err := s.r.Peek(max(1, s.r.Buffered()))
		if len(chunk) == 0 {
			return nil, early(err)
		}
		n, ended := shape.scan(chunk)
		if size += n; size <= limit {
			kept = append(kept, chunk[:n]...)
		}
		s.line += bytes.Count(chunk[:n], []byte("\n"))
		if _, err := s.r.Discard(n); err != nil {
			return nil, err
		}
		if ended {
			return kept, checkSize(size, limit)
		}
	}
}

// sequence reads an object or array, calling item for each member or element; item reads it.
func (s *source) sequence(opening, closing byte, item func() error) error {
	if err := s.expect(opening); err != nil {
		return err
	}
	c, err := s.next()
	if err == nil && c == closing {
		return s.expect(closing)
	}
	for err == nil {
		if err := item(); err != nil {
			return err
		}
		if c, err = s.next(); err == nil && c == closing {
			return s.expect(closing)
		}
		if err == nil {
			err = s.expect(',')
		}
	}
	return early(err)
}

// key reads a member's name and the colon after it.
func (s *source) key() (string, error) {
	raw, err := s.value(maxText)
	if err != nil {
		return "", err
	}
	n, err := parse(raw)
	if err == nil && n.kind != '"' {
		err = fmt.Errorf("%w: unexpected %.20q where a key belongs", ErrMalformed, raw)
	}
	if err != nil {
		return "", err
	}
	return n.text(), s.expect(':')
}

// firstLineIsValue tells whether the line at hand holds exactly one value, the mark of NDJSON.
func (s *source) firstLineIsValue() (bool, error) {
	window, err := s.r.Peek(s.r.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	line, _, _ := bytes.Cut(window, []byte("\n"))
	end := extent(line)
	return end >= 0 && len(bytes.TrimSpace(line[end:])) == 0, nil
}

// whole reads the next value if it fits the window, and returns nil otherwise.
func (s *source) whole() ([]byte, error) {
	window, err := s.r.Peek(s.r.Buffered())
	end := extent(window)
	if end < 0 && err == nil {
		window, err = s.r.Peek(s.r.Size())
		end = extent(window)
	}
	if end < 0 && (err == nil || errors.Is(err, io.EOF)) {
		return nil, nil
	} else if end < 0 {
		return nil, err
	}
	return s.value(end)
}

// rawLine reads one line, without its end; one longer than limit is read past and is tooLong.
func (s *source) rawLine(limit int) ([]byte, error) {
	var kept []byte
	for size := 0; ; size++ {
		c, err := s.readByte()
		if errors.Is(err, io.EOF) || c == '\n' && err == nil {
			return kept, checkSize(size, limit)
		}
		if err != nil {
			return nil, err
		}
		if size < limit {
			kept = append(kept, c)
		}
	}
}

// tooLong is ErrTooLarge for one value of that many bytes, which was read past: the input after it is still good.
type tooLong int

func (n tooLong) Error() string { return fmt.Sprintf("%d bytes: %v", int(n), ErrTooLarge) }
func (n tooLong) Unwrap() error { return ErrTooLarge }

func checkSize(size, limit int) error {
	if size > limit {
		return tooLong(size)
	}
	return nil
}

// early makes the end of the input inside a value an error of its own.
func early(err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: the input ends too early", ErrMalformed)
	}
	return err
}

// nesting follows the brackets and strings of a JSON value to find its end, and checks nothing else.
type nesting struct {
	depth    int
	scalar   bool // a number or word, which only the byte after it ends
	inString bool
	escaped  bool
}

// scan takes the next bytes, and returns how many of them belong to the value and whether it ended with them.
func (n *nesting) scan(b []byte) (int, bool) {
	for i, c := range b {
		switch {
		case n.escaped:
			n.escaped = false
		case n.inString:
			n.escaped = c == '\\'
			n.inString = c != '"'
			if !n.inString && n.depth == 0 {
				return i + 1, true
			}
		case n.scalar && (isSpace(c) || c == ',' || c == ']' || c == '}' || c == ':'):
			return i, true
		case c == '"':
			n.inString = true
		case c == '{' || c == '[':
			n.depth++
		case c == '}' || c == ']':
			if n.depth--; n.depth <= 0 {
				return i + 1, true
			}
		case n.depth == 0:
			n.scalar = true
		}
	}
	return len(b), false
}

// extent returns the length of the value that b starts with, or -1 if it doesn't end within b.
func extent(b []byte) int {
	var shape nesting
	if n, ended := shape.scan(b); ended {
		return n
	}
	return -1
}

// bounded reads at most left bytes; one more is ErrTooLarge, not the end.
type bounded struct {
	r    io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, fmt.Errorf("unpacked input over the limit: %w", ErrTooLarge)
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return 0, fmt.Errorf("input over the limit: %w", ErrTooLarge)
	}
	return n, err
}
