package client_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// brief is somebody's program that stops before or after one of the things it asks of the node: to read a chain, or to write.
func (w *world) brief(home *client.Home, b *client.Book, step int, end fate, do func(context.Context, *client.Book) error) (through bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	away := newWire(w.node.Dialer())
	var mu sync.Mutex
	away.each = func(p []byte) fate {
		mu.Lock()
		defer mu.Unlock()
		if !asks(p, "ingest.") && !asks(p, "gate.consumer") {
			return passes
		}
		if step--; step >= 0 {
			return passes
		}
		cancel()
		return end
	}
	config := w.config(home)
	config.Dialer = away
	c, err := client.Dial(ctx, config)
	if err != nil {
		return false
	}
	defer c.Close()
	its, err := c.Book(ctx, b.Patient(), b.Compartment())
	if err == nil {
		err = do(ctx, its)
	}
	away.cut()
	return err == nil
}

// Whatever somebody does with epochs, their program stops before or after each thing that it asks of the node, and another of
// theirs goes on. Meanwhile the others write. One epoch wins each time, everything that was kept at home or acknowledged is
// there once, and everybody who is let in reads all of it, also from nothing.
func TestAttack48_CrashesBetweenSteps(t *testing.T) {
	w := newWorld(t)
	doctors := "doctor@city-hospital or doctor@county-hospital"
	type act struct {
		name    string
		patient bool
		before  func(r *rotations)
		do      func(ctx context.Context, r *rotations, b *client.Book) error
	}
	rotated := func(r *rotations) { must(t, r.other.Rotate(r.ctx)) }
	for _, a := range []act{
		{"a doctor starts an epoch", false, nil, func(ctx context.Context, _ *rotations, b *client.Book) error {
			_, err := b.StartEpoch(ctx, "because")
			return err
		}},
		{"a doctor writes, in an epoch that is disputed", false, func(r *rotations) { r.lose(r.other, ledger.WrapName(r.doctors)) }, writes},
		{"the patient reads, after another's epoch", true, rotated, func(ctx context.Context, _ *rotations, b *client.Book) error {
			_, err := b.Records(ctx)
			return err
		}},
		{"the patient writes, after another's epoch", true, rotated, writes},
		{"the patient grants from now on", true, rotated, func(ctx context.Context, _ *rotations, b *client.Book) error {
			_, err := b.Grant(ctx, client.GrantRequest{To: "agent@acme-insurance", FromNow: true})
			return err
		}},
		{"the patient grants with history", true, rotated, func(ctx context.Context, _ *rotations, b *client.Book) error {
			_, err := b.Grant(ctx, client.GrantRequest{To: "agent@acme-insurance"})
			return err
		}},
		{"the patient revokes", true, rotated, func(ctx context.Context, r *rotations, b *client.Book) error {
			f, err := b.Fact(ctx)
			if err == nil && len(f.Terms) > 2 {
				err = b.Revoke(ctx, f.Terms[2].ID)
			}
			return err
		}},
	} {
		if raceEnabled && a.patient {
			continue // each takes minutes
		}
		r := w.rotations()
		r.write(r.hers, "first")
		var want []string
		step, through := 0, false
		for end := lostBefore; end <= lostAfter; {
			w.clock.forward(5 * time.Second) // nobody says hello too often
			if a.before != nil {
				a.before(r)
			}
			home := r.maria.Home()
			if !a.patient {
				home = r.the("doctor@city-hospital").Home()
			}
			through = r.brief(home, r.hers, step, end, func(ctx context.Context, b *client.Book) error { return a.do(ctx, r, b) })
			text := fmt.Sprintf("others, %d", len(want))
			r.write(r.other, text)
			want = append(want, text)
			if unsent, err := home.Unsent(); err != nil || len(unsent) > 0 {
				must(t, err)
				_, err = r.cold(r.hers, home).Resume(r.ctx, nil)
				must(t, err)
			}
			if !a.patient {
				r.texts(r.hers)
			}
			if step++; through {
				end, step = end+1, 0
			}
			if step > 40 {
				t.Fatalf("%s: no end after %d steps", a.name, step)
			}
		}
		got := r.texts(r.hers)
		if others := slices.DeleteFunc(slices.Clone(got), func(text string) bool { return text == "first" || text == "mine" }); !slices.Equal(others, want) {
			t.Errorf("%s: the others' records are %q, want %q", a.name, others, want)
		}
		for who, b := range map[string]*client.Book{
			"the patient, anew": r.cold(r.hers, r.maria.Home()), "a doctor": r.his, "the other, anew": r.cold(r.hers, r.the("doctor@county-hospital").Home()),
		} {
			r.reads(a.name+": "+who, b, got...)
		}
		r.grant(r.hers, client.GrantRequest{To: doctors + " or agent@acme-insurance"})
		r.reads(a.name+": the insurer, let in later", r.cold(r.hers, r.the("agent@acme-insurance").Home()), got...)
		r.epochsHold(a.name, r.hers)
	}
}

func writes(ctx context.Context, _ *rotations, b *client.Book) error {
	_, err := b.Write(ctx, notes("mine"), nil)
	return err
}

// epochsHold checks that every epoch is vouched for by the patient, and that of those that are over no wrap is left but those
// from now on.
func (r *rotations) epochsHold(what string, hers *client.Book) {
	r.t.Helper()
	r.texts(hers)
	f, err := hers.Fact(r.ctx)
	must(r.t, err)
	for n := uint32(1); n <= f.Epoch.Number; n++ {
		if e, _ := f.At(n); !e.Disputed && !e.Confirmed || n > 1 && !e.Linked {
			r.t.Errorf("%s: epoch %d of %d is left: confirmed %v, linked %v", what, n, f.Epoch.Number, e.Confirmed, e.Linked)
		}
	}
	for _, p := range f.Obsolete() {
		r.erased(hers, fmt.Sprintf("%d.%s", p.Epoch, p.Part.Name))
	}
}
