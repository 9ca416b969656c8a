package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// maxRequests is how many requests one answer tells of, the newest.
const maxRequests = 64

// emergencies returns what the caller has to do with emergencies, as the fold has it now.
func (n *Node) emergencies(ctx context.Context, s *challenge.Session, q *protocol.EmergencyQuery) (*protocol.Emergencies, error) {
	if q.Patient != "" && n.fold.Closed(ledger.RecordChain(q.Patient, ledger.Access)) != nil {
		return new(protocol.Emergencies), nil
	}
	now := n.config.Now()
	answer := new(protocol.Emergencies)
	var found []concern
	var err error
	n.fold.View(func(state *ledger.State) {
		found = concerns(state, s.GID(), q.Patient, now)
		if q.Patient == "" {
			return
		}
		if err = addTerms(state, s.GID(), q, now, answer); err != nil {
			return
		}
		if len(found) > 0 || len(answer.Terms) > 0 || q.Patient == s.GID() {
			head, _ := state.Head(ledger.RecordChain(q.Patient, ledger.Access))
			answer.Number, answer.Hash = head.Number, head.Hash
		}
	})
	for i := 0; i < len(found) && err == nil && len(answer.Requests) < maxRequests; i++ {
		if n.fold.Closed(found[i].Chain()) == nil {
			err = n.addRequest(ctx, &found[i], answer)
		}
	}
	return answer, err
}

// concern is a request that somebody has a part in, or may have one.
type concern struct {
	*ledger.Breakglass
	set      *ledger.Entry // the policy in force, and the epoch, where they may approve it
	epoch    *ledger.Epoch
	approval ledger.Part
}

// concerns returns the requests that concern somebody, of one patient or of all, the newest first. Those who may approve or
// review are told of what waits for that.
func concerns(state *ledger.State, gid, patient identity.GID, now time.Time) []concern {
	var found []concern
	for b := range state.AllEmergencies() {
		if patient != "" && b.Patient() != patient {
			continue
		}
		own := slices.Contains([]identity.GID{b.Patient(), b.Requester(), b.Approver()}, gid) ||
			slices.ContainsFunc(b.Reviews, func(r *ledger.Entry) bool { return r.Author == gid })
		pending := b.Approved == nil && !b.Over(now)
		unreviewed := b.Opened != nil && b.Over(now) && len(b.Reviews) == 0
		may := (pending || unreviewed) && state.MayApprove(gid, b)
		if !own && !may {
			continue
		}
		c := concern{Breakglass: b}
		if f, ok := state.Compartment(b.Chain()); ok && pending && may && f.Epoch != nil {
			c.set, c.epoch = f.Set, f.Epoch
			c.approval, _ = f.Epoch.Part(ledger.ApprovalName(b.Term()))
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b concern) int {
		x, y := a.ID(), b.ID()
		return cmp.Or(b.Requested.LogTime.Compare(a.Requested.LogTime), slices.Compare(x[:], y[:]))
	})
	return found
}

// addRequest adds a request to an answer.
func (n *Node) addRequest(ctx context.Context, c *concern, answer *protocol.Emergencies) error {
	var r protocol.EmergencyRequest
	for _, e := range c.Entries() {
		encoded, err := e.Marshal()
		if err != nil {
			return err
		}
		r.Entries = append(r.Entries, encoded)
	}
	if !c.approval.Hash.IsZero() {
		var err error
		if r.Set, err = c.set.Marshal(); err != nil {
			return err
		}
		r.Epoch, r.KID = c.epoch.Number, c.epoch.KID
		r.Approval, err = n.server.Ledger().Part(ctx, ledger.PartSubject(c.Chain(), r.Epoch, c.approval.Name, c.approval.Hash))
		if err != nil && !errors.Is(err, stream.ErrNotFound) {
			return err
		}
	}
	answer.Requests = append(answer.Requests, r)
	return nil
}

// addTerms adds the terms by which somebody may ask to open the compartment that they name.
func addTerms(state *ledger.State, gid identity.GID, q *protocol.EmergencyQuery, now time.Time, answer *protocol.Emergencies) error {
	chain := ledger.RecordChain(q.Patient, q.Compartment)
	f, _ := state.Compartment(chain)
	for _, t := range state.EmergencyTerms(gid, chain, now) {
		set, err := f.Set.Marshal()
		if err != nil {
			return err
		}
		answer.Terms = append(answer.Terms, protocol.SharedTerm{Chain: chain.String(), Term: t.ID, Set: set})
	}
	return nil
}

// openEmergencies says of each request that two people have asked for and approved that the node gives out its share, once it
// has seen that it can. What was approved while the node was away comes first.
func (n *Node) openEmergencies(ctx context.Context) error {
	const approved = "phr.*.*.access.breakglass-approved"
	return n.server.Ledger().Follow(ctx, 1, []string{approved}, func(entries []stream.Entry, _ uint64) error {
		for _, raw := range entries {
			if err := n.fold.Wait(ctx, raw.Seq); err != nil {
				return err
			}
			if err := n.openEmergency(ctx, raw); err != nil {
				return err
			}
		}
		return nil
	})
}

// openEmergency looks at one approval until there is nothing more to do about it. One that does not count, or came to nothing
// meanwhile, is left alone.
func (n *Node) openEmergency(ctx context.Context, raw stream.Entry) error {
	e, err := ledger.ParseEntry(raw.Data)
	if err != nil {
		return nil // it counts for nobody
	}
	id, _ := ledger.RequestOf(e.Body)
	for {
		var b *ledger.Breakglass
		n.fold.View(func(s *ledger.State) { b, _ = s.Emergency(e.Chain.GID(), id) })
		if b == nil || b.Approved == nil || b.Approved.Hash != e.Hash || b.Opened != nil || b.Over(n.config.Now()) {
			return nil
		}
		err := n.sayOpened(ctx, b)
		var told *stream.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			n.config.Log.Warn("emergency_opened", "request", id.String())
			return nil
		}
		n.config.Log.Error("emergency_not_opened", "request", id.String(), "error", err)
		if !errors.As(err, &told) || told.Code != protocol.CodeBusy && told.Code != protocol.CodeConflict {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// sayOpened appends breakglass.opened, once the node has seen that it can open its share. If we were to crash before it, the next
// start would find the request approved and not opened.
func (n *Node) sayOpened(ctx context.Context, b *ledger.Breakglass) error {
	if _, err := n.gate.Release(ctx, b); err != nil {
		return err
	}
	_, err := n.ingest.Say(ctx, b.Requested.Chain, &ledger.BreakglassOpened{
		Request: b.ID(), Requester: b.Requester(), Approver: b.Approver(), Expires: b.Expires().UnixMilli(),
	})
	return err
}
