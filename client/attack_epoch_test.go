package client_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// forged is a rotation that somebody is about to start, and may be changed before it is.
type forged struct {
	started *ledger.EpochStarted
	parts   []protocol.PartData
}

// replace puts other bytes in the place of a part, and their hash in the event.
func (f *forged) replace(name string, data []byte) {
	for i := range f.started.Parts {
		if p := &f.started.Parts[i]; p.Name == name {
			p.Hash = sha256.Sum256(data)
		}
	}
	for i := range f.parts {
		if f.parts[i].Name == name {
			f.parts[i].Data = data
		}
	}
}

func (f *forged) data(name string) []byte {
	i := slices.IndexFunc(f.parts, func(p protocol.PartData) bool { return p.Name == name })
	return f.parts[i].Data
}

// drop leaves a part out.
func (f *forged) drop(name string) {
	f.started.Parts = slices.DeleteFunc(f.started.Parts, func(p ledger.Part) bool { return p.Name == name })
	f.parts = slices.DeleteFunc(f.parts, func(p protocol.PartData) bool { return p.Name == name })
}

// forge submits a rotation by a writer, changed.
func (w *world) forge(his *client.Book, change func(*forged)) error {
	w.t.Helper()
	before, started, parts, err := his.Rotation(w.ctx, ledger.OpWrite)
	must(w.t, err)
	f := &forged{started, parts}
	change(f)
	var events []*ledger.Event
	for _, body := range append(before, f.started) {
		e, err := his.Event(body)
		must(w.t, err)
		events = append(events, e)
	}
	return his.Submit(w.ctx, ledger.OpWrite, f.parts, events...)
}

// rotations is a patient's compartment with two kinds of readers, and two doctors who write.
type rotations struct {
	*world
	maria                 *client.Client
	hers, his, other, its *client.Book
	doctors, agents       ledger.TermID
}

