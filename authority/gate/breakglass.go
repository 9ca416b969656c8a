package gate

import (
	"context"
	"errors"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Release opens the node's share of what an approved emergency opens.
func (g *Gate) Release(ctx context.Context, b *ledger.Breakglass) (*epoch.Share, error) {
	fact, _ := g.facts.Compartment(b.Chain())
	of, ok := fact.At(b.Epoch())
	if !ok {
		return nil, errors.New("there is no such epoch")
	}
	part, ok := of.Part(ledger.ReleaseName(b.Term()))
	if !ok {
		return nil, errors.New("the epoch has no share for the node")
	}
	data, err := g.Ingest.Ledger.Part(ctx, ledger.PartSubject(b.Chain(), of.Number, part.Name, part.Hash))
	if err != nil {
		return nil, err
	}
	var share *epoch.Share
	g.Ingest.Fold.View(func(s *ledger.State) {
		share, err = s.OpenRelease(g.Ingest.Node, b.Chain(), of.Number, b.Term(), data)
	})
	return share, err
}

// addShares puts into a grant by an emergency term what opens its wrap: the approver's share as it stands in the log, and the
// node's own. It returns the epoch that was opened; 0 for other terms. The fold says who has opened what: without
// breakglass.opened nothing is released.
func (g *Gate) addShares(ctx context.Context, grant *challenge.Grant, o *ledger.SessionOpened, chain ledger.Chain) (uint32, error) {
	var b *ledger.Breakglass
	var emergency bool
	now := g.Now()
	g.Ingest.Fold.View(func(s *ledger.State) {
		if term, err := s.Live(chain, o.Term, now); err == nil {
			emergency = term.Emergency()
		}
		b = s.OpenEmergency(o.GID, chain, o.Term, now)
	})
	if !emergency {
		return 0, nil
	}
	if b == nil {
		return 0, refused
	}
	share, err := g.Release(ctx, b)
	if err != nil {
		return 0, err
	}
	approved, err := b.Approved.Marshal()
	if err != nil {
		return 0, err
	}
	grant.Shares = &protocol.Shares{Approved: approved, Released: share.Bytes()}
	return b.Epoch(), nil
}
