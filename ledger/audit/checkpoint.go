package audit

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// checkpoint compares what a checkpoint in the log names with what came before it.
func (r *replay) checkpoint(e *ledger.Entry, b *ledger.Checkpoint, seq uint64) {
	r.report.Checkpoints++
	if r.gap > 0 {
		r.report.Findings[r.gap-1].Further++
		return
	}
	f := about(e, seq)
	f.Evidence = fmt.Sprintf("it names root %s and map %s", b.Root, b.Map)
	before, sealed := r.sealing.all.size()-1, r.sealing.sealed.size()
	switch {
	case b.Size > before:
		f.Problem, f.What = Checkpoint, fmt.Sprintf("it is over the first %d entries, and %d came before it", b.Size, before)
		r.find(checkAhead, f)
		return
	case b.Size < sealed:
		f.Problem, f.What = Checkpoint, fmt.Sprintf("it is over the first %d entries, and an earlier one over %d", b.Size, sealed)
		r.find(checkBack, f)
		return
	}
	root, heads := r.sealing.at(b.Size)
	f.Problem, f.What = Checkpoint, fmt.Sprintf("it names another tree than the first %d entries make", b.Size)
	f.Evidence = fmt.Sprintf("it names root %s, theirs is %s", b.Root, root)
	r.expect(checkRoot, "root", root == b.Root, f)
	f.Problem, f.What = Heads, fmt.Sprintf("it names other ends of chains than there were after %d entries", b.Size)
	f.Evidence = fmt.Sprintf("it names map %s, theirs is %s", b.Map, heads)
	r.expect(checkMap, "map", b.Map.IsZero() || heads == b.Map, f)
}

// origin is the first line of the log's checkpoints, and the name of its key.
func origin(root identity.GID) string { return "phr/" + string(root) }

// unverified reads what a signed note says, whoever signed it.
func unverified(signed []byte) (of identity.GID, t Tree, err error) {
	var c log.Checkpoint
	if _, err := c.Unmarshal(signed); err != nil {
		return "", t, fmt.Errorf("reading a checkpoint: %w", err)
	}
	gid, ok := strings.CutPrefix(c.Origin, origin(""))
	if !ok || len(c.Hash) != len(t.Root) {
		return "", t, fmt.Errorf("reading a checkpoint: %q is no log of phr's", ledger.Clip(c.Origin))
	}
	of, err = identity.ParseGID(gid)
	return of, Tree{c.Size, ledger.Hash(c.Hash)}, err
}

// Kept is what somebody has kept of a log, for comparing it with the log as it is now.
type Kept struct {
	Root       identity.GID          // of the log's node; empty if nothing was kept
	Heads      map[ledger.Chain]Head // which chains have gone through
	Tree       Tree                  // zero if there was none
	Checkpoint string                // a signed note; empty if there was none
}

// ParseKept reads the JSON of an earlier report, or a signed checkpoint.
func ParseKept(data []byte) (k Kept, err error) {
	if strings.HasPrefix(string(data), origin("")) {
		k.Checkpoint = string(data)
		k.Root, _, err = unverified(data)
		return k, err
	}
	var r Report
	if err := json.Unmarshal(data, &r); err != nil {
		return Kept{}, fmt.Errorf("it is neither the JSON of a report nor a signed checkpoint: %w", err)
	}
	if _, err := identity.ParseGID(string(r.Root)); err != nil {
		return Kept{}, fmt.Errorf("it names no log: %w", err)
	}
	return Kept{Root: r.Root, Heads: r.Heads, Tree: r.Tree, Checkpoint: r.Checkpoint}, nil
}

// claim is a tree that the log has to have, since somebody has seen or signed it.
type claim struct {
	Tree
	kept     bool   // it was seen earlier: what is shown now is another history, if it does not hold
	cosigned bool   // it is the one that witnesses have signed
	signed   string // the note, if there is one
}

func (c *claim) String() string {
	switch {
	case c.cosigned:
		return "the checkpoint that witnesses have signed"
	case !c.kept:
		return "the checkpoint beside the log"
	case c.signed == "":
		return "the tree of the earlier report"
	}
	return "the checkpoint that was kept"
}

