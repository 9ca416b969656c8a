package node

import (
	"context"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

var errFounder = &stream.Error{Code: protocol.CodeRefused, Text: "only who speaks for an authority is told what rests on its attributes"}

// touched returns the live terms that name an attribute, to who founded its authority: enrolling themselves they would see as
// much.
func (n *Node) touched(ctx context.Context, s *challenge.Session, q *protocol.TouchedQuery) (*protocol.Touched, error) {
	a, err := policy.ParseAttribute(q.Attribute)
	if err != nil {
		return nil, &stream.Error{Code: protocol.CodeBad, Text: err.Error()}
	}
	if !n.speaksFor(s, a.Authority) {
		return nil, errFounder
	}
	now := n.config.Now()
	return n.dir.Touched(ctx, a, q.After, func(c ledger.Chain, id ledger.TermID) (since int64, live bool) {
		n.fold.View(func(state *ledger.State) {
			if _, err := state.Live(c, id, now); err != nil {
				return
			}
			live = true
			if why, at := state.Stale(c, now); why != "" {
				since = at.UnixMilli()
			}
		})
		return since, live
	})
}

func (n *Node) speaksFor(s *challenge.Session, name policy.Authority) (ok bool) {
	n.fold.View(func(state *ledger.State) {
		fact, known := state.Authority(name)
		ok = known && fact.Founder == s.GID()
	})
	return ok
}
