package node

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// checkpoint returns the newest checkpoint of the tree.
func (n *Node) checkpoint(_ context.Context, q *protocol.CheckpointQuery) (*protocol.Checkpoint, error) {
	return n.sealer.Checkpoint(q.Since)
}

// proofs returns proofs that entries are sealed.
func (n *Node) proofs(_ context.Context, q *protocol.ProofQuery) (*protocol.Proofs, error) {
	if len(q.Indexes) > protocol.MaxProofs {
		return nil, tooMany(protocol.MaxProofs, "entries")
	}
	return n.sealer.Proofs(q.Indexes, q.Since)
}

// heads proves where chains end that the caller may read.
func (n *Node) heads(ctx context.Context, s *challenge.Session, q *protocol.HeadsQuery) (*protocol.Heads, error) {
	if len(q.Chains) > protocol.MaxHeads {
		return nil, tooMany(protocol.MaxHeads, "chains")
	}
	chains := make([]ledger.Chain, len(q.Chains))
	for i, text := range q.Chains {
		var err error
		if chains[i], err = ledger.ParseChain(text); err != nil {
			return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
		}
		if !mayRead(s, chains[i]) {
			return nil, &stream.Error{Code: protocol.CodeRefused, Text: "where that chain ends is not for this session"}
		}
	}
	return n.sealer.Heads(ctx, chains, q.Since)
}

// mayRead tells whether a session's holder may know where a chain ends: of people, authorities and nodes anybody may, of a record
// its patient, and whoever the session is for.
func mayRead(s *challenge.Session, c ledger.Chain) bool {
	return c.Control() || c.GID() == s.GID() || s.Operation() != ledger.OpLogin && c == s.Chain()
}

func tooMany(most int, what string) error {
	return &stream.Error{Code: protocol.CodeBad, Text: fmt.Sprintf("at most %d %s are asked about at once", most, what)}
}
