package client

import (
	"bytes"
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// EndSessions closes every session from this side.
func (c *Client) EndSessions() { c.dropSessions() }

// Say puts bodies on a chain of the caller's own.
func (c *Client) Say(ctx context.Context, chain ledger.Chain, bodies func([]*ledger.Entry) ([]ledger.Body, error)) error {
	_, err := c.say(ctx, chain, bodies)
	return err
}

// Entries returns the record events of a book as they were read last.
func (b *Book) Entries() []*ledger.Entry {
	b.turn <- struct{}{}
	defer b.turn.give()
	return b.records
}

// Submit signs events of the caller's for the book's chain as it stands, in a session for op, and submits them with parts,
// whatever they say, once.
func (b *Book) Submit(ctx context.Context, op ledger.Operation, parts []protocol.PartData, events ...*ledger.Event) error {
	var told error
	err := b.do(ctx, b.c.keyFor(b.chain, op), func(s *session) error {
		if err := b.sign(s, events); err != nil {
			return err
		}
		told = b.c.submit(ctx, s.conn, protocol.Ingest(b.chain), events, parts)
		return nil
	})
	return errors.Join(err, told)
}

// Force asks the gate for a session under a term, whatever is shared.
func (b *Book) Force(ctx context.Context, op ledger.Operation, term ledger.TermID) error {
	s, err := b.c.challenge(ctx, challenge.Request{
		Patient: b.chain.GID(), Operation: op, TTL: sessionSeconds,
		Targets: []challenge.Target{{Compartment: b.chain.Compartment, Term: term}},
	}, nil)
	if err == nil {
		s.end()
	}
	return err
}

// Held is a session that is used as it is, whatever has become of it.
type Held struct {
	b *Book
	s *session
}

// Hold opens a session for op, or takes the one there is.
func (b *Book) Hold(ctx context.Context, op ledger.Operation) (*Held, error) {
	s, err := b.c.session(ctx, sessionKey{b.chain, op})
	if op == ledger.OpLogin {
		s, err = b.c.session(ctx, loginKey)
	}
	return &Held{b, s}, err
}

// Submit signs events for a chain after a head, naming the session, and submits them in it.
func (h *Held) Submit(ctx context.Context, head ledger.Head, parts []protocol.PartData, events ...*ledger.Event) error {
	if err := h.b.c.place(events, head, h.s.id); err != nil {
		return err
	}
	return h.b.c.submit(ctx, h.s.conn, protocol.Ingest(events[0].Chain), events, parts)
}

// Parts asks for the owner part, the shred and the link of the epoch in force.
func (h *Held) Parts(ctx context.Context) (*protocol.Parts, error) {
	f, _ := h.b.fact()
	query := protocol.PartsQuery{Epoch: f.Epoch.Number, Names: []string{ledger.PartOwner, ledger.PartShred, ledger.PartLink}}
	return ask[protocol.Parts](ctx, h.s.conn, protocol.KeyParts(h.b.chain), query)
}

// Head returns where the book's chain ends, as it was read last.
func (b *Book) Head() ledger.Head { return b.c.head(b.chain) }

// Parts fetches every part of the epoch in force.
func (b *Book) Parts(ctx context.Context) (found map[string][]byte, err error) {
	err = b.do(ctx, b.readKey(), func(s *session) error {
		f, _ := b.fact()
		query := protocol.PartsQuery{Epoch: f.Epoch.Number}
		for _, p := range f.Epoch.Parts {
			query.Names = append(query.Names, p.Name)
		}
		answer, err := ask[protocol.Parts](ctx, s.conn, protocol.KeyParts(b.chain), query)
		if err != nil {
			return err
		}
		found = make(map[string][]byte)
		for _, p := range answer.Parts {
			found[p.Name] = p.Data
		}
		return nil
	})
	return found, err
}

// OpenStolen tries to open the epoch in force with the caller's keys, as someone does who was handed all that a node has of it.
func (b *Book) OpenStolen(ctx context.Context, f ledger.CompartmentFact, parts map[string][]byte) error {
	var failed []error
	for _, t := range f.Terms {
		o := &opening{
			b: b, s: &session{term: &t.Term}, fact: f, sealed: make(map[uint32]error),
			parts: map[uint32]map[string][]byte{f.Epoch.Number: parts},
		}
		if _, err := o.current(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) < len(f.Terms) {
		return nil
	}
	return errors.Join(failed...)
}

// Unlocks tells whether any of the keys that this book was ever given opens a part of an epoch, which somebody has stolen.
func (b *Book) Unlocks(e *ledger.Epoch, before *ledger.Epoch, parts map[string][]byte) bool {
	b.turn <- struct{}{}
	defer b.turn.give()
	at := b.place(e.Number)
	for _, k := range b.keys {
		if _, err := epoch.OpenShred(k.keys, at, e.Erased, parts[ledger.PartShred]); err == nil {
			return true
		}
		if _, err := epoch.OpenLink(k.keys, at, before.KID, before.HID, parts[ledger.PartLink]); err == nil {
			return true
		}
	}
	return false
}

// Event makes an event of the caller's for the book's chain.
func (b *Book) Event(body ledger.Body) (*ledger.Event, error) { return b.c.event(b.chain, body) }

// Seal makes a record event for the epoch in force.
func (b *Book) Seal(ctx context.Context, d Draft) (e *ledger.Event, err error) {
	err = b.do(ctx, b.writeKey(), func(s *session) error {
		events, err := b.seal(ctx, s, []Draft{d}, nil)
		if err == nil {
			e = events[0]
		}
		return err
	})
	return e, err
}

// Rotation makes the start of the next epoch for the terms in force, and what is to be said of this one before, without
// submitting it.
func (b *Book) Rotation(ctx context.Context, op ledger.Operation) (before []ledger.Body, started *ledger.EpochStarted, parts []protocol.PartData, err error) {
	err = b.do(ctx, b.c.keyFor(b.chain, op), func(s *session) error {
		f, _ := b.fact()
		r, err := b.rotation(ctx, s, f.Terms, "because")
		if err == nil {
			before, started, parts = r.before, r.started, r.parts
		}
		return err
	})
	return before, started, parts, err
}

// Rotate starts the next epoch.
func (b *Book) Rotate(ctx context.Context) error {
	return b.do(ctx, b.writeKey(), func(s *session) error { return b.startEpoch(ctx, s, "because") })
}

// Stray is Keep of drafts that come to lie in the outbox as a crash between its two steps leaves them.
func (h *Home) Keep(ctx context.Context, chain ledger.Chain, drafts []Draft) error {
	_, err := h.keep(ctx, chain, drafts, ledger.Hash{})
	return err
}

// Files returns a copy of the files of a home in memory, and Restore puts one back.
func (h *Home) Files() map[string][]byte {
	m := h.store.(*memory)
	m.mu.Lock()
	defer m.mu.Unlock()
	files := make(map[string][]byte, len(m.files))
	for name, contents := range m.files {
		files[name] = bytes.Clone(contents)
	}
	return files
}

func (h *Home) Restore(files map[string][]byte) {
	m := h.store.(*memory)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.files = files
}

// AddKeys puts attribute keys into a home, whoever they were issued to.
func (h *Home) AddKeys(keys ...*abe.AttributeKey) error {
	for _, k := range keys {
		if _, err := h.addKey(k); err != nil {
			return err
		}
	}
	return nil
}

// KeepsHead tells whether the home knows where a chain ended.
func (h *Home) KeepsHead(chain ledger.Chain) bool {
	head, err := h.head(chain)
	return err == nil && head.Number > 0
}

// Lock takes a lock of the home.
func (h *Home) Lock(ctx context.Context, name string) (release func(), err error) {
	return h.lock(ctx, name)
}

// cheap costs little to guess.
var cheap = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 4}

// CreateCheapHome is CreateHome of a new identity, with a passphrase that costs little to guess.
func CreateCheapHome(dir string, passphrase []byte, code *recovery.Secret) (*Home, error) {
	person, err := NewIdentity(code)
	if err != nil {
		return nil, err
	}
	return createHome(dir, passphrase, person, code, cheap)
}

// CreateCheapHome makes a home as CreateHome does, that is quick to open.
func (l *Lost) CreateCheapHome(dir string, passphrase []byte, next *recovery.Secret) (*Home, error) {
	return l.createHome(dir, passphrase, next, cheap)
}

// SetCheapPassphrase is SetPassphrase with one that costs little to guess.
func (h *Home) SetCheapPassphrase(passphrase []byte) error { return h.setPassphrase(passphrase, cheap) }

// WriteFile keeps a file beside the keystore.
func (h *Home) WriteFile(name string, contents []byte) error { return h.write(name, contents) }

// ReadFile returns what WriteFile kept.
func (h *Home) ReadFile(name string) ([]byte, error) { return h.read(name) }

// HasMaster tells whether the home keeps the master key of a patient's own authority.
func (h *Home) HasMaster() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.secrets.Master != nil
}

