package tree

import (
	"fmt"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
)

// Proof shows to whoever knows the log's key that an entry is in the log: without asking anybody, for as long as the file is kept.
// See C2SP tlog-proof.
type Proof struct {
	Index  uint64 // of the entry, from 0
	Hashes []ledger.Hash
	Signed []byte // the checkpoint
}

// Marshal returns the proof as a .tlog-proof file.
func (p *Proof) Marshal() []byte {
	file := proof.TLogProof{Index: p.Index, Checkpoint: p.Signed}
	for _, h := range p.Hashes {
		file.Hashes = append(file.Hashes, h)
	}
	return file.Marshal()
}

// ParseProof reads a .tlog-proof file without extra data. It fails with ledger.ErrMalformed.
func ParseProof(data []byte) (*Proof, error) {
	var file proof.TLogProof
	if err := file.Unmarshal(data); err != nil {
		return nil, fmt.Errorf("%w: proof: %w", ledger.ErrMalformed, err)
	}
	p := &Proof{Index: file.Index, Signed: file.Checkpoint}
	for _, h := range file.Hashes {
		p.Hashes = append(p.Hashes, h)
	}
	if string(p.Marshal()) != string(data) {
		return nil, fmt.Errorf("%w: proof: not in the one form there is of it", ledger.ErrMalformed)
	}
	return p, nil
}

// Verify checks that the proof is one for an encoded entry in the log that the verifier knows, and returns the checkpoint it rests
// on. It fails with ErrNotProven.
func (p *Proof) Verify(v note.Verifier, entry []byte) (Checkpoint, error) {
	c, err := OpenCheckpoint(p.Signed, v)
	if err != nil {
		return Checkpoint{}, err
	}
	if err := c.Includes(p.Index, entry, p.Hashes); err != nil {
		return Checkpoint{}, err
	}
	return c, nil
}
