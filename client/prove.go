package client

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/tree"
)

// proving is one look at what of the outbox is sealed.
type proving struct {
	c      *Client
	key    note.Verifier
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
		var query protocol.ProofQuery
		for _, claim := range some {
			query.Indexes = append(query.Indexes, claim.index)
		}
		answer, err := ask[protocol.Proofs](ctx, p.c.guest, protocol.DirProof, query)
		if err != nil {
			return err
		}
		for _, claim := range some {
			proven, err := p.prove(answer, &claim)
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

// prove tells whether an answer proves a claim.
func (p *proving) prove(answer *protocol.Proofs, claim *claim) (bool, error) {
	i := slices.IndexFunc(answer.Proofs, func(proof protocol.Proof) bool { return proof.Index == claim.index })
	if i < 0 {
		return false, nil
	}
	c, err := tree.OpenCheckpoint(answer.Note, p.key)
	if err != nil {
		return false, err
	}
	sent, err := p.c.home.posted(claim.line)
	if err != nil {
		return false, err
	}
	entry, err := claim.line.Receipt.Entry(sent.Events[claim.span.At])
	if err != nil {
		return false, err
	}
	if c.Includes(claim.index, entry, answer.Proofs[i].Hashes) != nil {
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

// Prove returns the proof that a record event is sealed, checked. The home remembers the log's key, by which CheckProof checks it
// again without a node.
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
	p := new(Proof)
	if p.Entry, err = e.Marshal(); err != nil {
		return nil, err
	}
	return p, b.c.prove(ctx, p, sequence-1)
}

// prove fetches and checks the proof for an entry.
func (c *Client) prove(ctx context.Context, p *Proof, index uint64) error {
	key, err := c.logKey()
	if err != nil {
		return err
	}
	if key == nil {
		return errors.New("this node keeps no tree of its log: nothing is ever sealed there")
	}
	answer, err := ask[protocol.Proofs](ctx, c.guest, protocol.DirProof, protocol.ProofQuery{Indexes: []uint64{index}})
	if err != nil {
		return fmt.Errorf("asking for the proof: %w", err)
	}
	if len(answer.Proofs) != 1 {
		return ErrUnsealed
	}
	p.Proof = &tree.Proof{Index: index, Hashes: answer.Proofs[0].Hashes, Signed: answer.Note}
	if p.Checkpoint, err = p.Proof.Verify(key, p.Entry); err != nil {
		return err
	}
	node := c.Node()
	if p.Key, err = tree.VerifierKey(key.Name(), node.Log[:]); err != nil {
		return err
	}
	return c.home.write(logName, []byte(p.Key))
}

const logName = "log"

// CheckProof checks a proof that was kept, against the key of the log from which this home has last got one. No node is asked. It
// fails with tree.ErrNotProven.
func (h *Home) CheckProof(proof, entry []byte) (*Proof, *ledger.Entry, error) {
	key, err := h.read(logName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errors.New("this home has never got a proof from a log, and knows the key of none")
	}
	if err != nil {
		return nil, nil, err
	}
	verifier, err := note.NewVerifier(string(key))
	if err != nil {
		return nil, nil, err
	}
	p := &Proof{Entry: entry, Key: string(key)}
	if p.Proof, err = tree.ParseProof(proof); err != nil {
		return nil, nil, err
	}
	if p.Checkpoint, err = p.Proof.Verify(verifier, entry); err != nil {
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
