package ledger

import (
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
)

// Wrap is the stored form of the part that gives an epoch's keys to those who satisfy a term.
type Wrap struct {
	Ciphertext []byte `cbor:"1,keyasint"` // abe.Expression.Encapsulate, label abe.Wrap, context WrapContext
	Sealed     []byte `cbor:"2,keyasint"` // epoch.SealWrap under the encapsulated key
}

// WrapContext returns the context that the encapsulation of a wrap is bound to.
func WrapContext(c Chain, epoch uint32, kid Hash, term TermID) ([]byte, error) {
	return canonical.Marshal([]any{c.String(), epoch, kid, term})
}

// Marshal returns the one encoding of the wrap.
func (w *Wrap) Marshal() ([]byte, error) { return canonical.Marshal(w) }

// ParseWrap reads what Marshal writes.
func ParseWrap(data []byte) (*Wrap, error) {
	w := new(Wrap)
	if err := canonical.Unmarshal(data, w); err != nil {
		return nil, fmt.Errorf("%w: wrap: %w", ErrMalformed, err)
	}
	return w, nil
}

// Parts returns the parts that an event names, and the epoch they belong to.
func Parts(b Body) (uint32, []Part) {
	switch b := b.(type) {
	case *EpochStarted:
		return b.Epoch, b.Parts
	case *EpochRewrapped:
		return b.Epoch, b.Parts
	case *RecordErased:
		return b.Epoch, b.parts()
	}
	return 0, nil
}

// PartSubject returns the subject under which a part is stored in KEYS.
func PartSubject(c Chain, epoch uint32, name string, hash Hash) string {
	return fmt.Sprintf("key.%s.%s.%s.%d.%s.%s", Shard(c.Owner), c.Owner, c.Compartment, epoch, name, hash)
}

// CheckWrap judges the bytes of a wrap, without any key: the ciphertext must be made for the term's policy as it is resolved
// now, and consist of what a ciphertext consists of. Whether it opens to the keys committed to, only readers can tell.
func (s *State) CheckWrap(c Chain, part *Part, data []byte) error {
	w, err := ParseWrap(data)
	if err != nil {
		return err
	}
	f, _ := s.Compartment(c)
	i := slices.IndexFunc(f.Terms, func(t LiveTerm) bool { return t.ID == part.Term })
	if i < 0 {
		return fmt.Errorf("%w: term %s is not in force", ErrStale, part.Term)
	}
	x, err := s.Expression(f.Terms[i].Policy)
	if err != nil {
		return err
	}
	return x.Check(abe.Wrap, w.Ciphertext)
}

// IssueInfo is the context under which an attribute key is sealed to its holder.
const IssueInfo = "phr/key.issued/1"

// IssueAAD binds a sealed attribute key to the chain it is issued on, the holder, the attribute and the version.
func IssueAAD(c Chain, gid identity.GID, attribute string, version uint32) ([]byte, error) {
	return canonical.Marshal([]any{c.String(), gid, attribute, version})
}
