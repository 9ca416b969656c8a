package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// epochKeys is an opened epoch.
type epochKeys struct {
	keys  *epoch.Keys
	shred *epoch.Shred
}

// errSealed means that the caller has no way into an epoch: it was over before their grant, or they lost it.
var errSealed = errors.New("sealed: not shared with you, or from before it was")

// epochKeys opens an epoch: by the owner part, by the wrap of the caller's term, or through links from a newer one.
func (b *Book) epochKeys(ctx context.Context, number uint32) (*epochKeys, error) {
	if k, ok := b.keys[number]; ok {
		return k, nil
	}
	f, ok := b.fact()
	if !ok {
		return nil, fmt.Errorf("there is no compartment %q", b.chain.Compartment)
	}
	fact, ok := f.At(number)
	if !ok {
		return nil, fmt.Errorf("%w: there is no epoch %d", errSealed, number)
	}
	parts, err := b.parts(ctx, fact)
	if err != nil {
		return nil, err
	}
	keys, err := b.unlock(ctx, &f, fact, parts)
	if err != nil {
		return nil, err
	}
	shred, err := epoch.OpenShred(keys, b.place(number), fact.Erased, parts[ledger.PartShred])
	if err != nil {
		return nil, fmt.Errorf("%w: the key state of epoch %d", errSealed, number)
	}
	b.keys[number] = &epochKeys{keys, shred}
	return b.keys[number], nil
}

func (b *Book) place(number uint32) epoch.Place {
	return epoch.Place{Patient: string(b.chain.GID()), Compartment: string(b.chain.Compartment), Epoch: number}
}

// unlock finds the keys of an epoch.
func (b *Book) unlock(ctx context.Context, f *ledger.CompartmentFact, fact *ledger.Epoch, parts map[string][]byte) (*epoch.Keys, error) {
	if b.chain.GID() == b.c.GID() {
		keys, err := epoch.OpenOwner(b.c.home.Identity(), b.place(fact.Number), fact.KID, fact.HID, parts[ledger.PartOwner])
		if err != nil {
			return nil, fmt.Errorf("%w: the owner part of epoch %d", errSealed, fact.Number)
		}
		return keys, nil
	}
	if f.Epoch.Number > fact.Number {
		keys, err := b.unlockByLink(ctx, f, fact)
		if err == nil || !errors.Is(err, errSealed) {
			return keys, err
		}
	}
	for _, p := range fact.Parts {
		data, there := parts[p.Name]
		if p.Term.IsZero() || !there {
			continue
		}
		keys, err := b.unlockByWrap(ctx, fact, &p, data)
		if err == nil || !errors.Is(err, errSealed) {
			return keys, err
		}
	}
	return nil, fmt.Errorf("%w: epoch %d", errSealed, fact.Number)
}

// unlockByLink opens the epoch after it, and with that one's history key the link back.
func (b *Book) unlockByLink(ctx context.Context, f *ledger.CompartmentFact, fact *ledger.Epoch) (*epoch.Keys, error) {
	newer, err := b.epochKeys(ctx, fact.Number+1)
	if err != nil {
		return nil, err
	}
	after, _ := f.At(fact.Number + 1)
	parts, err := b.parts(ctx, after)
	if err != nil {
		return nil, err
	}
	keys, err := epoch.OpenLink(newer.keys, b.place(after.Number), fact.KID, fact.HID, parts[ledger.PartLink])
	if err != nil {
		return nil, fmt.Errorf("%w: no link to epoch %d", errSealed, fact.Number)
	}
	return keys, nil
}

func (b *Book) unlockByWrap(ctx context.Context, fact *ledger.Epoch, p *ledger.Part, data []byte) (*epoch.Keys, error) {
	w, err := ledger.ParseWrap(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealed, err)
	}
	h, err := abe.ParseHeader(w.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealed, err)
	}
	x, err := b.c.resolve(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSealed, err)
	}
	context, err := ledger.WrapContext(b.chain, fact.Number, fact.KID, p.Term)
	if err != nil {
		return nil, err
	}
	key, err := x.Decapsulate(b.c.home.AttributeKeys(), abe.Wrap, context, w.Ciphertext)
	if err != nil {
		return nil, fmt.Errorf("%w: term %s", errSealed, p.Term)
	}
	keys, err := epoch.OpenWrap(key, b.place(fact.Number), fact.KID, fact.HID, p.Term.String(), w.Sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: the wrap of term %s does not hold the keys of epoch %d", errSealed, p.Term, fact.Number)
	}
	return keys, nil
}

