package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// startFirst makes the compartment and its first epoch.
func (b *Book) startFirst(ctx context.Context, s *session, class ledger.Class) error {
	r := &rotation{b: b}
	if err := r.start(ctx, 1, nil, nil, "first epoch"); err != nil {
		return err
	}
	return b.append(ctx, s, nil, []ledger.Body{&ledger.CompartmentCreated{Class: class}, r.started}, r.parts)
}

// startEpoch starts the next epoch, for the terms in force. Whoever else starts one at the same time may win: the keys drawn
// here are then forgotten.
func (b *Book) startEpoch(ctx context.Context, s *session, reason string) error {
	f, _ := b.fact()
	if err := b.freshForOthers(ctx, s, f.Terms); err != nil {
		return err
	}
	return b.rotateTo(ctx, s, f.Terms, reason, b.awake)
}

// shutOut starts the next epoch to keep somebody out who had the keys of this one. It is not held up by what the node can't prove, nor by
// an authority that sleeps: the terms that it wraps for let their holders in all the same.
func (b *Book) shutOut(ctx context.Context, s *session, reason string) error {
	f, _ := b.fact()
	return b.rotateTo(ctx, s, f.Terms, reason, func([]ledger.LiveTerm) error { return nil })
}

// rotateTo starts the next epoch for terms, once allow has nothing against them as they were resolved.
func (b *Book) rotateTo(ctx context.Context, s *session, terms []ledger.LiveTerm, reason string, allow func([]ledger.LiveTerm) error) error {
	r, err := b.rotation(ctx, s, terms, reason)
	if err == nil {
		err = allow(terms)
	}
	if err != nil {
		return err
	}
	return b.append(ctx, s, nil, append(r.before, r.started), r.parts)
}

