package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// expect looks up what this home has sent to the chain, before the chain is read.
func (m *mark) expect() error {
	box, err := m.home.outbox()
	if err != nil {
		return err
	}
	m.sent = slices.DeleteFunc(box.Sent, func(l sent) bool { return l.on(m.chain) == nil })
	m.waiting = slices.DeleteFunc(box.Waiting, func(w waitingFor) bool { return w.Chain != m.chain.String() })
	m.met, m.moved = nil, nil
	return nil
}

// meet looks whether an entry is the last one of something whose receipt never came, or that was signed anew and sent again by a
// program that then came to an end.
func (m *mark) meet(e *ledger.Entry, sequence uint64) {
	for i := range m.sent {
		l := &m.sent[i]
		s := l.on(m.chain)
		switch {
		case e.ID == s.ID && e.Hash != s.Head && !l.Records:
			m.moved = append(m.moved, *l)
		case e.Hash == s.Head && l.Receipt == nil:
			after := uint64(l.Count - 1 - s.At) // events of the submission on other chains
			l.Receipt = &protocol.Receipt{Committed: true, LogTime: e.LogTime.UnixMilli(), Control: e.Control, Sequence: sequence + after}
			m.met = append(m.met, l)
		}
	}
}

// missing returns what the node has acknowledged and does not show any more, in order. The chain has been read to its end.
func (m *mark) missing() []sent {
	var all []sent
	for _, l := range m.sent {
		s := l.on(m.chain)
		moved := slices.ContainsFunc(m.moved, func(other sent) bool { return other.ID == l.ID })
		if l.Receipt != nil && !moved && !m.shows(s.Last, s.Head) && !m.rejected[s.Head] {
			all = append(all, l)
		}
	}
	slices.SortStableFunc(all, func(a, b sent) int { return int(int64(a.on(m.chain).First) - int64(b.on(m.chain).First)) })
	return all
}

// shows tells whether an event stands on the chain. The one of number 0 and the zero hash is before every first one.
func (m *mark) shows(number uint64, hash ledger.Hash) bool {
	if number == 0 {
		return hash.IsZero()
	}
	return number <= uint64(len(m.shown)) && m.shown[number-1] == hash
}

// explains tells whether nothing but what was sent from here is missing of what was ever seen of the chain from here.
func (m *mark) explains(missing []sent) bool {
	number, hash := missing[0].on(m.chain).First-1, missing[0].on(m.chain).Prev
	if !m.shows(number, hash) {
		return false
	}
	seen := m.shows(m.known.Number, m.known.Hash)
	for _, l := range missing {
		s := l.on(m.chain)
		if s.First != number+1 || s.Prev != hash {
			return false
		}
		number, hash = s.Last, s.Head
		seen = seen || number == m.known.Number && hash == m.known.Hash
	}
	return seen
}

// maySendAgain tells whether what a chain lacks that ends at a number on the node may be what was sent from here. Whether it is all
// that it lacks shows when the chain is read.
func (h *Home) maySendAgain(chain ledger.Chain, shown uint64, known ledger.Head) (bool, error) {
	box, err := h.outbox()
	if err != nil {
		return false, err
	}
	begun, last := false, false
	for _, l := range box.Sent {
		if s := l.on(chain); s != nil && l.Receipt != nil {
			begun = begun || s.First <= shown+1
			last = last || s.Last == known.Number && s.Head == known.Hash
		}
	}
	return begun && last, nil
}

// back takes the mark back to where the chain ends now: what is missing of it is in the outbox.
func (m *mark) back() error {
	m.known, m.astray = m.end(), nil
	return m.home.writeHead(m.chain, m.known)
}

// end returns where the chain ends as it was shown.
func (m *mark) end() ledger.Head {
	n := len(m.shown)
	if n == 0 {
		return ledger.Head{}
	}
	return ledger.Head{Number: uint64(n), Hash: m.shown[n-1]}
}

