package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
)

// staleAfter is how old a proof of where a chain ends may be, by the log time of its checkpoint event, before what was read counts as
// stale.
const staleAfter = 10 * time.Minute

// ErrUnproven is returned, wrapped, for what gives others keys, or rests on rights that others gave, while it is not proven that all there
// is was read. Reading goes on, so do the patient's own writes, and taking rights away.
var ErrUnproven = errors.New("what the node shows may be old")

// Unproven says since when it is not proven that what the client has read is all there is.
type Unproven struct {
	AsOf time.Time // zero if it never was
	Why  string    // the node's reason; "" if it gave none
}

// String says it to a person.
func (s *Unproven) String() string {
	text := "the node has not proven that this is all there is"
	if !s.AsOf.IsZero() {
		text = fmt.Sprintf("as of %s: later than that, %s", s.AsOf.Local().Format("2006-01-02 15:04"), text)
	}
	if s.Why != "" {
		text += " (" + s.Why + ")"
	}
	return text
}

// Unproven tells whether anything that was read is not proven, as of the last minutes, to be all there is; nil if it all is.
func (c *Client) Unproven() *Unproven {
	c.mu.Lock()
	defer c.mu.Unlock()
	var oldest *Unproven
	for _, p := range c.proven {
		if p.stale(c.config.Now()) && (oldest == nil || p.asOf.Before(oldest.AsOf)) {
			oldest = &Unproven{p.asOf, p.why}
		}
	}
	return oldest
}

// Unproven is Client.Unproven of the book alone.
func (b *Book) Unproven() *Unproven {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	p, asked := b.c.proven[b.chain]
	if !asked || !p.stale(b.c.config.Now()) {
		return nil
	}
	return &Unproven{p.asOf, p.why}
}

// stale tells whether too long ago was proven where a chain ends, or in a time that has not come.
func (p *proven) stale(now time.Time) bool {
	age := now.Sub(p.asOf)
	return age > staleAfter+ledger.ClockSkew || age < -ledger.ClockSkew
}

// fresh demands that where a chain ends was proven lately.
func (c *Client) fresh(ctx context.Context, s *session, chain ledger.Chain) error {
	p, err := c.ends(ctx, s, chain)
	if err != nil || c.treeless() || !p.stale(c.config.Now()) {
		return err
	}
	err = fmt.Errorf("%w: %s: %v; others are given no keys on that: try again later, and ask its operator if it stays so",
		ErrUnproven, chain, &Unproven{p.asOf, p.why})
	return c.left.must(headFresh, err)
}

// freshForOthers is fresh before keys are given to others than the patient; where there are none, nothing is demanded.
func (b *Book) freshForOthers(ctx context.Context, s *session, terms []ledger.LiveTerm) error {
	for i := range terms {
		if !ended(&terms[i].Term, b.logTime()) {
			return b.c.fresh(ctx, s, b.chain)
		}
	}
	return nil
}
