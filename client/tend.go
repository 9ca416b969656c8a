package client

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// lookBack is how many of the newest epochs a writer looks after. The patient looks after all.
const lookBack = 8

// oldest is the oldest epoch that the caller looks after.
func (b *Book) oldest(f *ledger.CompartmentFact) uint32 {
	if b.own() || f.Epoch.Number <= lookBack {
		return 1
	}
	return f.Epoch.Number - lookBack + 1
}

// maxTending bounds how long somebody who came to read or write is kept waiting for what is done in passing.
const maxTending = 5 * time.Second

// tend does in passing what keeps a compartment whole, when the caller has read or written and may append: the patient
// confirms epochs that others have started, or disputes them and starts one that holds; links that are missing or broken
// are made. What fails is left for the next time: nobody's reading or writing fails for it. While the log shows the same
// picture, it is looked at once.
func (b *Book) tend(ctx context.Context, s *session) {
	f, err := b.existing()
	if err != nil {
		return
	}
	picture := b.picture(&f)
	if picture == "" || picture == b.tended {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, maxTending)
	defer cancel()
	if err := b.tendOnce(ctx, s); err != nil {
		b.c.config.Log.Info("tending_failed", "error", err)
		if isConflict(err) || isTransient(err) || errors.Is(err, context.Canceled) {
			return // the next time it may go well
		}
	}
	b.tended = picture
}

// picture is what there is to tend, as a text that changes whenever another try may come to something; empty if nothing is.
func (b *Book) picture(f *ledger.CompartmentFact) string {
	var todo strings.Builder
	for n := b.oldest(f); n <= f.Epoch.Number; n++ {
		e, _ := f.At(n)
		if b.unvouched(e, n == f.Epoch.Number) || pending(e) {
			link, _ := e.Part(ledger.PartLink)
			fmt.Fprint(&todo, n, e.Confirmed, e.Disputed, e.LinkDisputed, link.Hash)
		}
	}
	if todo.Len() == 0 {
		return ""
	}
	return fmt.Sprint(f.Epoch.Number, todo.String())
}

// unvouched tells whether the caller has to look at an epoch still. The patient looks at every one; others, who can't end the
// matter, at the link of the current one.
func (b *Book) unvouched(e *ledger.Epoch, current bool) bool {
	_, linked := e.Part(ledger.PartLink)
	return linked && !e.Linked && !e.LinkDisputed && (b.own() || current) || b.own() && !e.Confirmed && !e.Disputed
}

// pending tells whether an epoch needs a link.
func pending(e *ledger.Epoch) bool {
	_, linked := e.Part(ledger.PartLink)
	return e.Number > 1 && (!linked || e.LinkDisputed)
}

func (b *Book) tendOnce(ctx context.Context, s *session) error {
	if err := b.catchUp(ctx, s); err != nil {
		return err
	}
	o, err := b.opening(s)
	if err != nil {
		return err
	}
	bodies, parts, broken, err := o.care(ctx)
	if err != nil {
		return err
	}
	if broken != nil {
		b.c.config.Log.Warn("epoch_broken", "epoch", o.fact.Epoch.Number, "part", broken.name)
		return b.startEpoch(ctx, s, broken.Error())
	}
	if b.own() && !o.fact.Epoch.Confirmed {
		moved, err := o.outdated(ctx)
		if err != nil {
			return err
		}
		if moved != "" {
			b.c.config.Log.Warn("epoch_outdated", "epoch", o.fact.Epoch.Number, "attribute", moved)
			return b.startEpoch(ctx, s, moved+" has moved since this epoch was wrapped for it")
		}
	}
	if len(bodies) == 0 {
		return nil
	}
	return b.append(ctx, s, nil, bodies, parts)
}

