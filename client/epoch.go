package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// openEpoch is an epoch that the caller has the keys of.
type openEpoch struct {
	keys  *epoch.Keys
	shred *epoch.Shred // nil until it was opened too
}

// errSealed means that the caller has no way into an epoch: it was over before their grant, or they lost it.
var errSealed = errors.New("sealed: not shared with you, or from before it was")

// brokenPart means that a part of an epoch is there as the log names it, and does not hold what the epoch commits to.
type brokenPart struct{ name, why string }

func (e *brokenPart) Error() string { return fmt.Sprintf("part %q is broken: %s", e.name, e.why) }

// Unwrap makes a broken part one more reason for an epoch to stay sealed.
func (e *brokenPart) Unwrap() error { return errSealed }

// opening opens epochs in one session. What can't be opened in it is not tried twice.
type opening struct {
	b      *Book
	s      *session
	fact   ledger.CompartmentFact
	parts  map[uint32]map[string][]byte
	sealed map[uint32]error
}

// opening begins to open epochs of the compartment as it was last read.
func (b *Book) opening(s *session) (*opening, error) {
	f, err := b.existing()
	if err != nil {
		return nil, err
	}
	return &opening{b, s, f, make(map[uint32]map[string][]byte), make(map[uint32]error)}, nil
}

// epoch opens an epoch for reading and writing: its keys, and with them its shred. It fails with errSealed where there is no
// way.
func (o *opening) epoch(ctx context.Context, number uint32) (*openEpoch, error) {
	keys, err := o.secrets(ctx, number)
	if err != nil {
		return nil, err
	}
	fact, _ := o.fact.At(number)
	k := o.b.keys[number]
	if k.shred != nil && k.shred.Version() == fact.Erased {
		return k, nil
	}
	var sealed []byte
	for _, piece := range fact.Shred() {
		data, err := o.part(ctx, fact, piece.Name)
		if err != nil {
			return nil, err
		}
		sealed = append(sealed, data...)
	}
	shred, err := epoch.OpenShred(keys, o.b.place(number), fact.Erased, sealed)
	if err != nil {
		return nil, &brokenPart{ledger.PartShred, "the key state does not open"}
	}
	o.b.keys[number] = &openEpoch{keys, shred}
	return o.b.keys[number], nil
}

// current opens the epoch in force.
func (o *opening) current(ctx context.Context) (*openEpoch, error) {
	return o.epoch(ctx, o.fact.Epoch.Number)
}

func (b *Book) place(number uint32) epoch.Place {
	return epoch.Place{Patient: string(b.chain.GID()), Compartment: string(b.chain.Compartment), Epoch: number}
}

// secrets returns the keys of an epoch, by the owner part, through links from a newer one, or by the wrap of the session's
// term. It fails with errSealed where there is no way.
func (o *opening) secrets(ctx context.Context, number uint32) (*epoch.Keys, error) {
	fact, ok := o.fact.At(number)
	if !ok {
		return nil, fmt.Errorf("%w: there is no epoch %d", errSealed, number)
	}
	if k := o.b.keys[number]; k != nil && (k.keys.HasHistory() || !o.s.history()) {
		return k.keys, nil
	}
	if err := o.sealed[number]; err != nil {
		return nil, err
	}
	keys, err := o.unlock(ctx, fact)
	if errors.Is(err, errSealed) {
		o.sealed[number] = err
	}
	if err != nil {
		return nil, err
	}
	o.b.keys[number] = &openEpoch{keys: keys}
	return keys, nil
}

// unlock tries the ways into an epoch, the cheapest first. The error is that of the way which is the caller's own.
func (o *opening) unlock(ctx context.Context, fact *ledger.Epoch) (*epoch.Keys, error) {
	linked := fact.Number < o.fact.Epoch.Number && o.s.history()
	if o.b.own() {
		keys, err := o.byOwner(ctx, fact)
		if !linked || !errors.Is(err, errSealed) {
			return keys, err
		}
		if keys, other := o.byLink(ctx, fact); other == nil || !errors.Is(other, errSealed) {
			return keys, other
		}
		return nil, err
	}
	if linked {
		keys, err := o.byLink(ctx, fact)
		if err == nil || !errors.Is(err, errSealed) {
			return keys, err
		}
	}
	return o.byWrap(ctx, fact)
}

func (o *opening) byOwner(ctx context.Context, fact *ledger.Epoch) (*epoch.Keys, error) {
	sealed, err := o.part(ctx, fact, ledger.PartOwner)
	if err != nil {
		return nil, err
	}
	keys, err := epoch.OpenOwner(o.b.c.home.Keys(), o.b.place(fact.Number), fact.KID, fact.HID, sealed)
	if err != nil && !errors.Is(err, epoch.ErrOpen) {
		return nil, err // of the agent
	}
	if err != nil {
		return nil, &brokenPart{ledger.PartOwner, "the patient's own does not hold the epoch's keys"}
	}
	return keys, nil
}

// byLink opens the epoch after it, and with that one's history key the link back.
func (o *opening) byLink(ctx context.Context, fact *ledger.Epoch) (*epoch.Keys, error) {
	after, _ := o.fact.At(fact.Number + 1)
	newer, err := o.secrets(ctx, after.Number)
	if err != nil {
		return nil, err
	}
	return o.link(ctx, after, newer)
}

