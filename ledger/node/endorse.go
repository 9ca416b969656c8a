package node

import (
	"context"
	"fmt"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// endorseAll endorses every registration that there is and that comes, in the registry's name. Names go to whoever comes
// first; nobody has compared a fingerprint.
func (n *Node) endorseAll(ctx context.Context) error {
	if n.keys.registry == nil {
		return fmt.Errorf("endorsing all authorities: %w", errOffline)
	}
	const registrations = "id.*.*.authority-registered"
	return n.server.Ledger().Follow(ctx, 1, []string{registrations}, func(entries []stream.Entry, _ uint64) error {
		for _, raw := range entries {
			if err := n.fold.Wait(ctx, raw.Seq); err != nil {
				return err
			}
			if err := n.endorse(ctx, raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// endorse endorses one registration, unless the name is given already. One that can't be endorsed is left alone.
func (n *Node) endorse(ctx context.Context, raw stream.Entry) error {
	e, err := ledger.ParseEntry(raw.Data)
	if err != nil {
		return nil // it counts for nobody
	}
	b, ok := e.Body.(*ledger.AuthorityRegistered)
	if !ok || n.given(e, b) {
		return nil
	}
	body, err := authority.Endorse(b.Name, authority.FingerprintOf(e.Hash), e)
	if err == nil {
		err = n.say(ctx, n.keys.registry, ledger.AuthorityChain(ledger.RegistryName), body)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		n.config.Log.Warn("not_endorsed", "authority", b.Name, "error", err)
	default:
		n.config.Log.Info("endorsed", "authority", b.Name, "founder", e.Author)
	}
	return nil
}

// given tells whether the log has decided about a name: it is somebody else's, or this key is known, if only as one suspended.
func (n *Node) given(e *ledger.Entry, b *ledger.AuthorityRegistered) (ok bool) {
	n.fold.View(func(s *ledger.State) {
		fact, known := s.Authority(b.Name)
		ok = known && (fact.Founder != e.Author || string(fact.Key.Bytes()) == string(b.Key))
	})
	return ok
}