// OpenedUnder counts the records that open in a session under a term alone, for somebody who remembers nothing.
func (b *Book) OpenedUnder(ctx context.Context, term ledger.Term) (n uint64, err error) {
	s, err := b.c.challenge(ctx, challenge.Request{
		Patient: b.chain.GID(), Operation: ledger.OpRead, TTL: sessionSeconds,
		Targets: []challenge.Target{{Compartment: b.chain.Compartment, Term: term.ID}},
	}, nil)
	if err != nil {
		return 0, err
	}
	defer s.end()
	s.term = &term
	if err := b.catchUp(ctx, s); err != nil {
		return 0, err
	}
	o, err := b.opening(s)
	if err != nil {
		return 0, err
	}
	for _, e := range b.records {
		_, content, _ := contentOf(e)
		k, err := o.epoch(ctx, content.Epoch)
		if errors.Is(err, errSealed) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if _, err := epoch.Open(k.keys, k.shred, headerOf(e.Event), content.Sealed); err == nil {
			n++
		}
	}
	return n, nil
}

// ID returns the id of the session.
func (h *Held) ID() ledger.SessionID { return h.s.id }

// Readers is how many read at a time in a session.
const Readers = readers

// Alive tells whether the session is served.
func (h *Held) Alive(ctx context.Context) bool {
	return h.s.read(ctx, newFeed(h.b.c, h.b.chain).query(), func(*protocol.Consumer) error { return nil }) == nil
}

