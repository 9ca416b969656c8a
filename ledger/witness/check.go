package witness

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

// skew is how far clocks may be apart.
const skew = 5 * time.Minute

// Checked is a checkpoint that a log has signed, with what the cosigners of a policy have said of it.
type Checked struct {
	Checkpoint
	Text         string        // of the note, with the log's extensions, which cosigners vouch for in no way
	Cosignatures []Cosignature // that count, the newest first
	Early        []Cosignature // of a time that has not come: they count for nothing
	// AsOf is what the quorum vouches for: at this time or later, enough of it to meet the policy knew of no larger tree.
	// Zero if the policy wants nobody.
	AsOf time.Time
}

// Cosignature is a valid signature of a cosigner.
type Cosignature struct {
	Cosigner string // its name in the policy
	Time     time.Time
}

// QuorumError says that a checkpoint has the log's signature and too few cosignatures.
type QuorumError struct {
	Checked *Checked
	Quorum  string
}

func (e *QuorumError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "too few have cosigned the checkpoint of size %d for the quorum %q: ", e.Checked.Size, e.Quorum)
	if len(e.Checked.Cosignatures) == 0 {
		b.WriteString("nobody")
	}
	for i, c := range e.Checked.Cosignatures {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%q", c.Cosigner)
	}
	for _, c := range e.Checked.Early {
		fmt.Fprintf(&b, "; %q at a time that has not come", c.Cosigner)
	}
	return b.String()
}

// Check verifies a checkpoint with its signatures. It must be signed by the log given, or by one of the policy's if none is, under the
// checkpoint's origin. One bad signature by a key that is known spoils it. What has the log's signature and no quorum comes
// with a *QuorumError, and in no other way.
func (p *Policy) Check(signed []byte, log note.Verifier, now time.Time) (*Checked, error) {
	var logs, known []note.Verifier
	if log != nil {
		logs = append(logs, log)
	} else {
		for _, l := range p.Logs {
			logs = append(logs, l.Key)
		}
	}
	known = append(known, logs...)
	for _, c := range p.Cosigners {
		known = append(known, c.Key)
	}
	n, err := note.Open(signed, note.VerifierList(known...))
	if err != nil {
		return nil, fmt.Errorf("checking a checkpoint: %w", err)
	}
	checked := &Checked{Text: n.Text}
	if checked.Checkpoint, err = parseCheckpoint(n.Text); err != nil {
		return nil, fmt.Errorf("checking a checkpoint: %w", err)
	}
	if !slices.ContainsFunc(logs, func(l note.Verifier) bool { return l.Name() == checked.Origin && signedBy(n, l) != nil }) {
		return nil, errors.New("checking a checkpoint: the log that it names has not signed it")
	}
	if err := p.count(checked, n, now); err != nil {
		return nil, err
	}
	return checked, nil
}

// signedBy returns the verified signature of a key on a note, nil if there is none.
func signedBy(n *note.Note, v note.Verifier) *note.Signature {
	i := slices.IndexFunc(n.Sigs, func(s note.Signature) bool { return s.Name == v.Name() && s.Hash == v.KeyHash() })
	if i < 0 {
		return nil
	}
	return &n.Sigs[i]
}

// count adds who has cosigned, and demands the quorum.
func (p *Policy) count(checked *Checked, n *note.Note, now time.Time) error {
	for _, c := range p.Cosigners {
		s := signedBy(n, c.Key)
		if s == nil {
			continue
		}
		at, err := cosignature.CoSigV1Timestamp(*s)
		if err != nil {
			return fmt.Errorf("the cosignature of %q: %w", c.Name, err)
		}
		if one := (Cosignature{c.Name, at}); early(at, now) {
			checked.Early = append(checked.Early, one)
		} else {
			checked.Cosignatures = append(checked.Cosignatures, one)
		}
	}
	slices.SortStableFunc(checked.Cosignatures, func(a, b Cosignature) int { return b.Time.Compare(a.Time) })
	for i := range len(checked.Cosignatures) + 1 {
		if !p.met(checked.Cosignatures[:i]) {
			continue
		}
		if i > 0 {
			checked.AsOf = checked.Cosignatures[i-1].Time
		}
		return nil
	}
	return &QuorumError{checked, p.Quorum}
}

// early tells whether a cosignature's time has not come. Seconds are compared, as the largest of them, and those beyond what is allowed,
// wrap around in a Time.
func early(at, now time.Time) bool {
	return at.Unix() < 0 || at.Unix() > now.Add(skew).Unix()
}
