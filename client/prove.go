package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
)

// proving is one look at what of the outbox is sealed.
type proving struct {
	c      *Client
	claims []claim
	sealed []sent
	gone   []sent
}

// claim is that the last event that a submission has on a chain is in the tree. It vouches for those before it: each names the
// hash of the one before, and they came to the log as one batch.
type claim struct {
	line  *sent
	span  *span
	index uint64
}

// claim adds what a submission has to prove.
func (p *proving) claim(l *sent) {
	for i := range l.Spans {
		s := &l.Spans[i]
		p.claims = append(p.claims, claim{l, s, l.Receipt.Sequence - uint64(l.Count) + uint64(s.At)})
	}
}

// ask asks for all proofs, and sorts the submissions by them.
func (p *proving) ask(ctx context.Context) error {
	open := make(map[*sent]bool)
	for some := range slices.Chunk(p.claims, protocol.MaxProofs) {
		indexes := make([]uint64, len(some))
		for i, claim := range some {
			indexes[i] = claim.index
		}
		at, answer, err := p.c.askProofs(ctx, indexes)
		if err != nil {
			return err
		}
		for _, claim := range some {
			proven, err := p.prove(at, answer, &claim)
			if err != nil {
				return err
			}
			open[claim.line] = open[claim.line] || !proven
		}
	}
	for line, left := range open {
		if !left {
			p.sealed = append(p.sealed, *line)
		}
	}
	return nil
}

// askProofs asks for the proofs of entries, and returns the checkpoint that they rest on. The log goes on from what was seen of it.
func (c *Client) askProofs(ctx context.Context, indexes []uint64) (at tree.Checkpoint, answer *protocol.Proofs, err error) {
	at, err = c.advance(ctx, func(since uint64) (_ []byte, _ []ledger.Hash, err error) {
		query := protocol.ProofQuery{Indexes: indexes, Since: since}
		if answer, err = ask[protocol.Proofs](ctx, c.guest, protocol.DirProof, query); err != nil {
			return nil, nil, fmt.Errorf("asking for proofs: %w", err)
		}
		return answer.Note, answer.Consistency, nil
	})
	return at, answer, err
}

// prove tells whether an answer proves a claim.
func (p *proving) prove(at tree.Checkpoint, answer *protocol.Proofs, claim *claim) (bool, error) {
	i := slices.IndexFunc(answer.Proofs, func(proof protocol.Proof) bool { return proof.Index == claim.index })
	if i < 0 {
		return false, nil
	}
	sent, err := p.c.home.posted(claim.line)
	if err != nil {
		return false, err
	}
	entry, err := claim.line.Receipt.Entry(sent.Events[claim.span.At])
	if err != nil {
		return false, err
	}
	if at.Includes(claim.index, entry, answer.Proofs[i].Hashes) != nil {
		p.gone = append(p.gone, *claim.line)
		return false, nil
	}
	return true, nil
}

// Proof shows that an event of a record is sealed in the log, to whoever knows the log's key.
type Proof struct {
	Entry      []byte // as the log has it
	Proof      *tree.Proof
	Checkpoint tree.Checkpoint
	Key        string // of the log, as C2SP signed-note writes it
}

// ErrUnsealed is returned, wrapped, for what is accepted and not sealed yet.
var ErrUnsealed = errors.New("accepted, and not sealed yet")

// Prove returns the proof that a record event is sealed, checked. CheckProof checks it again without a node.
func (b *Book) Prove(ctx context.Context, id ledger.EventID) (*Proof, error) {
	var e *ledger.Entry
	var sequence uint64
	err := b.do(ctx, b.readKey(), func(*session) error {
		i := slices.IndexFunc(b.records, func(e *ledger.Entry) bool { return e.ID == id })
		if i < 0 {
			return fmt.Errorf("there is no record %s in %s", id, b.chain.Compartment)
		}
		e, sequence = b.records[i], b.ids[id]
		return nil
	})
	if err != nil {
		return nil, err
	}
	encoded, err := e.Marshal()
	if err != nil {
		return nil, err
	}
	proofs, err := b.c.prove(ctx, [][]byte{encoded}, []uint64{sequence - 1})
	if err != nil {
		return nil, err
	}
	return proofs[0], nil
}

