package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// ErrNotOpened is returned, wrapped, for a request that ended or lapsed before it was opened.
var ErrNotOpened = errors.New("not opened")

// Emergency is a request to open a compartment in an emergency, with what came of it, from the signed words of those who have a
// part in it.
type Emergency struct {
	*ledger.Breakglass

	offer *protocol.EmergencyRequest // what it takes to approve it, for who may
}

// Waits tells whether it waits for the caller's approval.
func (e *Emergency) Waits() bool { return e.offer != nil && len(e.offer.Approval) > 0 }

// Emergencies returns the emergencies on a patient's record that the caller has a part in, or may have one; with no patient,
// those on everybody's. Patients learn of all on their own.
func (c *Client) Emergencies(ctx context.Context, patient identity.GID) (all []Emergency, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) error {
		answer, err := c.askEmergencies(ctx, s, protocol.EmergencyQuery{Patient: patient})
		if err == nil {
			all, err = c.readEmergencies(ctx, patient, answer)
		}
		return err
	})
	return all, err
}

// EmergencyTerms returns the terms by which the caller may ask to open a compartment in an emergency.
func (c *Client) EmergencyTerms(ctx context.Context, patient identity.GID, name ledger.Compartment) (all []Shared, err error) {
	err = c.attempt(ctx, loginKey, func(s *session) error {
		answer, err := c.askEmergencies(ctx, s, protocol.EmergencyQuery{Patient: patient, Compartment: name})
		if err != nil {
			return err
		}
		all = nil
		for _, offered := range answer.Terms {
			t, err := c.checkEmergencyTerm(ctx, offered, ledger.RecordChain(patient, name))
			if err != nil {
				return err
			}
			all = append(all, *t)
		}
		return nil
	})
	return all, err
}

// checkEmergencyTerm is checkShared for an emergency term of a compartment.
func (c *Client) checkEmergencyTerm(ctx context.Context, offered protocol.SharedTerm, chain ledger.Chain) (*Shared, error) {
	t, err := c.checkShared(ctx, offered)
	if err == nil && (t.Chain != chain || !t.Term.Emergency()) {
		err = errors.New("the node shows another term than was asked for")
	}
	return t, err
}

func (c *Client) askEmergencies(ctx context.Context, s *session, q protocol.EmergencyQuery) (*protocol.Emergencies, error) {
	answer, err := ask[protocol.Emergencies](ctx, s.conn, protocol.DirBreakglass, q)
	if err != nil {
		return nil, fmt.Errorf("asking for emergencies: %w", err)
	}
	return answer, nil
}

func (c *Client) readEmergencies(ctx context.Context, patient identity.GID, answer *protocol.Emergencies) ([]Emergency, error) {
	var all []Emergency
	for i := range answer.Requests {
		r := &answer.Requests[i]
		e, err := c.readEmergency(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("what the node says of an emergency: %w", err)
		}
		if patient == "" || e.Patient() == patient {
			all = append(all, *e)
		}
	}
	return all, nil
}

