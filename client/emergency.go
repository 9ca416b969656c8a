package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// AllowEmergency lets one who satisfies open read the compartment, which must be the caller's own, in an emergency: once another,
// who satisfies approve, has agreed. Both are policies over attributes of hospitals.
func (b *Book) AllowEmergency(ctx context.Context, open, approve string) (*Granted, error) {
	if !b.own() {
		return nil, errors.New("only the patient lets others in, in an emergency too")
	}
	term, err := b.emergencyTerm(open, approve)
	if err != nil {
		return nil, err
	}
	var there *ledger.Term
	err = b.do(ctx, loginKey, func(s *session) error {
		f, err := b.existing()
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(f.Terms, func(t ledger.LiveTerm) bool {
			return t.ID == term.ID || t.Expression == term.Expression && t.Approval == term.Approval
		}); i >= 0 {
			there = &f.Terms[i].Term // by a try before, or ever since
			return nil
		}
		return (&Change{b: b, after: term}).submit(ctx, s, &f)
	})
	if err != nil {
		return nil, fmt.Errorf("allowing emergencies: %w", err)
	}
	if there != nil {
		return &Granted{Term: *there}, nil
	}
	return &Granted{Term: term.Term}, nil
}

func (b *Book) emergencyTerm(open, approve string) (*ledger.LiveTerm, error) {
	id, err := ledger.NewTermID(rand.Reader, b.c.config.Now())
	if err != nil {
		return nil, err
	}
	term := &ledger.LiveTerm{Term: ledger.Term{ID: id, History: true}}
	if term.Policy, err = policy.Parse(open); err != nil {
		return nil, fmt.Errorf("who may open it: %w", err)
	}
	if term.Approvers, err = policy.Parse(approve); err != nil {
		return nil, fmt.Errorf("who must approve: %w", err)
	}
	term.Expression, term.Approval = term.Policy.String(), term.Approvers.String()
	return term, nil
}

// DenyEmergencies takes back that anybody may open the compartment in an emergency, and returns how many terms said so.
func (b *Book) DenyEmergencies(ctx context.Context) (int, error) {
	f, err := b.Fact(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, t := range f.Terms {
		if t.Emergency() {
			if err := b.Revoke(ctx, t.ID); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

// emergencyWraps seals an epoch's keys under three shares, and each share to who has it: the requester's is the key that is
// encapsulated to the term's expression.
func (b *Book) emergencyWraps(ctx context.Context, number uint32, keys *epoch.Keys, t *ledger.LiveTerm) ([]sealedPart, error) {
	at, term, kid := b.place(number), t.ID.String(), keys.KID()
	own, wrap, err := b.encapsulate(ctx, number, keys, t.ID, ledger.WrapName(t.ID), t.Policy)
	if err != nil {
		return nil, err
	}
	under, approval, err := b.encapsulate(ctx, number, keys, t.ID, ledger.ApprovalName(t.ID), t.Approvers)
	if err != nil {
		return nil, err
	}
	approvers, err := epoch.DrawShare(rand.Reader)
	if err != nil {
		return nil, err
	}
	nodes, err := epoch.DrawShare(rand.Reader)
	if err != nil {
		return nil, err
	}
	key, err := epoch.EmergencyKey(epoch.ShareOf(own), approvers, nodes)
	if err != nil {
		return nil, err
	}
	sealed, err := epoch.SealWrap(rand.Reader, key, at, term, keys, true)
	if err != nil {
		return nil, err
	}
	kept, err := epoch.SealApproval(rand.Reader, under, at, kid, term, approvers)
	if err != nil {
		return nil, err
	}
	release, err := b.release(ctx, at, kid, t.ID, nodes)
	if err != nil {
		return nil, err
	}
	return []sealedPart{*wrap, *approval, *release}, errors.Join(wrap.finish(sealed), approval.finish(kept))
}

// release seals the nodes' share to each node that the root has described.
func (b *Book) release(ctx context.Context, at epoch.Place, kid [32]byte, term ledger.TermID, share *epoch.Share) (*sealedPart, error) {
	b.c.mu.Lock()
	nodes := b.c.state.Nodes()
	b.c.mu.Unlock()
	var r ledger.Release
	for _, gid := range nodes {
		node, err := b.c.Person(ctx, gid)
		if err != nil {
			return nil, fmt.Errorf("the keys of a node: %w", err)
		}
		sealed, err := epoch.SealRelease(node, at, kid, term.String(), share)
		if err != nil {
			return nil, err
		}
		r.Nodes = append(r.Nodes, ledger.Released{Node: gid, Sealed: sealed})
	}
	data, err := r.Marshal()
	return &sealedPart{ledger.Part{Name: ledger.ReleaseName(term), Term: term}, data}, err
}

// emergencyKey makes the key of an emergency term's wrap of the caller's share and of those that came with the session.
func (o *opening) emergencyKey(fact *ledger.Epoch, own [32]byte) (key [32]byte, err error) {
	shares := o.s.grant.Shares
	if shares == nil {
		return key, fmt.Errorf("%w: the node has not released its share", errSealed)
	}
	e, err := ledger.ParseEntry(shares.Approved)
	if err != nil {
		return key, fmt.Errorf("the approval that comes with the session: %w", err)
	}
	body, ok := e.Body.(*ledger.BreakglassApproved)
	if !ok {
		return key, errors.New("the approval that comes with the session is none")
	}
	if body.Epoch != fact.Number {
		return key, fmt.Errorf("%w: epoch %d was opened in the emergency, and this is %d", errSealed, body.Epoch, fact.Number)
	}
	person := o.b.c.home.Keys()
	context, err := ledger.ShareContext(e.Chain, body.Request, o.b.c.GID(), e.Author, body.Epoch, o.s.term.ID)
	if err != nil {
		return key, err
	}
	approver, err := epoch.ReceiveShare(person, context, body.Share)
	if err != nil {
		return key, fmt.Errorf("%w: the approver's share does not open", errSealed)
	}
	node, err := epoch.ParseShare(shares.Released)
	if err != nil {
		return key, fmt.Errorf("%w: the node's share: %w", errSealed, err)
	}
	return epoch.EmergencyKey(epoch.ShareOf(own), approver, node)
}

// emergencyTime is how long is asked for where nothing else is said: what may be, less what clocks may differ by.
const emergencyTime = ledger.MaxEmergency - 2*ledger.ClockSkew - time.Minute
