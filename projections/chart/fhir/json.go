package fhir

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is the deepest nesting of objects and arrays accepted. Real resources stay under 20; questionnaires and
// documents that carry documents go deeper.
const maxDepth = 128

// node is one JSON value, kept as it was written. encoding/json is not enough here: it takes `RESOURCETYPE` for
// `resourceType`, keeps the last of two equal keys and repairs broken text, so two readers could see two resources.
type node struct {
	kind     byte   // '{' '[' '"' '0' 't' 'f' 'n', or 0 for a value that is not there
	key      string // the name of the member, in an object
	raw      []byte
	children []node
}

// parse reads exactly one JSON value (RFC 8259) in valid UTF-8, without duplicate keys, no deeper than maxDepth.
// The result points into data.
func parse(data []byte) (node, error) {
	if !utf8.Valid(data) {
		return node{}, fmt.Errorf("%w: not valid UTF-8", ErrMalformed)
	}
	p := parser{data: data}
	n, err := p.value(0)
	if err != nil {
		return node{}, err
	}
	p.space()
	if p.pos != len(data) {
		return node{}, p.unexpected("after the end of the value")
	}
	return n, nil
}

// get follows names down from n; an array on the way stands for its first item. What is not there is the zero node.
func (n node) get(path ...string) node {
	for _, name := range path {
		if n.kind == '[' && len(n.children) > 0 {
			n = n.children[0]
		}
		n = n.member(name)
	}
	return n
}

func (n node) member(name string) node {
	if n.kind == '{' {
		for _, c := range n.children {
			if c.key == name {
				return c
			}
		}
	}
	return node{}
}

// list returns the items of the array called name, or the value itself where one stands in place of an array.
func (n node) list(name string) []node {
	switch c := n.get(name); c.kind {
	case 0:
		return nil
	case '[':
		return c.children
	default:
		return []node{c}
	}
}

// text returns a string's content, or a number or boolean as written, and nothing for anything else.
func (n node) text() string {
	switch n.kind {
	case '"':
		inner := n.raw[1 : len(n.raw)-1]
		if bytes.IndexByte(inner, '\\') < 0 {
			return string(inner)
		}
		var s string
		if json.Unmarshal(n.raw, &s) != nil {
			return "" // parse has accepted every escape
		}
		return s
	case '0', 't', 'f':
		return string(n.raw)
	}
	return ""
}

type parser struct {
	data []byte
	pos  int
}

func (p *parser) unexpected(where string) error {
	if p.pos >= len(p.data) {
		return fmt.Errorf("%w: ends too early, %s", ErrMalformed, where)
	}
	r, _ := utf8.DecodeRune(p.data[p.pos:])
	return fmt.Errorf("%w: unexpected %q at byte %d, %s", ErrMalformed, r, p.pos, where)
}

func (p *parser) space() {
	for p.pos < len(p.data) && isSpace(p.data[p.pos]) {
		p.pos++
	}
}

// peek returns the next byte after white space, or 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.pos == len(p.data) {
		return 0
	}
	return p.data[p.pos]
}

func (p *parser) value(depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("%w: nested deeper than %d", ErrMalformed, maxDepth)
	}
	n := node{kind: p.peek()}
	start := p.pos
	var err error
	switch n.kind {
	case '{':
		n.children, err = p.sequence(depth, '}', p.pair)
		if err == nil {
			err = checkKeys(n.children)
		}
	case '[':
		n.children, err = p.sequence(depth, ']', p.value)
	case '"':
		err = p.str()
	case 't':
		err = p.word("true")
	case 'f':
		err = p.word("false")
	case 'n':
		err = p.word("null")
	default:
		n.kind = '0'
		err = p.number()
	}
	n.raw = p.data[start:p.pos]
	return n, err
}

// sequence reads the items of an object or array, up to and with its closing byte.
func (p *parser) sequence(depth int, closing byte, item func(int) (node, error)) ([]node, error) {
	p.pos++
	if p.peek() == closing {
		p.pos++
		return nil, nil
	}
	var items []node
	for {
		n, err := item(depth + 1)
		if err != nil {
			return nil, err
		}
		items = append(items, n)
		switch p.peek() {
		case ',':
			p.pos++
		case closing:
			p.pos++
			return items, nil
		default:
			return nil, p.unexpected("where a comma or the end belongs")
		}
	}
}

