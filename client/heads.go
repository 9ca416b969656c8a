package client

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
)

// ErrLost is returned, wrapped, when a node shows less of a chain than was seen from this home before, or another history:
// it was set back to an older state, or hides or replaces events.
var ErrLost = errors.New("the node has lost or hides events")

func lost(chain ledger.Chain, shown, known uint64) error {
	return fmt.Errorf("%s goes to event %d on this node, and another event %d was seen before: %w; ask its operator, and write nothing there "+
		"until it is clear what happened; what was not sealed yet comes back from the homes of those who wrote it, when they use phr again", chain, shown, known, ErrLost)
}

// mark is where a chain was last seen to end, from this home and on an earlier run too. What the node shows must go through
// there.
type mark struct {
	home   *Home
	chain  ledger.Chain
	known  ledger.Head
	astray error         // what was shown is not the history that was seen before
	shown  []ledger.Hash // of all events that were passed, in their order

	rejected map[ledger.Hash]bool // entries that do not count
	sent     []sent               // what this home has sent to the chain, and is not known to be sealed
	met      []*sent              // of it, what turned out to be on the node's disk
	moved    []sent               // of it, what stands on the chain in another form
	waiting  []waitingFor         // what this home has not sent to it, for all it knows
}

func newMark(h *Home, chain ledger.Chain) (*mark, error) {
	known, err := h.head(chain)
	if err != nil {
		return nil, err
	}
	return &mark{home: h, chain: chain, known: known}, nil
}

// pass looks at the next entry of the chain, and where it stands in the log.
func (m *mark) pass(e *ledger.Entry, sequence uint64) {
	if e.Number == m.known.Number && e.Hash != m.known.Hash {
		m.astray = lost(m.chain, e.Number, m.known.Number)
	}
	m.shown = append(m.shown, e.Hash)
	m.meet(e, sequence)
}

// reach looks at where the chain ends, after every entry was passed, and keeps it.
func (m *mark) reach(head ledger.Head) error {
	if m.astray != nil {
		return m.astray
	}
	if head.Number < m.known.Number || head.Number == m.known.Number && head.Hash != m.known.Hash {
		return lost(m.chain, head.Number, m.known.Number)
	}
	if head.Number == m.known.Number {
		return nil
	}
	m.known = head
	return m.home.setHead(m.chain, head)
}

// knownHeads are the heads that a hello shows to the gate, which must not be behind them.
func (c *Client) knownHeads(chain ledger.Chain) ([]challenge.Head, error) {
	head, err := c.home.head(chain)
	if err != nil || head.Number == 0 {
		return nil, err
	}
	return []challenge.Head{{Chain: chain.String(), Number: head.Number, Hash: head.Hash}}, nil
}

// checkHeads compares the heads that come with a session with those seen before.
func (c *Client) checkHeads(shown []challenge.Head) error {
	for _, s := range shown {
		chain, err := ledger.ParseChain(s.Chain)
		if err != nil {
			return fmt.Errorf("the heads that come with the session: %w", err)
		}
		known, err := c.home.head(chain)
		if err != nil {
			return err
		}
		if s.Number < known.Number || s.Number == known.Number && s.Hash != known.Hash {
			// A program that has folded what is missing can't go back behind it: the next one of this home does.
			if ours, err := c.home.maySendAgain(chain, s.Number, known); err != nil || !ours || c.head(chain).Number > s.Number {
				return errors.Join(lost(chain, s.Number, known.Number), err)
			}
		}
	}
	return nil
}

// headRecord is a head as it is kept at home.
type headRecord struct {
	Chain  string      `cbor:"1,keyasint"`
	Number uint64      `cbor:"2,keyasint"`
	Hash   ledger.Hash `cbor:"3,keyasint"`
}

const headPrefix = "head-"

func headFile(chain ledger.Chain) string { return headPrefix + nameOf(chain) }

// head returns the newest head of a chain that was ever seen from this home; its number is 0 if none was.
func (h *Home) head(chain ledger.Chain) (ledger.Head, error) {
	contents, err := h.read(headFile(chain))
	if errors.Is(err, fs.ErrNotExist) {
		return ledger.Head{}, nil
	}
	var r headRecord
	if err == nil {
		err = canonical.Unmarshal(contents, &r)
	}
	if err == nil && r.Chain != chain.String() {
		err = errors.New("it is of another chain")
	}
	if err != nil {
		return ledger.Head{}, fmt.Errorf("reading where %s ended before: %w", chain, err)
	}
	return ledger.Head{Number: r.Number, Hash: r.Hash}, nil
}

// setHead keeps a head, unless another process has seen a newer one.
func (h *Home) setHead(chain ledger.Chain, head ledger.Head) error {
	if before, err := h.head(chain); err != nil || before.Number > head.Number {
		return err
	}
	return h.writeHead(chain, head)
}

func (h *Home) writeHead(chain ledger.Chain, head ledger.Head) error {
	contents, err := canonical.Marshal(headRecord{chain.String(), head.Number, head.Hash})
	if err != nil {
		return err
	}
	return h.write(headFile(chain), contents)
}