// parts fetches what may open an epoch for the caller. A part whose bytes are not those the log names is left out.
func (b *Book) parts(ctx context.Context, fact *ledger.Epoch) (map[string][]byte, error) {
	s, err := b.anySession(ctx)
	if err != nil {
		return nil, err
	}
	query := protocol.PartsQuery{Epoch: fact.Number, Names: []string{ledger.PartShred, ledger.PartLink}}
	if b.chain.GID() == b.c.GID() {
		query.Names = append(query.Names, ledger.PartOwner)
	} else {
		query.Names = append(query.Names, ledger.WrapName(s.request.Targets[0].Term))
	}
	answer, err := ask[protocol.Parts](ctx, s.conn, protocol.KeyParts(b.chain), query)
	if err != nil {
		return nil, fmt.Errorf("fetching the parts of epoch %d: %w", fact.Number, err)
	}
	found := make(map[string][]byte, len(answer.Parts))
	for _, p := range answer.Parts {
		if named, ok := fact.Part(p.Name); ok && named.Hash == sha256.Sum256(p.Data) {
			found[p.Name] = p.Data
		}
	}
	return found, nil
}

// anySession prefers a session that is open already.
func (b *Book) anySession(ctx context.Context) (*session, error) {
	b.c.mu.Lock()
	write := b.c.sessions[sessionKey{b.chain, ledger.OpWrite}]
	b.c.mu.Unlock()
	if write.usable(b.c.config.Now()) {
		return write, nil
	}
	return b.c.session(ctx, b.chain, ledger.OpRead)
}

// newEpoch is an epoch about to be started.
type newEpoch struct {
	body  *ledger.EpochStarted
	parts []protocol.PartData
}

// makeEpoch draws the keys of the next epoch and wraps them for the patient and for every live term.
func (b *Book) makeEpoch(ctx context.Context, number uint32, terms []ledger.LiveTerm, previous *epochKeys, reason string) (*newEpoch, error) {
	keys, err := epoch.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	shred, err := epoch.NewShred(rand.Reader)
	if err != nil {
		return nil, err
	}
	n := &newEpoch{body: &ledger.EpochStarted{Epoch: number, KID: keys.KID(), HID: keys.HID(), Reason: reason}}
	patient, err := b.c.Person(ctx, b.chain.GID())
	if err != nil {
		return nil, err
	}
	owner, err := epoch.SealOwner(patient, b.place(number), keys)
	if err != nil {
		return nil, err
	}
	n.add(b.chain, ledger.Part{Name: ledger.PartOwner}, owner)
	sealed, err := epoch.SealShred(rand.Reader, b.place(number), keys, shred)
	if err != nil {
		return nil, err
	}
	n.add(b.chain, ledger.Part{Name: ledger.PartShred}, sealed)
	if previous != nil && previous.keys.HasHistory() {
		link, err := epoch.SealLink(rand.Reader, b.place(number), keys, previous.keys)
		if err != nil {
			return nil, err
		}
		n.add(b.chain, ledger.Part{Name: ledger.PartLink}, link)
	}
	for _, t := range terms {
		part, data, err := b.wrap(ctx, number, keys, &t)
		if err != nil {
			return nil, fmt.Errorf("wrapping for term %s: %w", t.ID, err)
		}
		n.add(b.chain, *part, data)
	}
	return n, nil
}

func (n *newEpoch) add(chain ledger.Chain, p ledger.Part, data []byte) {
	p.Hash = sha256.Sum256(data)
	n.body.Parts = append(n.body.Parts, p)
	n.parts = append(n.parts, protocol.PartData{Chain: chain.String(), Epoch: n.body.Epoch, Name: p.Name, Data: data})
}

// wrap gives an epoch's keys to those who satisfy a term, resolved as of now.
func (b *Book) wrap(ctx context.Context, number uint32, keys *epoch.Keys, t *ledger.LiveTerm) (*ledger.Part, []byte, error) {
	if err := b.c.learnPolicy(ctx, t.Policy); err != nil {
		return nil, nil, err
	}
	b.c.mu.Lock()
	x, err := b.c.state.Expression(t.Policy)
	b.c.mu.Unlock()
	if err != nil {
		return nil, nil, err
	}
	context, err := ledger.WrapContext(b.chain, number, keys.KID(), t.ID)
	if err != nil {
		return nil, nil, err
	}
	key, ciphertext, err := x.Encapsulate(rand.Reader, abe.Wrap, context)
	if err != nil {
		return nil, nil, err
	}
	sealed, err := epoch.SealWrap(rand.Reader, key, b.place(number), t.ID.String(), keys, t.History)
	if err != nil {
		return nil, nil, err
	}
	data, err := (&ledger.Wrap{Ciphertext: ciphertext, Sealed: sealed}).Marshal()
	part := &ledger.Part{Name: ledger.WrapName(t.ID), Hash: sha256.Sum256(data), Term: t.ID, Expression: t.Expression, Versions: x.Versions()}
	for _, h := range x.KeyHashes() {
		part.Keys = append(part.Keys, h)
	}
	return part, data, err
}
