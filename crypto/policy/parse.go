package policy

import (
	"strconv"
	"strings"
)

const (
	spaces      = " \t\r\n"
	punctuation = "(),"
)

// A parser reads lower-case ASCII text by recursive descent, one token ahead. Its recursion is bounded by MaxDepth, its
// memory by MaxLeaves.
type parser struct {
	text   string
	token  string // a word or one of ( ) , and empty at the end
	pos    int    // of token
	depth  int    // open parentheses
	leaves int
}

// next moves to the token after the current one.
func (p *parser) next() {
	at := p.pos + len(p.token)
	rest := strings.TrimLeft(p.text[at:], spaces)
	p.pos = len(p.text) - len(rest)
	end := strings.IndexAny(rest, spaces+punctuation)
	switch {
	case end < 0:
		end = len(rest)
	case end == 0:
		end = 1
	}
	p.token = rest[:end]
}

func (p *parser) policy() (*Node, error) {
	return p.operands("or", p.conjunction, func(int) int { return 1 })
}

func (p *parser) conjunction() (*Node, error) {
	return p.operands("and", p.primary, func(n int) int { return n })
}

// operands reads one or more operands with the word between them and joins them, k(n) of n.
func (p *parser) operands(word string, operand func() (*Node, error), k func(n int) int) (*Node, error) {
	var children []*Node
	for {
		child, err := operand()
		if err != nil {
			return nil, err
		}
		children = append(children, child)
		if p.token != word {
			return gate(k(len(children)), children), nil
		}
		p.next()
	}
}

func (p *parser) primary() (*Node, error) {
	switch {
	case p.token == "(":
		var n *Node
		err := p.enclosed(func() (err error) {
			n, err = p.policy()
			return err
		})
		return n, err
	case p.token == "", strings.Contains(punctuation, p.token), p.token == "and", p.token == "or", p.token == "of":
		return nil, p.unexpected("an attribute such as doctor@city-hospital")
	case p.token == "not", p.token[0] == '!':
		return nil, malformed(p.pos, "%s: there is no negation; name those who may, not those who may not", quote(p.token))
	case strings.Trim(p.token, "0123456789") == "":
		return p.threshold()
	}
	a, err := parseAttribute(p.token, p.pos)
	if err != nil {
		return nil, err
	}
	if p.leaves++; p.leaves > MaxLeaves {
		return nil, tooComplex(p.pos, "more than %d attributes; share by several grants", MaxLeaves)
	}
	p.next()
	return leaf(a), nil
}

func (p *parser) threshold() (*Node, error) {
	pos := p.pos
	k, err := strconv.Atoi(p.token)
	if err != nil || k < 1 || k > MaxLeaves {
		return nil, malformed(pos, "threshold %s; k is a number from 1 to n, at most %d", quote(p.token), MaxLeaves)
	}
	if p.next(); p.token != "of" {
		return nil, p.unexpected(`"of", as in 2 of (a@xx, b@yy, c@zz)`)
	}
	if p.next(); p.token != "(" {
		return nil, p.unexpected(`"(", as in 2 of (a@xx, b@yy, c@zz)`)
	}
	var children []*Node
	if err := p.enclosed(func() (err error) {
		children, err = p.list()
		return err
	}); err != nil {
		return nil, err
	}
	if k > len(children) {
		return nil, malformed(pos, "threshold %d of only %d; k is a number from 1 to n", k, len(children))
	}
	return gate(k, children), nil
}

// list reads one or more policies with commas between them.
func (p *parser) list() ([]*Node, error) {
	var children []*Node
	for {
		child, err := p.policy()
		if err != nil {
			return nil, err
		}
		children = append(children, child)
		if p.token != "," {
			return children, nil
		}
		p.next()
	}
}

// enclosed reads an opening parenthesis, the content and a closing one.
func (p *parser) enclosed(content func() error) error {
	opened := p.pos
	if p.depth++; p.depth > MaxDepth {
		return tooComplex(opened, "more than %d parentheses inside one another; write it flatter", MaxDepth)
	}
	p.next()
	if err := content(); err != nil {
		return err
	}
	switch p.token {
	case "":
		return malformed(opened, `this "(" is never closed; add a ")"`)
	case ")":
		p.depth--
		p.next()
		return nil
	}
	return p.unexpected(`"and", "or" or ")"`)
}

// unexpected names the current token and what could stand in its place.
func (p *parser) unexpected(want string) error {
	if p.token == "" {
		return malformed(p.pos, "the text ends; write %s", want)
	}
	return malformed(p.pos, "%s can't stand here; write %s", quote(p.token), want)
}
