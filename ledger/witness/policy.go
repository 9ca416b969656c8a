package witness

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Policy says whose word makes a checkpoint believed: one of the logs, and the quorum of those who cosign. Its text is that of the
// page of C2SP on tlog-policy.
type Policy struct {
	Logs      []Log
	Cosigners []Cosigner
	Groups    []Group // each of cosigners and groups that stand before it
	Quorum    string  // the name of a cosigner or group, or None
}

// None is the quorum that nobody needs to cosign for.
const None = "none"

// Log is a log whose checkpoints are believed. Its key has the name of the log.
type Log struct {
	Key Key
	URL string // may be empty
}

// Cosigner is a witness as a policy knows it.
type Cosigner struct {
	Name string // within the policy
	Key  Key
	URL  string // where it is asked; may be empty
}

// Group has cosigned when at least Need of its members have.
type Group struct {
	Name    string
	Need    int
	Members []string
}

// What a policy may hold. More signatures than a hundred, no note has.
const (
	maxPolicy    = 512 << 10
	maxLogs      = 64
	maxCosigners = 64
	maxGroups    = 64
)

// ParsePolicy reads the text of a policy.
func ParsePolicy(text []byte) (*Policy, error) {
	if len(text) > maxPolicy {
		return nil, fmt.Errorf("a policy has at most %d bytes", maxPolicy)
	}
	p := policyParser{policy: new(Policy), names: make(map[string]bool), keys: make(map[string]bool)}
	n := 0
	for line := range bytes.Lines(text) {
		n++
		if err := p.line(string(line)); err != nil {
			return nil, fmt.Errorf("line %d of the policy: %w", n, err)
		}
	}
	if p.policy.Quorum == "" {
		return nil, errors.New("the policy has no quorum line")
	}
	return p.policy, nil
}

// String returns the policy's canonical text, which ParsePolicy reads.
func (p *Policy) String() string {
	var b strings.Builder
	write := func(fields ...string) {
		b.WriteString(strings.TrimSuffix(strings.Join(fields, " "), " "))
		b.WriteByte('\n')
	}
	for _, l := range p.Logs {
		write("log", l.Key.String(), l.URL)
	}
	for _, c := range p.Cosigners {
		write("witness", c.Name, c.Key.String(), c.URL)
	}
	for _, g := range p.Groups {
		write("group", g.Name, strconv.Itoa(g.Need), strings.Join(g.Members, " "))
	}
	write("quorum", p.Quorum)
	return b.String()
}

// policyParser is a policy as far as it was read.
type policyParser struct {
	policy *Policy
	names  map[string]bool // that are defined; true for those that are members of a group
	keys   map[string]bool // that are taken, and the ids of keys
}

func (p *policyParser) line(line string) error {
	text, whole := strings.CutSuffix(line, "\n")
	if !whole {
		return errors.New("it does not end in a newline: is something missing?")
	}
	for _, c := range []byte(text) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return fmt.Errorf("it holds the control character 0x%02x", c)
		}
	}
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '\t' })
	if len(fields) == 0 || fields[0][0] == '#' {
		return nil
	}
	switch args := fields[1:]; fields[0] {
	case "log":
		return p.log(args)
	case "witness":
		return p.cosigner(args)
	case "group":
		return p.group(args)
	case "quorum":
		return p.quorum(args)
	}
	return fmt.Errorf("%q is none of log, witness, group and quorum", fields[0])
}

func (p *policyParser) log(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("it is not: log KEY [URL]")
	}
	if len(p.policy.Logs) == maxLogs {
		return fmt.Errorf("there are more than %d logs", maxLogs)
	}
	key, err := p.key("log", args[0])
	if err != nil {
		return err
	}
	p.policy.Logs = append(p.policy.Logs, Log{key, strings.Join(args[1:], "")})
	return nil
}

func (p *policyParser) cosigner(args []string) error {
	if len(args) < 2 || len(args) > 3 {
		return errors.New("it is not: witness NAME KEY [URL]")
	}
	if len(p.policy.Cosigners) == maxCosigners {
		return fmt.Errorf("there are more than %d witnesses", maxCosigners)
	}
	key, err := p.key("witness", args[1])
	if err != nil {
		return err
	}
	if !key.cosigns() {
		return fmt.Errorf("the key of %q makes signatures without a time: it is not a witness's", args[0])
	}
	p.policy.Cosigners = append(p.policy.Cosigners, Cosigner{args[0], key, strings.Join(args[2:], "")})
	return p.define(args[0])
}

// key reads the key of a log or a witness, which no other one of its kind has. No two keys at all share name and id: a signature
// would not tell whose it is.
func (p *policyParser) key(kind, text string) (Key, error) {
	key, err := ParseKey(text)
	if err != nil {
		return Key{}, err
	}
	for _, what := range []string{kind + " " + string(key.public[1:]), "id " + id(key)} {
		if p.keys[what] {
			return Key{}, fmt.Errorf("another line has the key of %s", id(key))
		}
		p.keys[what] = true
	}
	return key, nil
}

func (p *policyParser) group(args []string) error {
	if len(args) < 3 {
		return errors.New("it is not: group NAME all|any|NUMBER MEMBER…")
	}
	if len(p.policy.Groups) == maxGroups {
		return fmt.Errorf("there are more than %d groups", maxGroups)
	}
	g := Group{Name: args[0], Members: args[2:]}
	for _, m := range g.Members {
		member, defined := p.names[m]
		if !defined {
			return fmt.Errorf("the member %q is not defined on a line before", m)
		}
		if member {
			return fmt.Errorf("%q is a member already: each is one of one group, once", m)
		}
		p.names[m] = true
	}
	var err error
	if g.Need, err = parseNeed(args[1], len(g.Members)); err != nil {
		return err
	}
	p.policy.Groups = append(p.policy.Groups, g)
	return p.define(g.Name)
}

// parseNeed reads how many of n members are needed.
func parseNeed(s string, n int) (int, error) {
	switch s {
	case "all":
		return n, nil
	case "any":
		return 1, nil
	}
	k, err := strconv.Atoi(s)
	if err != nil || strconv.Itoa(k) != s || k < 1 || k > n {
		return 0, fmt.Errorf("%q is neither all nor any, nor a number from 1 to %d", s, n)
	}
	return k, nil
}

// define takes a name, for witnesses and groups alike.
func (p *policyParser) define(name string) error {
	if _, taken := p.names[name]; taken || name == None {
		return fmt.Errorf("the name %q is taken", name)
	}
	p.names[name] = false
	return nil
}

func (p *policyParser) quorum(args []string) error {
	if len(args) != 1 {
		return errors.New("it is not: quorum NAME")
	}
	if p.policy.Quorum != "" {
		return errors.New("there is a quorum line already")
	}
	if _, defined := p.names[args[0]]; !defined && args[0] != None {
		return fmt.Errorf("%q is not defined on a line before", args[0])
	}
	p.policy.Quorum = args[0]
	return nil
}

// met tells whether those who have cosigned are a quorum.
func (p *Policy) met(by []Cosignature) bool {
	has := map[string]bool{None: true}
	for _, c := range by {
		has[c.Cosigner] = true
	}
	for _, g := range p.Groups {
		missing := slices.DeleteFunc(slices.Clone(g.Members), func(m string) bool { return has[m] })
		has[g.Name] = len(g.Members)-len(missing) >= g.Need
	}
	return has[p.Quorum]
}