// StartEpoch has the compartment go on in a new epoch, for those who are let in now, and returns its number. That repairs
// what is broken in the current one. Only the patient and those who may write can. The reason stands on the log in clear.
func (b *Book) StartEpoch(ctx context.Context, reason string) (number uint32, err error) {
	var from uint32
	err = b.do(ctx, b.writeKey(), func(s *session) error {
		f, err := b.existing()
		if err != nil {
			return err
		}
		if from == 0 {
			from = f.Epoch.Number
		}
		if f.Epoch.Number == from {
			if err := b.startEpoch(ctx, s, reason); err != nil {
				return err
			}
		} // else a try before counts after all, or somebody else was faster
		f, err = b.existing()
		number = f.Epoch.Number
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("starting an epoch of %s: %w", b.chain.Compartment, err)
	}
	return number, nil
}

// rotation is an epoch about to be started.
type rotation struct {
	b       *Book
	before  []ledger.Body // what is to be said of the epoch that ends
	started *ledger.EpochStarted
	parts   []protocol.PartData
}

// rotation makes the epoch after the current one, for terms. What is wrong with the epochs there are is disputed or made good
// with it, as far as the caller can.
func (b *Book) rotation(ctx context.Context, s *session, terms []ledger.LiveTerm, reason string) (*rotation, error) {
	r := &rotation{b: b}
	f, _ := b.fact()
	if f.Epoch == nil {
		return r, r.start(ctx, 1, terms, nil, reason)
	}
	o, err := b.opening(s)
	if err != nil {
		return nil, err
	}
	if r.before, r.parts, _, err = o.care(ctx); err != nil {
		return nil, err
	}
	ending, err := o.secrets(ctx, f.Epoch.Number)
	if err != nil && !errors.Is(err, errSealed) { // without its keys the link stays pending
		return nil, err
	}
	return r, r.start(ctx, f.Epoch.Number+1, terms, ending, reason)
}

// start draws the keys of an epoch and wraps them for the patient and for every term.
func (r *rotation) start(ctx context.Context, number uint32, terms []ledger.LiveTerm, previous *epoch.Keys, reason string) error {
	keys, err := epoch.Generate(rand.Reader)
	if err != nil {
		return err
	}
	r.started = &ledger.EpochStarted{Epoch: number, KID: keys.KID(), HID: keys.HID(), Reason: reason}
	patient, err := r.b.c.Person(ctx, r.b.chain.GID())
	if err != nil {
		return fmt.Errorf("starting an epoch: %w", err)
	}
	if err := r.seal(number, keys, patient, previous); err != nil {
		return fmt.Errorf("starting an epoch: %w", err)
	}
	wrapped, err := r.b.wrapAll(ctx, number, keys, terms)
	if err != nil {
		return fmt.Errorf("starting an epoch: %w", err)
	}
	for _, p := range slices.Concat(wrapped...) {
		r.add(p.Part, p.data)
	}
	return nil
}

// wrapAll gives an epoch's keys to those who satisfy any of the terms that have not ended: several at once, since that is what
// takes longest.
func (b *Book) wrapAll(ctx context.Context, number uint32, keys *epoch.Keys, terms []ledger.LiveTerm) ([][]sealedPart, error) {
	all := make([][]sealedPart, len(terms))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, t := range terms {
		if ended(&t.Term, b.logTime()) {
			continue
		}
		g.Go(func() (err error) {
			all[i], err = b.wraps(ctx, number, keys, &t)
			if errors.Is(err, errSuspended) {
				return nil // what it vouches for must not keep others from writing
			}
			if err != nil {
				return fmt.Errorf("wrapping for term %s: %w", t.ID, err)
			}
			return nil
		})
	}
	return all, g.Wait()
}

// seal adds the parts that every epoch has.
func (r *rotation) seal(number uint32, keys *epoch.Keys, patient *identity.Keys, previous *epoch.Keys) error {
	at := r.b.place(number)
	owner, err := epoch.SealOwner(patient, at, keys)
	if err != nil {
		return err
	}
	r.add(ledger.Part{Name: ledger.PartOwner}, owner)
	shred, err := epoch.NewShred(rand.Reader)
	if err != nil {
		return err
	}
	sealed, err := epoch.SealShred(rand.Reader, at, keys, shred)
	if err != nil {
		return err
	}
	r.add(ledger.Part{Name: ledger.PartShred}, sealed)
	if previous == nil || !previous.HasHistory() {
		return nil
	}
	link, err := epoch.SealLink(rand.Reader, at, keys, previous)
	if err != nil {
		return err
	}
	r.add(ledger.Part{Name: ledger.PartLink}, link)
	return nil
}

func (r *rotation) add(p ledger.Part, data []byte) {
	p.Hash = sha256.Sum256(data)
	r.started.Parts = append(r.started.Parts, p)
	r.parts = append(r.parts, r.b.partData(r.started.Epoch, p.Name, data))
}

func (b *Book) partData(number uint32, name string, data []byte) protocol.PartData {
	return protocol.PartData{Chain: b.chain.String(), Epoch: number, Name: name, Data: data}
}

// errSuspended means that a term rests on an authority that is not in force.
var errSuspended = errors.New("an authority is not in force")

// sealedPart is a part as the log names it, with its bytes.
type sealedPart struct {
	ledger.Part
	data []byte
}

// wraps gives an epoch's keys to those who satisfy a term, resolved as of now.
func (b *Book) wraps(ctx context.Context, number uint32, keys *epoch.Keys, t *ledger.LiveTerm) ([]sealedPart, error) {
	if t.Emergency() {
		return b.emergencyWraps(ctx, number, keys, t)
	}
	key, sealed, err := b.encapsulate(ctx, number, keys, t.ID, ledger.WrapName(t.ID), t.Policy)
	if err != nil {
		return nil, err
	}
	wrapped, err := epoch.SealWrap(rand.Reader, key, b.place(number), t.ID.String(), keys, t.History)
	if err != nil {
		return nil, err
	}
	if err := sealed.finish(wrapped); err != nil {
		return nil, err
	}
	return []sealedPart{*sealed}, nil
}

// encapsulate begins a part for those who satisfy a policy, and returns the key that its contents are sealed under.
func (b *Book) encapsulate(
	ctx context.Context, number uint32, keys *epoch.Keys, term ledger.TermID, name string, p *policy.Policy,
) (key [32]byte, begun *sealedPart, err error) {
	x, err := b.c.expression(ctx, p)
	if err != nil {
		return key, nil, err
	}
	context, err := ledger.WrapContext(b.chain, number, keys.KID(), term)
	if err != nil {
		return key, nil, err
	}
	label := abe.Wrap
	if name == ledger.ApprovalName(term) {
		label = abe.Approval
	}
	key, ciphertext, err := x.Encapsulate(rand.Reader, label, context)
	if err != nil {
		return key, nil, err
	}
	begun = &sealedPart{ledger.Part{Name: name, Term: term, Expression: p.String(), Versions: x.Versions()}, ciphertext}
	for _, h := range x.KeyHashes() {
		begun.Keys = append(begun.Keys, h)
	}
	return key, begun, nil
}

// finish puts what was sealed beside the encapsulation that a part began with.
func (p *sealedPart) finish(sealed []byte) (err error) {
	p.data, err = (&ledger.Wrap{Ciphertext: p.data, Sealed: sealed}).Marshal()
	return err
}

// expression resolves a policy as of now.
func (c *Client) expression(ctx context.Context, p *policy.Policy) (*abe.Expression, error) {
	if err := c.learnPolicy(ctx, p); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.state.AuthorityKeys(p); err != nil {
		return nil, fmt.Errorf("%w: %w", errSuspended, err)
	}
	for _, a := range p.Attributes() {
		if _, ok := c.state.Version(a); !ok {
			return nil, fmt.Errorf("%s is not defined by its authority: ask there which attributes it has", a)
		}
	}
	return c.state.Expression(p)
}