func (p *parser) pair(depth int) (node, error) {
	if p.peek() != '"' {
		return node{}, p.unexpected("where a key belongs")
	}
	start := p.pos
	if err := p.str(); err != nil {
		return node{}, err
	}
	key := node{kind: '"', raw: p.data[start:p.pos]}.text()
	if p.peek() != ':' {
		return node{}, p.unexpected("where a colon belongs")
	}
	p.pos++
	n, err := p.value(depth)
	n.key = key
	return n, err
}

func checkKeys(members []node) error {
	if len(members) <= 16 {
		for i, m := range members {
			for _, earlier := range members[:i] {
				if earlier.key == m.key {
					return duplicateKey(m.key)
				}
			}
		}
		return nil
	}
	seen := make(map[string]bool, len(members))
	for _, m := range members {
		if seen[m.key] {
			return duplicateKey(m.key)
		}
		seen[m.key] = true
	}
	return nil
}

func duplicateKey(key string) error {
	return fmt.Errorf("%w: key %.80q twice in one object", ErrMalformed, key)
}

func (p *parser) word(w string) error {
	if !bytes.HasPrefix(p.data[p.pos:], []byte(w)) {
		return p.unexpected("where a value belongs")
	}
	p.pos += len(w)
	return nil
}

// number reads a JSON number; NaN, Infinity, leading zeros and plus signs are not among them.
func (p *parser) number() error {
	if p.at('-') {
		p.pos++
	}
	if p.at('0') {
		p.pos++
	} else if !p.digits() {
		return p.unexpected("where a value belongs")
	}
	if p.at('.') {
		p.pos++
		if !p.digits() {
			return p.unexpected("in a number")
		}
	}
	if p.at('e') || p.at('E') {
		p.pos++
		if p.at('+') || p.at('-') {
			p.pos++
		}
		if !p.digits() {
			return p.unexpected("in a number")
		}
	}
	return nil
}

func (p *parser) at(c byte) bool { return p.pos < len(p.data) && p.data[p.pos] == c }

func (p *parser) digits() bool {
	start := p.pos
	for p.pos < len(p.data) && p.data[p.pos] >= '0' && p.data[p.pos] <= '9' {
		p.pos++
	}
	return p.pos > start
}

func (p *parser) str() error {
	for p.pos++; p.pos < len(p.data); p.pos++ {
		switch c := p.data[p.pos]; {
		case c == '"':
			p.pos++
			return nil
		case c < 0x20:
			return p.unexpected("in a string")
		case c == '\\':
			if err := p.escape(); err != nil {
				return err
			}
		}
	}
	return p.unexpected("in a string")
}

// escape leaves pos on the last byte of the escape.
func (p *parser) escape() error {
	p.pos++
	if p.pos == len(p.data) || bytes.IndexByte([]byte(`"\/bfnrtu`), p.data[p.pos]) < 0 {
		return p.unexpected("in an escape")
	}
	if p.data[p.pos] != 'u' {
		return nil
	}
	unit, err := p.hex4()
	if err != nil || !utf16.IsSurrogate(unit) {
		return err
	}
	// Half a character is as invalid as half its bytes would be, and readers differ in what they make of it.
	if !bytes.HasPrefix(p.data[p.pos+1:], []byte(`\u`)) {
		return fmt.Errorf("%w: unpaired surrogate at byte %d", ErrMalformed, p.pos)
	}
	p.pos += 2
	second, err := p.hex4()
	if err == nil && utf16.DecodeRune(unit, second) == utf8.RuneError {
		return fmt.Errorf("%w: unpaired surrogate at byte %d", ErrMalformed, p.pos)
	}
	return err
}

func (p *parser) hex4() (rune, error) {
	var r rune
	for range 4 {
		p.pos++
		if p.pos == len(p.data) {
			return 0, p.unexpected("in an escape")
		}
		switch c := p.data[p.pos]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, p.unexpected("in an escape")
		}
	}
	return r, nil
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