// prove fetches and checks the proofs for entries, by their places in the log, at most protocol.MaxProofs. It fails with ErrUnsealed
// if one is not sealed yet.
func (c *Client) prove(ctx context.Context, entries [][]byte, indexes []uint64) ([]*Proof, error) {
	if c.treeless() {
		return nil, errors.New("this node keeps no tree of its log: nothing is ever sealed there")
	}
	at, answer, err := c.askProofs(ctx, indexes)
	if err != nil {
		return nil, err
	}
	log := c.Node().Log
	key, err := tree.VerifierKey(at.Origin, log[:])
	if err != nil {
		return nil, err
	}
	proofs := make([]*Proof, len(entries))
	for i, index := range indexes {
		place := slices.IndexFunc(answer.Proofs, func(p protocol.Proof) bool { return p.Index == index })
		if place < 0 {
			return nil, ErrUnsealed
		}
		proof := &tree.Proof{Index: index, Hashes: answer.Proofs[place].Hashes, Signed: answer.Note}
		if err := at.Includes(index, entries[i], proof.Hashes); err != nil {
			return nil, err
		}
		proofs[i] = &Proof{Entry: entries[i], Proof: proof, Checkpoint: at, Key: key}
	}
	return proofs, nil
}

// ProveAccess returns the proofs of all lines of the caller's access log, checked, in their order. It fails with ErrUnsealed if the
// newest are not sealed yet.
func (c *Client) ProveAccess(ctx context.Context) ([]*Proof, error) {
	var entries [][]byte
	var indexes []uint64
	err := c.attempt(ctx, loginKey, func(s *session) error {
		all, sequences, err := c.placed(ctx, s, ledger.RecordChain(c.GID(), ledger.Access))
		entries, indexes = nil, nil
		for i, e := range all {
			encoded, err := e.Marshal()
			if err != nil {
				return err
			}
			entries, indexes = append(entries, encoded), append(indexes, sequences[i]-1)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var proofs []*Proof
	for from := 0; from < len(entries); from += protocol.MaxProofs {
		to := min(from+protocol.MaxProofs, len(entries))
		some, err := c.prove(ctx, entries[from:to], indexes[from:to])
		if err != nil {
			return nil, fmt.Errorf("proving the access log: %w", err)
		}
		proofs = append(proofs, some...)
	}
	return proofs, nil
}

// CheckProof checks a proof that was kept, against the key of the log whose nodes a root describes, as this home has seen it. No node is
// asked. It fails with tree.ErrNotProven.
func (h *Home) CheckProof(root identity.GID, proof, entry []byte) (*Proof, *ledger.Entry, error) {
	seen, err := h.pin(root)
	if err != nil {
		return nil, nil, err
	}
	if seen.note == nil {
		return nil, nil, errors.New("this home has never seen a checkpoint of this node's log, and does not know its key")
	}
	key, err := logKey(root, seen.key)
	if err != nil {
		return nil, nil, err
	}
	p := &Proof{Entry: entry}
	if p.Proof, err = tree.ParseProof(proof); err != nil {
		return nil, nil, err
	}
	if p.Checkpoint, err = p.Proof.Verify(key, entry); err != nil {
		return nil, nil, err
	}
	if p.Key, err = tree.VerifierKey(key.Name(), seen.key[:]); err != nil {
		return nil, nil, err
	}
	e, err := ledger.ParseEntry(entry)
	return p, e, err
}

// Holding returns which of some books has an event of a record.
func Holding(ctx context.Context, id ledger.EventID, books ...*Book) (*Book, error) {
	for _, b := range books {
		var found bool
		err := b.do(ctx, b.readKey(), func(*session) error {
			found = b.ids[id] != 0
			return nil
		})
		if found || err != nil {
			return b, err
		}
	}
	return nil, fmt.Errorf("there is no record %s that you can read", id)
}