func (w *world) rotations() *rotations {
	maria, ruiz, second, agent := w.patient(), w.the("doctor@city-hospital"), w.the("doctor@county-hospital"), w.the("agent@acme-insurance")
	r := &rotations{world: w, maria: maria, hers: w.book(maria, maria, ledger.Health)}
	r.doctors = w.grant(r.hers, client.GrantRequest{To: "doctor@city-hospital or doctor@county-hospital", Write: true}).Term.ID
	r.agents = w.grant(r.hers, client.GrantRequest{To: "agent@acme-insurance"}).Term.ID
	r.his, r.other, r.its = w.book(ruiz, maria, ledger.Health), w.book(second, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	return r
}

// A rotation whose parts can be seen not to fit is refused.
func TestAttack47_ForgedRotation(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	wrap, other := ledger.WrapName(r.doctors), ledger.WrapName(r.agents)
	for _, c := range []struct {
		name   string
		change func(*forged)
	}{
		{"a number too high", func(f *forged) {
			f.started.Epoch++
			for i := range f.parts {
				f.parts[i].Epoch++
			}
		}},
		{"the number of before", func(f *forged) { f.started.Epoch-- }},
		{"no part for the patient", func(f *forged) { f.drop(ledger.PartOwner) }},
		{"no key state", func(f *forged) { f.drop(ledger.PartShred) }},
		{"no wrap for a term", func(f *forged) { f.drop(other) }},
		{"a wrap that is garbage", func(f *forged) { f.replace(wrap, []byte("garbage")) }},
		{"wraps that are swapped", func(f *forged) {
			one, two := f.data(wrap), f.data(other)
			f.replace(wrap, two)
			f.replace(other, one)
		}},
		{"a wrap under the other's policy", func(f *forged) { f.replace(other, f.data(wrap)) }},
		{"a part that is not the one named", func(f *forged) { f.parts[0].Data = []byte("another") }},
		{"a part named and not sent", func(f *forged) { f.parts = f.parts[1:] }},
		{"keys it does not commit to", func(f *forged) { f.started.KID = ledger.Hash{} }},
		{"another expression", func(f *forged) {
			for i := range f.started.Parts {
				if p := &f.started.Parts[i]; p.Name == other {
					p.Expression = "doctor@city-hospital or doctor@county-hospital"
				}
			}
		}},
	} {
		if err := r.forge(r.his, c.change); err == nil {
			t.Errorf("%s: started", c.name)
		}
	}
	r.epoch(r.hers, 1)
	r.reads("the patient", r.hers, "one")
}

// Whoever may not write starts no epoch.
func TestAttack47_RotationByReaderOrStranger(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	r.reads("the insurer", r.its, "one")
	_, started, parts, err := r.its.Rotation(r.ctx, ledger.OpRead)
	must(t, err)
	e, err := r.its.Event(started)
	must(t, err)
	if err := r.its.Submit(r.ctx, ledger.OpRead, parts, e); err == nil {
		t.Error("a reader started an epoch")
	}
	stranger := r.person()
	must(t, stranger.RegisterIdentity(r.ctx))
	b := r.bookOf(stranger, r.hers.Patient(), ledger.Health)
	if e, err = b.Event(started); err != nil {
		t.Fatal(err)
	}
	held, err := b.Hold(r.ctx, ledger.OpLogin)
	must(t, err)
	if err := held.Submit(r.ctx, r.hers.Head(), parts, e); err == nil {
		t.Error("a stranger started an epoch")
	}
	r.epoch(r.hers, 1)
}

// Where garbage can't be seen from outside, whom it is meant for disputes it and starts an epoch that holds.
func TestAttack47_GarbageIsDisputed(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	must(t, r.forge(r.his, func(f *forged) { f.replace(ledger.PartOwner, []byte("garbage")) }))
	r.epoch(r.hers, 2)
	r.write(r.hers, "two")
	r.disputed(2)

	must(t, r.forge(r.his, func(f *forged) { f.replace(ledger.PartShred, f.data(ledger.PartOwner)) }))
	r.write(r.hers, "three")
	r.disputed(4)

	wrap := ledger.WrapName(r.doctors)
	must(t, r.forge(r.his, func(f *forged) {
		made, err := ledger.ParseWrap(f.data(wrap))
		must(t, err)
		made.Sealed[len(made.Sealed)-1]++
		data, err := made.Marshal()
		must(t, err)
		f.replace(wrap, data)
	}))
	r.write(r.other, "four")
	r.disputed(6)
	r.epoch(r.hers, 7)
	want := []string{"one", "two", "three", "four"}
	r.reads("the patient", r.hers, want...)
	for who, b := range map[string]*client.Book{"the second doctor": r.other, "the insurer": r.its} {
		// The epochs without garbage are there; those before a broken one, by their own wraps.
		if got := r.texts(b); !slices.Equal(got, want) {
			t.Errorf("%s reads %q, want %q", who, got, want)
		}
	}
}

// disputed checks that an epoch is over and was disputed.
func (r *rotations) disputed(number uint32) {
	r.t.Helper()
	f, err := r.hers.Fact(r.ctx)
	must(r.t, err)
	if e, ok := f.At(number); !ok || !e.Disputed || f.Epoch.Number != number+1 {
		r.t.Errorf("epoch %d: %+v, and now it is epoch %d; want it disputed and followed", number, e, f.Epoch.Number)
	}
}

// Two make the same epoch, and their parts arrive crosswise. One counts, with its own parts.
func TestAttack47_TwoRotators(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	_, first, firstParts, err := r.his.Rotation(r.ctx, ledger.OpWrite)
	must(t, err)
	_, second, secondParts, err := r.other.Rotation(r.ctx, ledger.OpWrite)
	must(t, err)
	send := func(b *client.Book, started *ledger.EpochStarted, parts []protocol.PartData) error {
		e, err := b.Event(started)
		must(t, err)
		return b.Submit(r.ctx, ledger.OpWrite, parts, e)
	}
	if err := send(r.his, first, secondParts); err == nil {
		t.Error("an epoch was started with the parts of another")
	}
	must(t, send(r.his, first, firstParts))
	if err := send(r.other, second, secondParts); err == nil {
		t.Error("the same epoch was started twice")
	}
	r.epoch(r.hers, 2)
	r.write(r.other, "two")
	for who, b := range map[string]*client.Book{"the patient": r.hers, "the first": r.his, "the second": r.other, "the insurer": r.its} {
		r.reads(who, b, "one", "two")
	}
}

// Fifty rotations and writes at once, by the patient and two doctors, some of whom go away in the middle. One epoch wins each
// time, all that was acknowledged is there once, and everybody can read it.
func TestAttack48_ConcurrentRotationsAndWrites(t *testing.T) {
	w := inTown(t)
	maria, ruiz, second := w.patient(), w.the("doctor@city-hospital"), w.the("doctor@county-hospital")
	r := &rotations{world: w, maria: maria, hers: w.book(maria, maria, ledger.Health)}
	w.grant(r.hers, client.GrantRequest{To: "doctor@city-hospital or doctor@county-hospital", Write: true})
	r.his, r.other = w.book(ruiz, maria, ledger.Health), w.book(second, maria, ledger.Health)
	homes := []*client.Home{maria.Home(), ruiz.Home(), second.Home()}
	const each = 17
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	var all sync.WaitGroup
	for who, home := range homes {
		b := r.bookOf(r.connect(home), r.hers.Patient(), ledger.Health)
		all.Go(func() {
			for i := range each {
				text := fmt.Sprintf("%d by %d", i, who)
				if i%3 == 2 {
					if err := b.Rotate(r.ctx); err != nil {
						t.Error(err)
					}
					continue
				}
				if i%5 == 4 {
					r.interrupted(home, text)
				} else if _, err := b.Write(r.ctx, notes(text), nil); err != nil {
					t.Error(err)
				}
				mu.Lock()
				acknowledged[text] = true
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for _, home := range homes {
		_, err := r.bookOf(r.connect(home), r.hers.Patient(), ledger.Health).Resume(r.ctx, nil)
		must(t, err)
	}
	times := make(map[string]int)
	for _, text := range r.texts(r.hers) {
		times[text]++
	}
	for text := range acknowledged {
		if times[text] != 1 {
			t.Errorf("%q is there %d times", text, times[text])
		}
	}
	if len(times) != len(acknowledged) {
		t.Errorf("%d records, want %d", len(times), len(acknowledged))
	}
	want := r.texts(r.hers)
	for who, b := range map[string]*client.Book{"the first": r.his, "the second": r.other} {
		r.reads(who, b, want...)
	}
}

// interrupted writes with a wire that breaks at some moment, and then again from the same home until the draft is sent.
func (r *rotations) interrupted(home *client.Home, text string) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	away := newWire(r.node.Dialer())
	left, end := rand.IntN(8), fate(rand.IntN(2)+1)
	var mu sync.Mutex
	away.each = func(p []byte) fate {
		mu.Lock()
		defer mu.Unlock()
		if !asks(p, "ingest.") && !asks(p, "keys.") && !asks(p, "gate.consumer") {
			return passes
		}
		if left--; left >= 0 {
			return passes
		}
		cancel()
		return end
	}
	config := r.config(home)
	config.Dialer = away
	c, err := client.Dial(r.ctx, config)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer c.Close()
	b, err := c.Book(r.ctx, r.hers.Patient(), ledger.Health)
	if err == nil {
		_, err = b.Write(ctx, notes(text), nil)
	}
	if err != nil && ctx.Err() == nil && !errors.Is(err, errCut) && !strings.Contains(err.Error(), "closed") {
		r.t.Errorf("interrupted: %v", err)
	}
}
