package projections

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"

	"github.com/phrledger/phr/ledger"
)

// pass is one reading of the log from its beginning. Up to where the tables are, it only judges; beyond, it applies.
type pass struct {
	*Runner
	stored  progress // what the tables say
	reached progress
	state   *ledger.State
	runs    ledger.Runs
	waiting map[*ledger.Entry]uint64 // sequences of entries whose run is not complete yet
}

func (r *Runner) newPass(stored progress) *pass {
	return &pass{
		Runner: r, stored: stored, state: ledger.NewState(r.config.Root, ledger.WholeLog),
		waiting: make(map[*ledger.Entry]uint64),
	}
}

// take takes a batch in: in one transaction what the tables don't hold yet.
func (p *pass) take(ctx context.Context, batch []Message) error {
	for len(batch) > 0 && p.reached.sequence < p.stored.sequence {
		if err := p.step(ctx, nil, batch[0]); err != nil {
			return err
		}
		if p.reached.sequence == p.stored.sequence && p.reached.hash != p.stored.hash {
			return fmt.Errorf("%w: other things were decided up to %d", errDiverged, p.stored.sequence)
		}
		batch = batch[1:]
	}
	p.compare(p.reached.sequence >= p.stored.sequence)
	if len(batch) == 0 {
		return nil
	}
	if err := p.transact(ctx, func(tx *sql.Tx) error { return p.apply(ctx, tx, batch) }); err != nil {
		return fmt.Errorf("applying entries after %d: %w", p.Position(), err)
	}
	p.advance(p.reached.sequence)
	return nil
}

func (p *pass) apply(ctx context.Context, tx *sql.Tx, batch []Message) error {
	for _, m := range batch {
		if err := p.step(ctx, tx, m); err != nil {
			return err
		}
	}
	return saveProgress(tx, p.reached)
}

// step takes one message in. Without tx it only judges.
func (p *pass) step(ctx context.Context, tx *sql.Tx, m Message) error {
	if m.Sequence != p.reached.sequence+1 {
		return fmt.Errorf("message %d came after %d", m.Sequence, p.reached.sequence)
	}
	p.reached.sequence = m.Sequence
	e, err := parse(m)
	if err != nil {
		p.decided(quarantined, ledger.HashEvent(m.Data))
		return p.quarantine(ctx, tx, chainOf(m.Subject), m.Sequence, err)
	}
	p.waiting[e] = m.Sequence
	for _, run := range p.runs.Add(e) {
		if err := p.settle(ctx, tx, run); err != nil {
			return err
		}
	}
	return nil
}

// parse reads a message. An entry under another subject than its own is not where its readers look for it.
func parse(m Message) (*ledger.Entry, error) {
	e, err := ledger.ParseEntry(m.Data)
	if err != nil {
		return nil, err
	}
	if e.Subject() != m.Subject {
		return nil, errors.New("it is not stored under its own subject")
	}
	return e, nil
}

// verdict is what was decided of an entry.
type verdict byte

const (
	counts verdict = iota + 1
	rejected
	quarantined
)

// decided adds a decision to the state hash.
func (p *pass) decided(v verdict, event ledger.Hash) {
	h := sha256.New()
	h.Write([]byte("phr/projected\x00"))
	h.Write(p.reached.hash[:])
	h.Write([]byte{byte(v)})
	h.Write(event[:])
	p.reached.hash = ledger.Hash(h.Sum(nil))
}

// settle decides whether a run counts, and acts on it.
func (p *pass) settle(ctx context.Context, tx *sql.Tx, run []*ledger.Entry) error {
	v, err := p.judge(ctx, tx, run)
	if err != nil {
		return err
	}
	for _, e := range run {
		p.decided(v, e.Hash)
		delete(p.waiting, e)
	}
	return nil
}

// judge folds a run into the state and, if it counts, into the tables.
func (p *pass) judge(ctx context.Context, tx *sql.Tx, run []*ledger.Entry) (verdict, error) {
	chain, sequence := run[0].Chain.String(), p.waiting[run[len(run)-1]]
	invalid := p.state.Fold(run...)
	switch {
	case p.closed(chain, sequence):
		return quarantined, nil
	case errors.Is(invalid, ledger.ErrQuarantined):
		return quarantined, p.quarantine(ctx, tx, chain, sequence, invalid)
	case invalid != nil:
		return rejected, p.reject(ctx, tx, run, invalid)
	case tx == nil:
		return counts, nil
	}
	reason, err := p.project(ctx, tx, run)
	if err != nil || reason == nil {
		return counts, err
	}
	return quarantined, p.quarantine(ctx, tx, chain, sequence, reason)
}

func (p *pass) reject(ctx context.Context, tx *sql.Tx, run []*ledger.Entry, reason error) error {
	if tx == nil {
		return nil
	}
	for _, e := range run {
		_, err := tx.ExecContext(ctx, `INSERT INTO rejected VALUES (?, ?, ?, ?)`, p.waiting[e], e.Chain.String(), e.Hash[:], reason.Error())
		if err != nil {
			return err
		}
	}
	return nil
}

// project applies a run: all of it in every projection, or, if one refuses it for the reason returned, nothing.
func (p *pass) project(ctx context.Context, tx *sql.Tx, run []*ledger.Entry) (reason, err error) {
	if _, err := tx.ExecContext(ctx, `SAVEPOINT run`); err != nil {
		return nil, err
	}
	for _, e := range run {
		at := Place{Sequence: p.waiting[e]}
		if e.Chain.Control() {
			at.Count = p.state.Position().Count
		}
		for _, projection := range p.config.Projections {
			err := projection.Apply(tx, e, at)
			if err == nil {
				continue
			}
			err = fmt.Errorf("%s: applying %s %s: %w", projection.Name(), e.Kind(), e.ID, err)
			if ctx.Err() != nil || !poison(err) {
				return nil, err
			}
			_, undone := tx.ExecContext(ctx, `ROLLBACK TO run; RELEASE run`)
			return err, undone
		}
	}
	_, err = tx.ExecContext(ctx, `RELEASE run`)
	return nil, err
}
