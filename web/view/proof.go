package view

import (
	"context"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/tree"
)

// VerifyProof verifies here, step by step, that an entry is in the tree that the log has signed.
func (v *View) VerifyProof(ctx context.Context, q ProofQuery) (VerifiedProof, error) {
	if err := v.replayed(ctx); err != nil {
		return VerifiedProof{}, err
	}
	p := &v.replay
	p.mu.Lock()
	if q.Sequence == 0 || q.Sequence > uint64(len(p.entries)) {
		p.mu.Unlock()
		return VerifiedProof{}, misused("There is no such entry in the log.")
	}
	entry, line := p.entries[q.Sequence-1], p.lines[q.Sequence-1]
	p.mu.Unlock()
	proof, err := v.config.Client.ProveEntry(ctx, entry, q.Sequence)
	if err != nil {
		return VerifiedProof{}, err
	}
	log, err := v.logKey()
	if err != nil {
		return VerifiedProof{}, err
	}
	verified := VerifiedProof{Line: line, Proof: string(proof.Proof.Marshal())}
	verified.Steps, verified.Valid = climb(entry, proof.Proof, log)
	return verified, nil
}

// climb recomputes the root of the tree from an entry and the siblings on its way up (RFC 9162, section 2.1.3.2), and holds it against the
// signed checkpoint.
func climb(entry []byte, p *tree.Proof, log note.Verifier) (all []ProofStep, valid bool) {
	at, err := tree.OpenCheckpoint(p.Signed, log)
	signed := err == nil
	leaf := tree.Leaf(entry)
	hash := ledger.Hash(sha256.Sum256(append([]byte{0}, leaf[:]...)))
	all = append(all, ProofStep{What: "leaf", Hash: hash.String(), Valid: true})
	place, last := p.Index, at.Size-1
	whole := at.Size > 0 && p.Index < at.Size
	for _, sibling := range p.Hashes {
		step := ProofStep{What: "right", With: sibling.String(), Valid: last > 0}
		whole = whole && last > 0
		if place&1 == 1 || place == last {
			step.What, hash = "left", parent(sibling, hash)
			for ; place&1 == 0 && place != 0; place, last = place>>1, last>>1 {
			}
		} else {
			hash = parent(hash, sibling)
		}
		step.Hash = hash.String()
		place, last = place>>1, last>>1
		all = append(all, step)
	}
	same := whole && last == 0 && hash == at.Root
	all = append(all,
		ProofStep{What: "root", Hash: hash.String(), With: at.Root.String(), Valid: same},
		ProofStep{What: "checkpoint", Hash: at.Root.String(), With: log.Name(), Valid: signed})
	return all, same && signed
}

// parent returns the hash of a node of the tree from those of its two children.
func parent(left, right ledger.Hash) ledger.Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}