// SayInEmergency signs a body for a patient's access chain after a head and submits it as one who has a part in an emergency,
// once, whatever it says.
func (c *Client) SayInEmergency(ctx context.Context, chain ledger.Chain, head ledger.Head, body ledger.Body) error {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return err
	}
	events, err := c.extend(chain, head, ledger.SessionID{}, []ledger.Body{body})
	if err != nil {
		return err
	}
	return c.submit(ctx, s.conn, protocol.Breakglass, events, nil)
}

// AskEmergencies asks the node as Emergencies does.
func (c *Client) AskEmergencies(ctx context.Context, q protocol.EmergencyQuery) (*protocol.Emergencies, error) {
	s, err := c.session(ctx, loginKey)
	if err != nil {
		return nil, err
	}
	return c.askEmergencies(ctx, s, q)
}

// Share opens the share in a part of an emergency term that is sealed to the caller's attributes.
func (b *Book) Share(ctx context.Context, f ledger.CompartmentFact, term ledger.TermID, name string, part []byte) (*epoch.Share, error) {
	w, err := ledger.ParseWrap(part)
	if err != nil {
		return nil, err
	}
	h, err := abe.ParseHeader(w.Ciphertext)
	if err != nil {
		return nil, err
	}
	context, err := ledger.WrapContext(b.chain, f.Epoch.Number, f.Epoch.KID, term)
	if err != nil {
		return nil, err
	}
	key, err := b.c.decapsulate(ctx, h, h.Label, context, w.Ciphertext)
	if err != nil || name == ledger.WrapName(term) {
		return epoch.ShareOf(key), err
	}
	return epoch.OpenApproval(key, b.place(f.Epoch.Number), f.Epoch.KID, term.String(), w.Sealed)
}

// OpenShares tries to open the wrap of an emergency term with three shares.
func (b *Book) OpenShares(f ledger.CompartmentFact, term ledger.TermID, wrap []byte, own, approver, node *epoch.Share) error {
	w, err := ledger.ParseWrap(wrap)
	if err != nil {
		return err
	}
	key, err := epoch.EmergencyKey(own, approver, node)
	if err != nil {
		return err
	}
	_, err = epoch.OpenWrap(key, b.place(f.Epoch.Number), f.Epoch.KID, f.Epoch.HID, term.String(), w.Sealed)
	return err
}