// link opens the link from an epoch, whose keys are given, to the one before.
func (o *opening) link(ctx context.Context, from *ledger.Epoch, keys *epoch.Keys) (*epoch.Keys, error) {
	if !keys.HasHistory() {
		return nil, fmt.Errorf("%w: epoch %d", errSealed, from.Number-1)
	}
	sealed, err := o.part(ctx, from, ledger.PartLink)
	if err != nil {
		return nil, err
	}
	to, _ := o.fact.At(from.Number - 1)
	previous, err := epoch.OpenLink(keys, o.b.place(from.Number), to.KID, to.HID, sealed)
	if err != nil {
		return nil, &brokenPart{ledger.PartLink, fmt.Sprintf("it does not hold the keys of epoch %d", to.Number)}
	}
	return previous, nil
}

// byWrap opens the wrap of the session's term.
func (o *opening) byWrap(ctx context.Context, fact *ledger.Epoch) (*epoch.Keys, error) {
	term := o.s.term.ID
	name := ledger.WrapName(term)
	data, err := o.part(ctx, fact, name)
	if err != nil {
		return nil, err
	}
	w, err := ledger.ParseWrap(data)
	if err != nil {
		return nil, &brokenPart{name, "not a wrap"}
	}
	h, err := abe.ParseHeader(w.Ciphertext)
	if err != nil {
		return nil, &brokenPart{name, "not an encapsulation"}
	}
	context, err := ledger.WrapContext(o.b.chain, fact.Number, fact.KID, term)
	if err != nil {
		return nil, err
	}
	key, err := o.b.c.decapsulate(ctx, h, abe.Wrap, context, w.Ciphertext)
	switch {
	case errors.Is(err, abe.ErrNotSatisfied):
		return nil, fmt.Errorf("%w: epoch %d is wrapped for keys that you don't hold: see 'phr keys'", errSealed, fact.Number)
	case errors.Is(err, abe.ErrDecapsulation):
		return nil, &brokenPart{name, "the encapsulation does not open"}
	case err != nil:
		return nil, err
	}
	if o.s.term.Emergency() {
		if key, err = o.emergencyKey(fact, key); err != nil {
			return nil, err
		}
	}
	keys, err := epoch.OpenWrap(key, o.b.place(fact.Number), fact.KID, fact.HID, term.String(), w.Sealed)
	if err != nil || o.s.history() && !keys.HasHistory() {
		return nil, &brokenPart{name, "it does not hold the epoch's keys"}
	}
	return keys, nil
}

// part returns a part that may open an epoch for the caller, if the log names it and the node has it as named.
func (o *opening) part(ctx context.Context, fact *ledger.Epoch, name string) ([]byte, error) {
	named, ok := fact.Part(name)
	if !ok {
		return nil, fmt.Errorf("%w: epoch %d has no part %q", errSealed, fact.Number, name)
	}
	if _, asked := o.parts[fact.Number]; !asked {
		if err := o.fetch(ctx, fact); err != nil {
			return nil, err
		}
	}
	data, ok := o.parts[fact.Number][name]
	switch {
	case ok && named.Hash == sha256.Sum256(data):
		return data, nil
	case o.obsolete(fact.Number, name):
		return nil, fmt.Errorf("%w: part %q of epoch %d is erased, since others stand for it", errSealed, name, fact.Number)
	}
	return nil, &missingPart{name, fact.Number}
}

// obsolete tells whether a part is one that a node erases.
func (o *opening) obsolete(number uint32, name string) bool {
	return slices.ContainsFunc(o.fact.Obsolete(), func(p ledger.EpochPart) bool { return p.Epoch == number && p.Part.Name == name })
}

// missingPart means that the node does not have a part as the log names it, as far as the caller has read: it may have been
// replaced since.
type missingPart struct {
	name  string
	epoch uint32
}

func (e *missingPart) Error() string {
	return fmt.Sprintf("sealed: the node does not have part %q of epoch %d", e.name, e.epoch)
}

// Unwrap makes a missing part a broken one: if it was not replaced, it is lost, and what is said of it on the log counts only
// where the chain still ends where the caller has read.
func (e *missingPart) Unwrap() error { return &brokenPart{e.name, "the node does not have it"} }

// asked is how many pieces of a shred are asked for at a time: an answer holds no more.
const asked = 3

// fetch brings the caller's own parts of an epoch. Those of the current one have come with the session.
func (o *opening) fetch(ctx context.Context, fact *ledger.Epoch) error {
	own := ledger.PartOwner
	if !o.b.own() {
		own = ledger.WrapName(o.s.term.ID)
	}
	first := []string{own, ledger.PartLink}
	var pieces []string
	for _, piece := range fact.Shred() {
		pieces = append(pieces, piece.Name)
	}
	if len(pieces) > 0 {
		first, pieces = append(first, pieces[0]), pieces[1:]
	}
	o.parts[fact.Number] = make(map[string][]byte)
	o.take(fact.Number, o.s.grant.Parts)
	for _, names := range append([][]string{first}, slices.Collect(slices.Chunk(pieces, asked))...) {
		if !o.lacks(fact, names) {
			continue
		}
		answer, err := ask[protocol.Parts](ctx, o.s.conn, protocol.KeyParts(o.b.chain), protocol.PartsQuery{Epoch: fact.Number, Names: names})
		if err != nil {
			delete(o.parts, fact.Number)
			return fmt.Errorf("fetching the parts of epoch %d: %w", fact.Number, err)
		}
		o.take(fact.Number, answer.Parts)
	}
	return nil
}

// take keeps parts of an epoch.
func (o *opening) take(number uint32, parts []protocol.PartData) {
	for _, p := range parts {
		if p.Chain == o.b.chain.String() && p.Epoch == number {
			o.parts[number][p.Name] = p.Data
		}
	}
}

// lacks tells whether a part that the log names is not among those kept.
func (o *opening) lacks(fact *ledger.Epoch, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		named, ok := fact.Part(name)
		return ok && named.Hash != sha256.Sum256(o.parts[fact.Number][name])
	})
}
