package main

import (
	"context"
	"fmt"
	"os"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// shownProof is what a proof proves, for programs.
type shownProof struct {
	ID         ledger.EventID `json:"id"`
	Chain      string         `json:"chain"`
	Number     uint64         `json:"number"`
	LogTime    string         `json:"log_time"`
	Index      uint64         `json:"index"`
	Size       uint64         `json:"size"`
	Root       ledger.Hash    `json:"root"`
	Key        string         `json:"key"`
	Checkpoint string         `json:"checkpoint"`
}

// recordProof proves that a record is sealed in the log, or checks a proof that was kept.
func recordProof(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	t := targeted(fs)
	out := fs.String("o", "", "`FILE` to write the proof to; the entry that it is about goes to FILE.entry")
	check := fs.String("check", "", "check the proof in `FILE`, about the entry in FILE.entry, without a node")
	operands, err := e.parse(fs, args, 0, 1)
	if err != nil {
		return err
	}
	if (*check == "") != (len(operands) == 1) || *check != "" && *out != "" {
		return e.misused("it takes the id of a record, or --check FILE")
	}
	if *check != "" {
		return e.checkProof(*check)
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	p, err := e.prove(ctx, c, t, operands[0])
	if err != nil {
		return err
	}
	if *out != "" {
		if err := writeProof(*out, p); err != nil {
			return err
		}
	}
	entry, err := ledger.ParseEntry(p.Entry)
	if err != nil {
		return err
	}
	return e.showProof(p, entry)
}

// prove fetches the proof of the event that a record id names: that by which it was first written, or any of its versions.
func (e *env) prove(ctx context.Context, c *client.Client, t *target, operand string) (*client.Proof, error) {
	id, err := ledger.ParseEventID(operand)
	if err != nil {
		return nil, err
	}
	books, err := e.books(ctx, c, t)
	if err != nil {
		return nil, err
	}
	b, err := client.Holding(ctx, id, books...)
	if err != nil {
		return nil, &hinted{err, "phr record list shows the ids; --patient names whose record it is"}
	}
	return b.Prove(ctx, id)
}

func writeProof(path string, p *client.Proof) error {
	if err := os.WriteFile(path+".entry", p.Entry, 0o600); err != nil {
		return err
	}
	return os.WriteFile(path, p.Proof.Marshal(), 0o600)
}

func (e *env) checkProof(path string) error {
	proof, err := e.read(path, 1<<20)
	if err != nil {
		return err
	}
	entry, err := e.read(path+".entry", 1<<20)
	if err != nil {
		return err
	}
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	url, err := e.nodeURL(h)
	if err != nil {
		return err
	}
	p, parsed, err := h.CheckProof(url.Root, proof, entry)
	if err != nil {
		return fmt.Errorf("the proof in %s: %w", path, err)
	}
	return e.showProof(p, parsed)
}

func (e *env) showProof(p *client.Proof, entry *ledger.Entry) error {
	if e.json {
		return e.emit(shownProof{
			entry.ID, entry.Chain.String(), entry.Number, entry.LogTime.Format("2006-01-02T15:04:05.000Z07:00"), p.Proof.Index,
			p.Checkpoint.Size, p.Checkpoint.Root, p.Key, string(p.Proof.Signed),
		})
	}
	e.say("sealed     %s %s, event %d of %s, logged %s", entry.Kind(), entry.ID, entry.Number, entry.Chain, moment(entry.LogTime))
	e.say("as         entry %d of the log", p.Proof.Index+1)
	e.say("under      a checkpoint of %s, with the root %s", plural(int(p.Checkpoint.Size), "entry"), p.Checkpoint.Root)
	e.say("signed by  %s", p.Key)
	return nil
}