// Ended returns a channel that is closed when the connection of the held session is.
func (h *Held) Ended() <-chan struct{} { return h.s.conn.Closed() }

// CheckHeld reads what an issuance says that somebody holds, and whether that counts.
func (c *Client) CheckHeld(ctx context.Context, gid identity.GID, encoded []byte) (policy.Attribute, bool, error) {
	return c.checkHeld(ctx, gid, encoded)
}

// ParseEscrow reads an escrow that was opened, and returns it as it is sealed.
func ParseEscrow(plain []byte) ([]byte, error) {
	x, err := parseEscrow(plain)
	if err != nil {
		return nil, err
	}
	return x.fill()
}

// Drafts returns what waits in the outbox to be written to a chain.
func (h *Home) Drafts(chain ledger.Chain) ([]Draft, error) {
	waiting, err := h.waiting(chain)
	var all []Draft
	for _, o := range waiting {
		all = append(all, o.drafts...)
	}
	return all, err
}

// Settle asks the node what is sealed, and drops that from the outbox.
func (c *Client) Settle(ctx context.Context) error {
	_, err := c.settle(ctx)
	return err
}

// Proven asks for the proofs of what waits in the outbox, tampers with the answer, and returns how many of the events that the node
// has acknowledged it proves, and how many it shows to be replaced by others.
func (c *Client) Proven(ctx context.Context, tamper func(*protocol.Proofs)) (proven, gone int, err error) {
	box, err := c.home.outbox()
	if err != nil {
		return 0, 0, err
	}
	p := &proving{c: c}
	var query protocol.ProofQuery
	for i := range box.Sent {
		p.claim(&box.Sent[i])
	}
	for _, claim := range p.claims {
		query.Indexes = append(query.Indexes, claim.index)
	}
	var answer *protocol.Proofs
	at, err := c.advance(ctx, func(since uint64) (_ []byte, _ []ledger.Hash, err error) {
		query.Since = since
		if answer, err = ask[protocol.Proofs](ctx, c.guest, protocol.DirProof, query); err != nil {
			return nil, nil, err
		}
		tamper(answer)
		return answer.Note, answer.Consistency, nil
	})
	if err != nil {
		return 0, 0, err
	}
	for _, claim := range p.claims {
		ok, err := p.prove(at, answer, &claim)
		if err != nil {
			return proven, len(p.gone), err
		}
		if ok {
			proven++
		}
	}
	return proven, len(p.gone), nil
}

// LogKey returns what verifies the log's checkpoints; nil if there is none.
func (c *Client) LogKey() note.Verifier {
	key := c.Node().Log
	v, err := logKey(c.config.Node.Root, key)
	if err != nil || key == [32]byte{} {
		return nil
	}
	return v
}

// Check is one thing that a client makes sure of about the log.
type Check = check

// The checks.
const (
	LogStays       = logStays
	LogExtends     = logExtends
	LogWitnessed   = logWitnessed
	HeadSealed     = headSealed
	HeadSigned     = headSigned
	HeadMapped     = headMapped
	HeadReached    = headReached
	HeadFresh      = headFresh
	AuthorityAwake = authorityAwake
)

// LeaveOut makes the client go on without checks.
func (c *Client) LeaveOut(left ...Check) {
	for _, l := range left {
		c.left |= 1 << l
	}
}

// ForgetLogKey makes the node's description one of before there were trees.
func (c *Client) ForgetLogKey() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.node.Log = [32]byte{}
}

// SealedSize looks at the log, and returns how large the newest checkpoint is that was seen.
func (c *Client) SealedSize(ctx context.Context) (uint64, error) {
	c.mu.Lock()
	c.looked = time.Time{}
	c.mu.Unlock()
	if err := c.look(ctx); err != nil {
		return 0, err
	}
	p, err := c.home.pin(c.config.Node.Root)
	return p.Size, err
}

// Heard returns when an authority has last said something that everybody is shown.
func (c *Client) Heard(ctx context.Context, name policy.Authority) (time.Time, error) {
	_, err := c.Authority(ctx, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard[name], err
}
