package demo

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

// outside is a witness that somebody else runs.
type outside struct {
	*witness.Witness
	listener net.Listener
}

// newOutside opens a witness, which follows no log yet.
func newOutside(dir string, log *slog.Logger) (*outside, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w, err := witness.Open(witness.Config{Dir: dir, Name: "witness.example/demo", Log: log})
	if err != nil {
		l.Close()
		return nil, err
	}
	return &outside{w, l}, nil
}

// policy wants its signature on everything.
func (o *outside) policy() *witness.Policy {
	asked := witness.Cosigner{Name: "outside", Key: o.Key(), URL: "http://" + o.listener.Addr().String()}
	return &witness.Policy{Cosigners: []witness.Cosigner{asked}, Quorum: asked.Name}
}

// follow has the witness follow the log that a node's root names.
func (o *outside) follow(ctx context.Context, n *node.Node) error {
	described, err := client.Description(ctx, client.Config{Node: n.URL(), Dialer: n.Dialer()})
	if err != nil {
		return err
	}
	text, err := tree.VerifierKey(tree.Origin(n.URL().Root), described.Log[:])
	if err != nil {
		return err
	}
	log, err := witness.ParseKey(text)
	if err != nil {
		return err
	}
	return o.Follow(log)
}

// sealed shows that what was written is in the log's tree, that a witness has seen the log grow, and what a proof is good for.
func (d *demo) sealed(ctx context.Context) ([]string, error) {
	start := time.Now()
	done, err := d.maria.Await(ctx, client.Sealed, nil)
	if err != nil {
		return nil, err
	}
	lines := []string{fmt.Sprintf("all she wrote is in the log's Merkle tree, a second copy on disk, up to entry %d (%s after asking)", done.Sequence, round(time.Since(start)))}
	home := d.maria.Home()
	if err := home.SetWitnessPolicy(d.witness.policy()); err != nil {
		return lines, err
	}
	if done, err = d.maria.Await(ctx, client.Witnessed, nil); err != nil {
		return lines, err
	}
	lines = append(lines, fmt.Sprintf("somebody outside has cosigned it, and would cosign no other history (%s)", round(time.Since(start))))
	if err := home.SetWitnessPolicy(nil); err != nil {
		return lines, err
	}
	shown, err := d.provesOne(ctx)
	return append(lines, shown), err
}

// provesOne proves one record to whoever has the log's key, without a node.
func (d *demo) provesOne(ctx context.Context) (string, error) {
	book, err := d.maria.Book(ctx, d.maria.GID(), ledger.Health)
	if err != nil {
		return "", err
	}
	records, err := book.Records(ctx)
	if err != nil {
		return "", err
	}
	id, err := ledger.ParseEventID(string(records[len(records)-1].ID))
	if err != nil {
		return "", err
	}
	p, err := book.Prove(ctx, id)
	if err != nil {
		return "", err
	}
	key, err := note.NewVerifier(p.Key)
	if err != nil {
		return "", err
	}
	kept, err := tree.ParseProof(p.Proof.Marshal())
	if err != nil {
		return "", err
	}
	c, err := kept.Verify(key, p.Entry)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrExpectation, err)
	}
	p.Entry[len(p.Entry)/2] ^= 1
	_, err = kept.Verify(key, p.Entry)
	return fmt.Sprintf("a proof of %d bytes shows one of her records to be in the tree of %d entries; of the same record with one bit changed it shows nothing",
		len(p.Proof.Marshal()), c.Size), refused(err, "a changed record")
}