// readEmergency puts together a request, once everything in it is shown to be said by who it says.
func (c *Client) readEmergency(ctx context.Context, r *protocol.EmergencyRequest) (*Emergency, error) {
	var entries []*ledger.Entry
	for _, encoded := range r.Entries {
		e, err := ledger.ParseEntry(encoded)
		if err != nil {
			return nil, err
		}
		if e.Chain != ledger.RecordChain(e.Chain.GID(), ledger.Access) || !byPeople(e) && !c.isNode(e) {
			return nil, fmt.Errorf("%s is by %s, who has nothing to say there", e.Kind(), e.Author)
		}
		if err := c.verify(ctx, e); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	found := ledger.Emergencies(entries)
	if len(found) != 1 || len(found[0].Entries()) != len(entries) {
		return nil, errors.New("not one request with what was said of it")
	}
	b := found[0]
	if b.Opened != nil && (b.Approved == nil || b.Approver() == b.Requester()) {
		return nil, errors.New("opened without a second person")
	}
	e := &Emergency{Breakglass: b}
	if len(r.Approval) > 0 {
		e.offer = r
	}
	return e, nil
}

// EmergencyRequest says what the caller wants to open, and why.
type EmergencyRequest struct {
	Patient     identity.GID
	Compartment ledger.Compartment
	Reason      string        // at least ledger.MinReason characters; everybody who keeps or audits the log can read it
	For         time.Duration // at most ledger.MaxEmergency; 0 is as long as may be
}

// RequestEmergency asks to open a compartment in an emergency. The patient is told at once. A request of the caller's for the
// same that is not over is returned instead.
func (c *Client) RequestEmergency(ctx context.Context, r EmergencyRequest) (*Emergency, error) {
	if utf8.RuneCountInString(strings.TrimSpace(r.Reason)) < ledger.MinReason {
		return nil, fmt.Errorf("say in at least %d characters why: the patient reads it, and so do those who review", ledger.MinReason)
	}
	var found *Emergency
	err := c.inEmergency(ctx, protocol.EmergencyQuery{Patient: r.Patient, Compartment: r.Compartment},
		func(answer *protocol.Emergencies, all []Emergency) (ledger.Body, error) {
			now := c.config.Now()
			for i := range all {
				e := &all[i]
				if e.Requester() == c.GID() && e.Chain().Compartment == r.Compartment && !e.Over(now) {
					found = e
					return nil, nil
				}
			}
			if len(answer.Terms) == 0 {
				return nil, fmt.Errorf("%s of %s does not open to you in an emergency: see 'phr keys': %w", r.Compartment, r.Patient, ErrNotShared)
			}
			shared, err := c.checkEmergencyTerm(ctx, answer.Terms[0], ledger.RecordChain(r.Patient, r.Compartment))
			if err != nil {
				return nil, err
			}
			return &ledger.BreakglassRequested{
				Compartment: r.Compartment, Term: shared.Term.ID, Reason: strings.TrimSpace(r.Reason),
				Expires: now.Add(cmp.Or(r.For, emergencyTime)).UnixMilli(),
			}, nil
		})
	if err != nil {
		return nil, fmt.Errorf("asking to break the glass: %w", err)
	}
	return found, nil
}

// inEmergency says something on a patient's access chain, about which decide is asked at each try, with the facts as they are
// then: nil means that there is nothing left to say.
func (c *Client) inEmergency(
	ctx context.Context, q protocol.EmergencyQuery, decide func(*protocol.Emergencies, []Emergency) (ledger.Body, error),
) error {
	access := ledger.RecordChain(q.Patient, ledger.Access)
	said := false
	return c.attempt(ctx, loginKey, func(s *session) error {
		for {
			answer, err := c.askEmergencies(ctx, s, q)
			if err != nil {
				return err
			}
			all, err := c.readEmergencies(ctx, q.Patient, answer)
			if err != nil {
				return err
			}
			body, err := decide(answer, all)
			if err != nil || body == nil {
				return err
			}
			if said {
				return errors.New("the node took it, and does not show it")
			}
			events, err := c.extend(access, ledger.Head{Number: answer.Number, Hash: answer.Hash}, ledger.SessionID{}, []ledger.Body{body})
			if err != nil {
				return err
			}
			if err := c.submit(ctx, s.conn, protocol.Breakglass, events, nil); err != nil {
				return err
			}
			said = true // and what is decided next is that it stands there
		}
	})
}

// find returns a request among those that a patient's record has.
func find(all []Emergency, patient identity.GID, id ledger.EventID) (*Emergency, error) {
	for i := range all {
		if all[i].ID() == id {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("no emergency %s on the record of %s concerns you: see 'phr breakglass list'", id, patient)
}

// ApproveEmergency gives the caller's consent to a request: the share of the key that the caller's attributes open goes to the
// requester, sealed to them and for this request alone.
func (c *Client) ApproveEmergency(ctx context.Context, patient identity.GID, id ledger.EventID) (*Emergency, error) {
	var found *Emergency
	err := c.inEmergency(ctx, protocol.EmergencyQuery{Patient: patient}, func(_ *protocol.Emergencies, all []Emergency) (ledger.Body, error) {
		e, err := find(all, patient, id)
		if err != nil {
			return nil, err
		}
		switch found = e; {
		case e.Approver() == c.GID():
			return nil, nil
		case e.Approved != nil:
			return nil, errors.New("somebody else has approved it already")
		case e.Requester() == c.GID():
			return nil, errors.New("you have asked for it yourself: it takes a second person")
		case e.Over(c.config.Now()):
			return nil, errors.New("the request is over")
		case !e.Waits():
			return nil, errors.New("it does not wait for your approval: see 'phr keys'")
		}
		return c.approval(ctx, e)
	})
	if err != nil {
		return nil, fmt.Errorf("approving: %w", err)
	}
	return found, nil
}

// approval opens the caller's share of a request, which the patient's own policy must offer to such approvers, and passes it on.
func (c *Client) approval(ctx context.Context, e *Emergency) (*ledger.BreakglassApproved, error) {
	shared, err := c.checkShared(ctx, protocol.SharedTerm{Chain: e.Chain().String(), Term: e.Term(), Set: e.offer.Set})
	if err != nil {
		return nil, err
	}
	share, err := c.openApproval(ctx, e, shared.Term.Approval)
	if err != nil {
		return nil, err
	}
	requester, err := c.Person(ctx, e.Requester())
	if err != nil {
		return nil, err
	}
	context, err := ledger.ShareContext(e.Requested.Chain, e.ID(), e.Requester(), c.GID(), e.offer.Epoch, e.Term())
	if err != nil {
		return nil, err
	}
	sealed, err := epoch.PassShare(requester, context, share)
	if err != nil {
		return nil, err
	}
	return &ledger.BreakglassApproved{Request: e.ID(), Share: sealed, Epoch: e.offer.Epoch}, nil
}

func (c *Client) openApproval(ctx context.Context, e *Emergency, approvers string) (*epoch.Share, error) {
	w, err := ledger.ParseWrap(e.offer.Approval)
	if err != nil {
		return nil, err
	}
	h, err := abe.ParseHeader(w.Ciphertext)
	if err != nil {
		return nil, err
	}
	want, err := policy.Parse(approvers)
	if err != nil || h.Policy.String() != want.String() || h.Label != abe.Approval {
		return nil, errors.New("the share is not sealed to those whom the patient lets approve")
	}
	context, err := ledger.WrapContext(e.Chain(), e.offer.Epoch, e.offer.KID, e.Term())
	if err != nil {
		return nil, err
	}
	key, err := c.decapsulate(ctx, h, abe.Approval, context, w.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("opening your share: %w", err)
	}
	at := epoch.Place{Patient: string(e.Patient()), Compartment: string(e.Chain().Compartment), Epoch: e.offer.Epoch}
	return epoch.OpenApproval(key, at, e.offer.KID, e.Term().String(), w.Sealed)
}