// readClaims reads what the log has to have.
func (r *replay) readClaims() {
	for _, c := range []*claim{{kept: true, signed: r.Known.Checkpoint}, {signed: string(r.shown())}, {cosigned: true, signed: string(r.Witnessed)}} {
		if c.signed == "" {
			continue
		}
		of, t, err := unverified([]byte(c.signed))
		if err == nil && of != r.report.Root {
			err = fmt.Errorf("it is of the log of %s", of)
		}
		if err != nil {
			r.find(checkOrigin, Finding{Problem: Checkpoint, What: fmt.Sprintf("%s is not one of this log: %v", c, err), Evidence: fmt.Sprintf("it is %q", c.signed)})
			continue
		}
		c.Tree = t
		r.claims = append(r.claims, c)
	}
	same := func(c *claim) bool { return c.kept && c.Tree == r.Known.Tree }
	if r.Known.Tree.Size > 0 && !slices.ContainsFunc(r.claims, same) {
		r.claims = append(r.claims, &claim{Tree: r.Known.Tree, kept: true})
	}
	r.compareClaims()
}

// shown returns the checkpoint that is shown beside the log; nil if none is.
func (r *replay) shown() []byte {
	if r.Tiles != nil {
		return r.Tiles.signed
	}
	return r.Checkpoint
}

// compareClaims compares the log, where it has reached their sizes, with the trees that it has to have.
func (r *replay) compareClaims() {
	for _, c := range r.claims {
		if c.Size == r.sealing.all.size() && r.sealing.all.root() != c.Root {
			r.unlike(c, r.sealing.all.root())
		}
	}
}

// unlike finds a claim that does not hold.
func (r *replay) unlike(c *claim, root ledger.Hash) {
	made := checkShown
	f := Finding{Problem: Checkpoint, Sequence: c.Size, What: fmt.Sprintf("%s is over another log: its first %d entries are not these", c, c.Size)}
	if c.kept {
		made, f.Problem = checkKept, Fork
	}
	r.findSigned(made, f, fmt.Sprintf("it has root %s, these entries have %s", c.Root, root))
}

// findSigned reports what a check has found, with all signed checkpoints there are for evidence.
func (r *replay) findSigned(made check, f Finding, evidence ...string) {
	for _, c := range r.claims {
		if c.signed != "" {
			evidence = append(evidence, fmt.Sprintf("%s is %q", c, c.signed))
		}
	}
	f.Evidence = strings.Join(evidence, "; ")
	r.find(made, f)
}

// settleClaims says at the end which trees the log is too short for, and whose signatures do not hold.
func (r *replay) settleClaims() {
	for _, c := range r.claims {
		if all := r.sealing.all.size(); c.Size > all && r.gap == 0 {
			f := Finding{Problem: Truncated, Sequence: all, What: fmt.Sprintf("%s is over %d entries, and the log has %d", c, c.Size, all)}
			r.findSigned(checkShort, f, fmt.Sprintf("it has root %s", c.Root))
		}
		if c.signed == "" {
			continue
		}
		log := r.signed(c)
		if log == nil {
			r.find(checkSigned, Finding{
				Problem: Checkpoint, Sequence: c.Size, What: fmt.Sprintf("%s is not signed by a key that the root has described a node with", c),
				Evidence: fmt.Sprintf("it is %q", c.signed),
			})
			continue
		}
		if !c.kept && !c.cosigned {
			r.report.Checkpoint = c.signed
		}
		if r.Witnesses != nil && !c.kept && c.cosigned == (len(r.Witnessed) > 0) {
			r.witnessed(c, log)
		}
	}
}

// signed returns the key by which the log has signed a checkpoint, nil if it has not: one that a node is described with, or for a kept
// one, ever was.
func (r *replay) signed(c *claim) note.Verifier {
	for _, keys := range r.keys {
		if !c.kept {
			keys = keys[len(keys)-1:]
		}
		for _, key := range keys {
			if v, err := verify(c.signed, origin(r.report.Root), key); err == nil {
				return v
			}
		}
	}
	return nil
}

func verify(signed, name string, key [32]byte) (note.Verifier, error) {
	text, err := note.NewEd25519VerifierKey(name, key[:])
	if err != nil {
		return nil, err
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, err
	}
	_, _, _, err = log.ParseCheckpoint([]byte(signed), name, v)
	return v, err
}

// witnessed asks whether enough witnesses have signed a checkpoint, and reports it.
func (r *replay) witnessed(c *claim, log note.Verifier) {
	if err := r.Witnesses([]byte(c.signed), log); err != nil {
		r.find(checkWitnesses, Finding{
			Problem: Unwitnessed, Sequence: c.Size, What: fmt.Sprintf("the checkpoint over %d entries: %v", c.Size, err),
			Evidence: fmt.Sprintf("it is %q", c.signed),
		})
		return
	}
	r.report.Witnessed = c.Size
}

// described takes note of the key that a node's description names for the log.
func (r *replay) described(e *ledger.Entry, b *ledger.NodeDescribed) {
	node := e.Chain.GID()
	if keys := r.keys[node]; b.Log != [32]byte{} && !slices.Contains(keys, b.Log) {
		r.keys[node] = append(keys, b.Log)
	}
}
