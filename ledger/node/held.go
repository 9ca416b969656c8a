package node

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// held returns the issuances by which somebody holds attributes, as the fold has it now.
func (n *Node) held(ctx context.Context, s *challenge.Session, q *protocol.HeldQuery) (*protocol.Held, error) {
	if len(q.Attributes) > protocol.MaxHeld {
		return nil, &stream.Error{Code: protocol.CodeBad, Text: fmt.Sprintf("at most %d attributes are asked about at once", protocol.MaxHeld)}
	}
	answer := new(protocol.Held)
	for _, text := range q.Attributes {
		a, err := policy.ParseAttribute(text)
		if err != nil {
			return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
		}
		if a.Authority.IsGID() && s.GID() != q.GID && s.GID() != identity.GID(a.Authority) {
			return nil, &stream.Error{Code: protocol.CodeRefused, Text: "whom a patient names is for the patient and that person to know"}
		}
		version, ok := n.holds(q.GID, a)
		if !ok {
			continue
		}
		entry, err := n.issuance(ctx, q.GID, a, version)
		if err != nil {
			return nil, err
		}
		answer.Entries = append(answer.Entries, entry)
	}
	return answer, nil
}

// holds tells whether somebody who is not revoked holds an attribute, and at which version.
func (n *Node) holds(gid identity.GID, a policy.Attribute) (version uint32, ok bool) {
	n.fold.View(func(state *ledger.State) {
		if _, err := state.Person(gid); err != nil || !state.Holds(gid, a) {
			return
		}
		version, ok = state.Version(a)
	})
	return version, ok
}

// issuance finds the entry that issued a version of an attribute to somebody.
func (n *Node) issuance(ctx context.Context, gid identity.GID, a policy.Attribute, version uint32) ([]byte, error) {
	entries, err := n.dir.Issued(ctx, gid, a)
	if err != nil {
		return nil, err
	}
	for _, encoded := range entries {
		e, err := ledger.ParseEntry(encoded)
		if err != nil {
			return nil, err
		}
		if issued, ok := e.Body.(*ledger.KeyIssued); ok && issued.Version == version {
			return encoded, nil
		}
	}
	return nil, errBehind
}
