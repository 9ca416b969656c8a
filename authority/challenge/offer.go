package challenge

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// challenge judges the request of a proven person and makes M2.
func (g *Gate) challenge(now time.Time, facts Facts, h *Hello, th1 hash) ([]byte, error) {
	if err := g.checkRequest(now, facts, h); err != nil {
		return nil, err
	}
	place := g.room(h.Request.Operation)
	if err := g.admit(now, h.GID, th1, place); err != nil {
		return nil, err
	}
	m2, p, err := g.prepare(now, facts, h, th1)
	g.mu.Lock()
	defer g.mu.Unlock()
	place.working--
	if err != nil {
		return nil, err
	}
	place.pending[p.sid] = p
	return m2, nil
}

// prepare makes M2 and what its answer will be judged by. This is where the dear work is done, without the lock.
func (g *Gate) prepare(now time.Time, facts Facts, h *Hello, th1 hash) ([]byte, *pending, error) {
	m, err := g.draw(now)
	if err != nil {
		return nil, nil, err
	}
	p := &pending{sid: m.Session, gid: h.GID, user: h.User, request: h.Request, renews: h.Renews, expires: time.UnixMilli(m.Expires)}
	offer := Offer{Heads: gateHeads(facts, h.Heads)}
	var secrets [][32]byte
	for i := range h.Request.Targets {
		o, err := g.offer(facts, m, &h.Request, th1, i)
		if err != nil {
			return nil, nil, err
		}
		offer.Targets, secrets, p.resolved = append(offer.Targets, o.Offered), append(secrets, o.secret), append(p.resolved, o.resolved)
	}
	enc, shared, err := identity.Export(h.Ephemeral, exportInfo, exportContext, 32)
	if err != nil {
		return nil, nil, err
	}
	m.Enc = enc
	if m.Sealed, err = seal(g.config.Rand, derive(shared, th1, "k_m"), th1, offer); err != nil {
		return nil, nil, err
	}
	if p.th2, err = transcript2(th1, m); err != nil {
		return nil, nil, err
	}
	p.keys = deriveKeys(p.th2, secrets, shared)
	m.Sig = ed25519.Sign(g.config.Key, labelled("challenge", p.th2[:]))
	m2, err := m.Marshal()
	return m2, p, err
}

// draw begins a challenge.
func (g *Gate) draw(now time.Time) (*Challenge, error) {
	m := &Challenge{Suite: abe.RW15BLS12381, Expires: now.Add(MaxAge).UnixMilli()}
	if _, err := io.ReadFull(g.config.Rand, m.Nonce[:]); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return m, newID(&m.Session, g.config.Rand, now)
}

func newID[thing any](id *ledger.ID[thing], rand io.Reader, now time.Time) (err error) {
	*id, err = ledger.NewID[thing](rand, now)
	return err
}

// challenged is the gate's side of an Offered.
type challenged struct {
	Offered
	secret   [32]byte // z
	resolved resolved
}

// offer encapsulates to the term of one target.
func (g *Gate) offer(facts Facts, m *Challenge, r *Request, th1 hash, place int) (*challenged, error) {
	set, term, err := findTarget(facts, r, place)
	if err != nil {
		return nil, err
	}
	e, err := facts.Expression(term.Policy)
	if err != nil {
		return nil, err
	}
	context, err := m.context(th1, r, place, set.Hash)
	if err != nil {
		return nil, err
	}
	o := &challenged{resolved: resolve(e)}
	if o.secret, o.Ciphertext, err = e.Encapsulate(g.config.Rand, abe.Challenge, context); err != nil {
		return nil, err
	}
	o.Set, err = set.Marshal()
	return o, err
}