// outdated returns an attribute that has moved to another version since somebody else wrapped the current epoch for it, or
// that they did not know had moved; empty if none has. Whoever was left out of the newer version opens the epoch: better none
// of it is used.
func (o *opening) outdated(ctx context.Context) (string, error) {
	for _, p := range o.fact.Epoch.Parts {
		made, err := policy.Parse(p.Expression)
		if p.Term.IsZero() || err != nil {
			continue
		}
		if err := o.b.c.learnPolicy(ctx, made); isTransient(err) || ctx.Err() != nil {
			return "", err
		} else if err != nil {
			continue // of an authority that is gone nothing moves
		}
		for i, a := range made.Attributes() {
			if version, ok := o.b.c.version(a); ok && i < len(p.Versions) && version != p.Versions[i] {
				return a.String(), nil
			}
		}
	}
	return "", nil
}

// version returns the version of an attribute in force, as far as the client has learnt.
func (c *Client) version(a policy.Attribute) (uint32, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.Version(a)
}

// care looks at the epochs that somebody has to look at, and returns what the caller is to say of them. Broken is a part of
// the current epoch that only another epoch repairs.
func (o *opening) care(ctx context.Context) (bodies []ledger.Body, parts []protocol.PartData, broken *brokenPart, err error) {
	current := o.fact.Epoch.Number
	for n := o.b.oldest(&o.fact); n <= current; n++ {
		e, _ := o.fact.At(n)
		if n < current && !o.b.unvouched(e, false) && !pending(e) {
			continue
		}
		faults, err := o.faults(ctx, e)
		if err != nil {
			return nil, nil, nil, err
		}
		for _, fault := range faults {
			link := fault.name == ledger.PartLink
			if link && !e.LinkDisputed || n == current && !link && !e.Disputed {
				bodies = append(bodies, &ledger.EpochDisputed{Epoch: n, Part: fault.name, Reason: fault.why})
			}
			if n == current && !link {
				broken = fault
			}
		}
		if pending(e) || hasFault(faults, ledger.PartLink) {
			made, data, err := o.relink(ctx, e)
			if err != nil {
				return nil, nil, nil, err
			}
			if made != nil {
				bodies, parts = append(bodies, made), append(parts, *data)
			}
		}
		if len(faults) == 0 && o.b.own() && o.b.unvouched(e, n == current) && o.b.keys[n] != nil {
			bodies = append(bodies, &ledger.EpochConfirmed{Epoch: n})
		}
	}
	return bodies, parts, broken, nil
}

func hasFault(faults []*brokenPart, name string) bool {
	for _, f := range faults {
		if f.name == name {
			return true
		}
	}
	return false
}

// faults returns which of the parts that the caller can open don't hold what the epoch commits to.
func (o *opening) faults(ctx context.Context, e *ledger.Epoch) (faults []*brokenPart, err error) {
	found := func(err error) error {
		var broken *brokenPart
		if errors.As(err, &broken) {
			faults = append(faults, broken)
		} else if !errors.Is(err, errSealed) {
			return err
		}
		return nil
	}
	keys, err := o.secrets(ctx, e.Number)
	if err != nil {
		err = found(err)
		return faults, err
	}
	if _, err := o.epoch(ctx, e.Number); err != nil {
		if err := found(err); err != nil {
			return nil, err
		}
	}
	if _, linked := e.Part(ledger.PartLink); linked && !e.Linked {
		if _, err = o.link(ctx, e, keys); err != nil {
			err = found(err)
		}
	}
	return faults, err
}

// relink makes the link from an epoch to the one before, if the caller has the keys of both; nil if not.
func (o *opening) relink(ctx context.Context, e *ledger.Epoch) (ledger.Body, *protocol.PartData, error) {
	var both [2]*epoch.Keys
	for i := range both {
		keys, err := o.secrets(ctx, e.Number-uint32(i))
		if errors.Is(err, errSealed) || err == nil && !keys.HasHistory() {
			return nil, nil, nil
		}
		if err != nil {
			return nil, nil, err
		}
		both[i] = keys
	}
	link, err := epoch.SealLink(rand.Reader, o.b.place(e.Number), both[0], both[1])
	if err != nil {
		return nil, nil, err
	}
	data := o.b.partData(e.Number, ledger.PartLink, link)
	part := ledger.Part{Name: ledger.PartLink, Hash: sha256.Sum256(link)}
	return &ledger.EpochRewrapped{Epoch: e.Number, Parts: []ledger.Part{part}}, &data, nil
}
