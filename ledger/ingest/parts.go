package ingest

import (
	"crypto/sha256"
	"fmt"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// names matches the parts of a submission with the events that name them: each part must be named, and each name filled.
type names struct {
	given map[string][]byte // by subject in KEYS
	taken map[string]bool
}

func newNames(parts []protocol.PartData) (*names, error) {
	n := &names{given: make(map[string][]byte, len(parts)), taken: make(map[string]bool, len(parts))}
	for _, p := range parts {
		if len(p.Data) > ledger.MaxPart {
			return nil, fmt.Errorf("%w: part %q has more than %d bytes", ledger.ErrMalformed, ledger.Clip(p.Name), ledger.MaxPart)
		}
		chain, err := ledger.ParseChain(p.Chain)
		if err != nil {
			return nil, err
		}
		n.given[ledger.PartSubject(chain, p.Epoch, p.Name, sha256.Sum256(p.Data))] = p.Data
	}
	return n, nil
}

// take checks the parts that an event names. The event has been folded into s. What is for the node to open, it opens.
func (n *names) take(s *ledger.State, e *ledger.Entry, node *identity.Identity) error {
	epoch, parts := ledger.Parts(e.Body)
	for i := range parts {
		p := &parts[i]
		subject := ledger.PartSubject(e.Chain, epoch, p.Name, p.Hash)
		data, ok := n.given[subject]
		if !ok {
			return fmt.Errorf("%w: part %q that %s names is not in the submission", ledger.ErrInvalid, p.Name, e.ID)
		}
		if !p.Term.IsZero() {
			if err := s.CheckWrap(e.Chain, p, data); err != nil {
				return fmt.Errorf("%w: part %q: %w", ledger.ErrInvalid, p.Name, err)
			}
			if p.Name == ledger.ReleaseName(p.Term) {
				if _, err := s.OpenRelease(node, e.Chain, epoch, p.Term, data); err != nil {
					return fmt.Errorf("%w: part %q: %w", ledger.ErrInvalid, p.Name, err)
				}
			}
		}
		n.taken[subject] = true
	}
	return nil
}

// stored returns what is to be stored.
func (n *names) stored() ([]stream.Part, error) {
	if extra := len(n.given) - len(n.taken); extra > 0 {
		return nil, fmt.Errorf("%w: %d parts come with it that no event names", ledger.ErrInvalid, extra)
	}
	parts := make([]stream.Part, 0, len(n.given))
	for subject, data := range n.given {
		parts = append(parts, stream.Part{Subject: subject, Data: data})
	}
	return parts, nil
}
