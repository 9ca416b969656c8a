package policy

import (
	"fmt"
	"strings"
)

const (
	maxName      = 63
	minAuthority = 2
	maxAuthority = 31 // one less than a GID, so that a name is never taken for one
	gidLength    = 32
)

// An Authority issues attributes: an institution by its registered name ("city-hospital"), or a patient by their GID.
type Authority string

// ParseAuthority reads an authority, in upper or lower case. Errors wrap ErrMalformed.
func ParseAuthority(s string) (Authority, error) {
	s, err := lower(s)
	if err != nil {
		return "", err
	}
	return parseAuthority(s, 0)
}

// IsGID reports whether a is a person's self-certifying identifier and not a registered name.
func (a Authority) IsGID() bool {
	return len(a) == gidLength && strings.IndexFunc(string(a), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '2' || r > '7')
	}) < 0
}

// An Attribute is what an authority vouches for about a person: doctor@city-hospital. It is comparable.
type Attribute struct {
	Name      string
	Authority Authority
}

// ParseAttribute reads name@authority, in upper or lower case. Errors wrap ErrMalformed.
func ParseAttribute(s string) (Attribute, error) {
	s, err := lower(s)
	if err != nil {
		return Attribute{}, err
	}
	return parseAttribute(s, 0)
}

// String returns name@authority, which ParseAttribute reads.
func (a Attribute) String() string { return a.Name + "@" + string(a.Authority) }

func compareAttributes(a, b Attribute) int { return strings.Compare(a.String(), b.String()) }

// parseAttribute reads the lower-case s, which stands at byte pos of what the caller was given.
func parseAttribute(s string, pos int) (Attribute, error) {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		return Attribute{}, malformed(pos+i, "a version %s is never typed; leave it out, the one in force is taken", quote(s[i:]))
	}
	name, authority, found := strings.Cut(s, "@")
	if !found {
		return Attribute{}, malformed(pos, "%s names no authority; write name@authority, as in doctor@city-hospital", quote(s))
	}
	if err := checkName(name, pos); err != nil {
		return Attribute{}, err
	}
	a, err := parseAuthority(authority, pos+len(name)+1)
	if err != nil {
		return Attribute{}, err
	}
	return Attribute{name, a}, nil
}

func checkName(name string, pos int) error {
	if len(name) == 0 || len(name) > maxName {
		return malformed(pos, "an attribute name of length %d; write 1 to %d characters before the @", len(name), maxName)
	}
	if err := checkCharacters(name, pos, "attribute name", "-."); err != nil {
		return err
	}
	// Names become tokens of subjects and paths, where an empty one is illegal or means something else.
	if i := strings.Index(name+".", ".."); i >= 0 {
		return malformed(pos+i, "%s has a dot with nothing after it; put a letter or digit between dots", quote(name))
	}
	return nil
}

func parseAuthority(s string, pos int) (Authority, error) {
	if a := Authority(s); a.IsGID() {
		return a, nil
	}
	if len(s) < minAuthority || len(s) > maxAuthority {
		return "", malformed(pos, "an authority of length %d; write a name of %d to %d characters, or a GID of %d from a-z and 2-7",
			len(s), minAuthority, maxAuthority, gidLength)
	}
	if err := checkCharacters(s, pos, "authority", "-"); err != nil {
		return "", err
	}
	return Authority(s), nil
}

// checkCharacters wants a letter first, then letters, digits and the bytes of also.
func checkCharacters(s string, pos int, what, also string) error {
	if s[0] < 'a' || s[0] > 'z' {
		return malformed(pos, "%s starts with %s; an %s starts with a letter", quote(s), quote(s[:1]), what)
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(also, c) < 0 {
			return malformed(pos+i, "%s can't stand in an %s; use letters, digits and any of %s", quote(s[i:i+1]), what, also)
		}
	}
	return nil
}

// lower returns s in lower case, byte for byte in the same places, and refuses what is too long or not ASCII.
func lower(s string) (string, error) {
	if len(s) > MaxText {
		return "", tooComplex(MaxText, "%d bytes; the limit is %d", len(s), MaxText)
	}
	for i := range len(s) {
		if s[i] >= 0x80 {
			return "", malformed(i, "byte %#02x is not ASCII; type a-z anew, letters that look alike are different letters", s[i])
		}
	}
	return strings.ToLower(s), nil
}

func malformed(pos int, format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %s", ErrMalformed, pos, fmt.Sprintf(format, args...))
}

func tooComplex(pos int, format string, args ...any) error {
	return fmt.Errorf("%w at byte %d: %w: %s", ErrMalformed, pos, ErrTooComplex, fmt.Sprintf(format, args...))
}

// quote shows untrusted text in an error: short, and harmless to a terminal.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		return fmt.Sprintf("%+q…", s[:most])
	}
	return fmt.Sprintf("%+q", s)
}
