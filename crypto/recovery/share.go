package recovery

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudflare/circl/group"
	"github.com/cloudflare/circl/secretsharing"
)

// MaxShares is how many shares a secret may have.
const MaxShares = 16

// Share is one person's part of a recovery secret. It never prints; Text is what goes on its sheet. It is immutable and safe for
// concurrent use.
type Share struct {
	redacted
	index, need, of int
	set             uint16 // drawn for each split: shares of two splits do not open together
	value           []byte // the scalar, little-endian
}

// Index returns the share's number, from 1 to Of.
func (s *Share) Index() int { return s.index }

// Need returns how many shares open the secret.
func (s *Share) Need() int { return s.need }

// Of returns how many shares were made.
func (s *Share) Of() int { return s.of }

// Set returns the word that all shares of one split have in common.
func (s *Share) Set() string { return list[s.set] }

// Split makes n shares of the secret, any need of which open it. At least 2 are needed, and there are at most MaxShares. Fewer than
// need shares say nothing about the secret, whatever is computed from them. The randomness is the system's: circl's
// ristretto255 takes no other.
func (s *Secret) Split(need, n int) ([]*Share, error) {
	if need < 2 || need > n || n > MaxShares {
		return nil, fmt.Errorf("%d of %d shares: at least 2 must be needed, of at most %d", need, n, MaxShares)
	}
	scalar, err := parseScalar(s.open())
	if err != nil {
		return nil, err
	}
	var set [2]byte
	rand.Read(set[:]) // never fails
	shares := make([]*Share, n)
	for i, share := range secretsharing.New(rand.Reader, uint(need-1), scalar).Share(uint(n)) {
		shares[i] = &Share{
			index: i + 1, need: need, of: n, set: binary.BigEndian.Uint16(set[:]) >> (16 - wordBits), value: encodeScalar(share.Value),
		}
	}
	return shares, nil
}

// Words returns the 24 words of the share. Their check covers the heading, too.
func (s *Share) Words() []string { return encodeWords(s.value, s.check()) }

// Heading returns "share 2 of 5, any 3 open, set lemon".
func (s *Share) Heading() string {
	return fmt.Sprintf("share %d of %d, any %d open, set %s", s.index, s.of, s.need, s.Set())
}

// Text returns the sheet of the share: its heading and its words.
func (s *Share) Text() string {
	return s.Heading() + "\n" + strings.Join(Lines(s.Words()), "\n") + "\n"
}

var heading = regexp.MustCompile(`(?im)^\s*share\s+(\d{1,2})\s+of\s+(\d{1,2})\s*,?\s*any\s+(\d{1,2})\s+opens?\s*,?\s*set\s+([a-z]{3,8})\s*[.:]?\s*$`)

func findHeading(text string) ([]int, bool) {
	place := heading.FindStringSubmatchIndex(text)
	return place, place != nil
}

// ParseShare reads what Text writes, as leniently as ParseWords. It fails as that does, and with ErrMalformed for a heading
// that is missing or says what no split says.
func ParseShare(text string) (*Share, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: %d bytes are more than a share takes", ErrMalformed, len(text))
	}
	place, ok := findHeading(text)
	if !ok {
		return nil, fmt.Errorf("%w: a share begins with a line like %q", ErrMalformed, "share 2 of 5, any 3 open, set lemon")
	}
	field := func(i int) string { return text[place[2*i]:place[2*i+1]] }
	number := func(i int) int { n, _ := strconv.Atoi(field(i)); return n } // one or two digits
	s := &Share{index: number(1), of: number(2), need: number(3)}
	if s.need < 2 || s.need > s.of || s.of > MaxShares || s.index < 1 || s.index > s.of {
		return nil, fmt.Errorf("%w: no share is number %d of %d, any %d of which open", ErrMalformed, s.index, s.of, s.need)
	}
	set, ok := find(strings.ToLower(field(4)))
	if !ok {
		return nil, fmt.Errorf("%w: the word of the set, %q, is not in the list", ErrMalformed, cut(field(4)))
	}
	s.set = uint16(set)
	value, err := decodeWords(text[:place[0]]+"\n"+text[place[1]:], s.check())
	if err != nil {
		return nil, fmt.Errorf("share %d: %w", s.index, err)
	}
	if _, err := parseScalar(value); err != nil {
		return nil, fmt.Errorf("share %d: %w", s.index, err)
	}
	s.value = value
	return s, nil
}

// check is what the check word covers beside the value.
func (s *Share) check() []byte {
	b := append([]byte("phr/recovery/share/1\x00"), byte(s.index), byte(s.need), byte(s.of))
	return binary.BigEndian.AppendUint16(b, s.set)
}

func (s *Share) scalars() secretsharing.Share {
	value, err := parseScalar(s.value)
	if err != nil {
		panic(err) // every share was made from a scalar
	}
	return secretsharing.Share{ID: group.Ristretto255.NewScalar().SetUint64(uint64(s.index)), Value: value}
}
