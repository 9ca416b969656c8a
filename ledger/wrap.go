package ledger

import (
	"fmt"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
)

// Wrap is the stored form of the part that gives an epoch's keys to those who satisfy a term, and of the part that gives the
// approvers of an emergency term their share.
type Wrap struct {
	Ciphertext []byte `cbor:"1,keyasint"` // abe.Expression.Encapsulate, label abe.Wrap or abe.Approval, context WrapContext
	Sealed     []byte `cbor:"2,keyasint"` // epoch.SealWrap, or epoch.SealApproval, under the encapsulated key
}

// Release is the stored form of the part that holds the node's share of the key of an emergency term's wrap.
type Release struct {
	Nodes []Released `cbor:"1,keyasint"`
}

// Released is the share as one node opens it.
type Released struct {
	Node   identity.GID `cbor:"1,keyasint"`
	Sealed []byte       `cbor:"2,keyasint"` // epoch.SealRelease
}

// maxNodes bounds the nodes that a release names.
const maxNodes = 16

// Marshal returns the one encoding of the release.
func (r *Release) Marshal() ([]byte, error) { return canonical.Marshal(r) }

// ParseRelease reads what Marshal writes: at least one node.
func ParseRelease(data []byte) (*Release, error) {
	r := new(Release)
	if err := canonical.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("%w: release: %w", ErrMalformed, err)
	}
	if len(r.Nodes) == 0 || len(r.Nodes) > maxNodes {
		return nil, fmt.Errorf("%w: release to %d nodes", ErrMalformed, len(r.Nodes))
	}
	return r, nil
}

// OpenRelease opens a node's share of the key of an emergency term's wrap, with the node's identity.
func (s *State) OpenRelease(node *identity.Identity, c Chain, number uint32, term TermID, data []byte) (*epoch.Share, error) {
	r, err := ParseRelease(data)
	if err != nil {
		return nil, err
	}
	f, _ := s.Compartment(c)
	of, ok := f.At(number)
	if !ok {
		return nil, fmt.Errorf("%w: there is no epoch %d", ErrStale, number)
	}
	sealed, ok := r.For(node.GID())
	if !ok {
		return nil, fmt.Errorf("it is not sealed to the node %s", node.GID())
	}
	at := epoch.Place{Patient: c.Owner, Compartment: string(c.Compartment), Epoch: number}
	return epoch.OpenRelease(node, at, of.KID, term.String(), sealed)
}

// For returns what is sealed to a node.
func (r *Release) For(node identity.GID) ([]byte, bool) {
	for _, to := range r.Nodes {
		if to.Node == node {
			return to.Sealed, true
		}
	}
	return nil, false
}

// ShareContext binds the share that an approver passes on to the request it answers.
func ShareContext(access Chain, request EventID, requester, approver identity.GID, number uint32, term TermID) ([]byte, error) {
	return canonical.Marshal([]any{access.String(), request, requester, approver, number, term})
}

// WrapContext returns the context that the encapsulation of a wrap is bound to.
func WrapContext(c Chain, number uint32, kid Hash, term TermID) ([]byte, error) {
	return canonical.Marshal([]any{c.String(), number, kid, term})
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
func PartSubject(c Chain, number uint32, name string, hash Hash) string {
	return fmt.Sprintf("key.%s.%s.%s.%d.%s.%s", Shard(c.Owner), c.Owner, c.Compartment, number, name, hash)
}

// NamedParts returns the subjects of all parts that events name, and which of them nobody needs any more.
func (s *State) NamedParts() (named, spent map[string]bool) {
	named, spent = make(map[string]bool), make(map[string]bool)
	for c := range s.Compartments() {
		for _, epoch := range append(c.Past[:len(c.Past):len(c.Past)], c.Epoch) {
			if epoch == nil {
				continue
			}
			for i := range epoch.Parts {
				p := &epoch.Parts[i]
				named[PartSubject(c.Chain, epoch.Number, p.Name, p.Hash)] = true
			}
		}
		for _, p := range c.Obsolete() {
			spent[PartSubject(c.Chain, p.Epoch, p.Part.Name, p.Part.Hash)] = true
		}
	}
	return named, spent
}

// CheckWrap judges the bytes of a part for a term, without any key: the ciphertext of a wrap or approval must be made for the
// term's policy as it is resolved now, and consist of what a ciphertext consists of; a release must name nodes. Whether it
// opens to the keys committed to, only readers can tell.
func (s *State) CheckWrap(c Chain, part *Part, data []byte) error {
	f, _ := s.Compartment(c)
	t := find(f.Terms, part.Term)
	if t == nil {
		return fmt.Errorf("%w: term %s is not in force", ErrStale, part.Term)
	}
	label := abe.Wrap
	switch part.Name {
	case ReleaseName(part.Term):
		_, err := ParseRelease(data)
		return err
	case ApprovalName(part.Term):
		label = abe.Approval
	}
	w, err := ParseWrap(data)
	if err != nil {
		return err
	}
	x, err := s.Expression(t.sealedTo(part).Policy)
	if err != nil {
		return err
	}
	return x.Check(label, w.Ciphertext)
}

// IssueInfo is the context under which an attribute key is sealed to its holder.
const IssueInfo = "phr/key.issued/1"

// IssueAAD binds a sealed attribute key to the chain it is issued on, the holder, the attribute and the version.
func IssueAAD(c Chain, gid identity.GID, attribute string, version uint32) ([]byte, error) {
	return canonical.Marshal([]any{c.String(), gid, attribute, version})
}