// restore reads a chain, and sends again what this home has sent to it and the node has lost: the node was set back to an older
// state, say. It is never sent twice, since it goes where the chain as it was read ends, under the ids that it had.
//
// If more is missing than was sent from here, it fails with ErrLost.
func (c *Client) restore(ctx context.Context, chain ledger.Chain, read func() (*mark, error), again func(context.Context, *mark, *sent) error) error {
	m, err := read()
	if err != nil && !errors.Is(err, ErrLost) {
		return err
	}
	if len(m.missing()) == 0 {
		return err
	}
	release, failed := c.home.lock(ctx, "restore-"+nameOf(chain))
	if failed != nil {
		return errors.Join(err, failed)
	}
	defer release()
	var before ledger.SubmissionID
	for {
		m, err = read() // another program of this home may have been faster
		if err != nil && !errors.Is(err, ErrLost) {
			return err
		}
		missing := m.missing()
		switch {
		case len(missing) == 0:
			return err
		case missing[0].ID == before:
			return errors.New("the node took what it had lost, and does not show it")
		case err != nil && !m.explains(missing):
			return err
		case err != nil:
			if err := m.back(); err != nil {
				return err
			}
		}
		before = missing[0].ID
		c.config.Log.Warn("sent_again", "chain", chain.String(), "events", missing[0].Count)
		if err := again(ctx, m, &missing[0]); errors.Is(err, ErrNotShared) {
			return nil // who may no longer write may still read: it stays in the outbox
		} else if err != nil {
			return fmt.Errorf("sending again what the node has lost of %s: %w", chain, err)
		}
		c.mu.Lock()
		c.restored += int(missing[0].Count)
		c.mu.Unlock()
	}
}

// note keeps what reading a chain has told of what was sent to it, before where the chain ends is kept: whatever was seen of it and
// was sent from here can then be sent again.
func (c *Client) note(ctx context.Context, m *mark) error {
	if len(m.met) > 0 {
		if err := c.home.acknowledge(ctx, m.met...); err != nil {
			return err
		}
		for _, l := range m.met {
			c.accepted(l)
		}
	}
	return c.home.dropSent(ctx, m.moved...)
}

// resend sends a submission that the node has lost: as it was if its chain stands where it stood, else signed anew. What changes
// several chains at once goes as it was, or not at all.
func (c *Client) resend(ctx context.Context, s *session, m *mark, l *sent, session ledger.SessionID) error {
	p, err := c.home.posted(l)
	if err != nil {
		return err
	}
	line := l
	at, alone := l.on(m.chain), len(l.Spans) == 1
	if moved := at.First != m.end().Number+1 || at.Prev != m.end().Hash; alone && (moved || !session.IsZero()) {
		if line, p, err = c.anew(m, l, p, session); err != nil {
			return err
		}
	}
	receipt, err := c.post(ctx, s.conn, l.Subject, p)
	switch code := codeOf(err); {
	case code == protocol.CodeInvalid, code == protocol.CodeStale, code == protocol.CodeBad, code == protocol.CodeConflict && !alone:
		return c.giveUp(ctx, l, err)
	case err != nil:
		return err
	}
	line.Receipt = receipt
	if err := c.home.keepSent(ctx, line, p); err != nil {
		return err
	}
	c.accepted(line)
	return nil
}

// anew signs the events of a submission for the place after the end of its chain, under the ids that they have.
func (c *Client) anew(m *mark, l *sent, p *posted, session ledger.SessionID) (*sent, *posted, error) {
	events, err := p.parse()
	if err != nil {
		return nil, nil, err
	}
	if err := c.place(events, m.end(), session); err != nil {
		return nil, nil, err
	}
	line, signed, err := newSent(l.Subject, c.config.Now(), events, p.Parts)
	if err != nil {
		return nil, nil, err
	}
	line.ID, line.Records = l.ID, l.Records
	return line, signed, nil
}

// errGone means that something the node had acknowledged is lost.
var errGone = errors.New("what the node had acknowledged is lost, and can not be sent again")

// giveUp drops a submission that is lost for good, and says so once: it has to be made again.
func (c *Client) giveUp(ctx context.Context, l *sent, why error) error {
	p, err := c.home.posted(l)
	if err != nil {
		return errors.Join(why, err)
	}
	events, err := p.parse()
	if err != nil {
		return errors.Join(why, err)
	}
	if err := c.home.dropSent(ctx, *l); err != nil {
		return errors.Join(why, err)
	}
	return fmt.Errorf("%w: %s of %s: look what it was about, and do it again: %w", errGone, events[0].Kind(), events[0].Time.Local().Format("2006-01-02 15:04"), why)
}
