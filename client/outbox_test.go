package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

func numbered(from, to int) []string {
	var texts []string
	for i := from; i < to; i++ {
		texts = append(texts, fmt.Sprintf("record %d", i))
	}
	return texts
}

// An import of 2,000 records goes in three atomic submissions. When the node goes away in the middle, what was acknowledged
// is there, what was not is sent afterwards, and nothing twice.
func TestResumeAfterNodeStopped(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	all := numbered(0, 2000)

	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	var acknowledged int
	ids, err := hers.Write(ctx, notes(all...), func(written int) {
		if acknowledged = written; written >= 900 {
			must(t, w.stop())
			cancel()
		}
	})
	if err == nil || acknowledged != 900 || len(ids) != 900 {
		t.Fatalf("with the node stopped: %d acknowledged, %d ids, %v", acknowledged, len(ids), err)
	}
	must(t, w.start())

	again := w.connect(maria.Home())
	hers = w.book(again, again, ledger.Health)
	w.reads("the patient, meanwhile,", hers, all[:900]...)
	if unsent, err := again.Home().Unsent(); err != nil || len(unsent) != 1 || unsent[ledger.RecordChain(maria.GID(), ledger.Health).String()] != 1100 {
		t.Errorf("unsent %v, %v", unsent, err)
	}
	rest, err := hers.Resume(w.ctx, nil)
	must(t, err)
	if len(rest) != 1100 {
		t.Errorf("resumed %d, want 1100", len(rest))
	}
	w.reads("the patient", hers, all...)
	w.nothingLeft(hers)
}

// nothingLeft checks that the outbox is empty, and that resuming writes nothing.
func (w *world) nothingLeft(b *client.Book) {
	w.t.Helper()
	if ids, err := b.Resume(w.ctx, nil); err != nil || len(ids) != 0 {
		w.t.Errorf("resuming with nothing left: %d ids, %v", len(ids), err)
	}
}

// A bundle of 600 is one submission: on the log it is one run with one signature, or nothing.
func TestBundleIsAtomic(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, numbered(0, 600)...)
	w.texts(hers)
	entries := hers.Entries()
	signed := 0
	for _, e := range entries {
		if len(e.Signature) > 0 {
			signed++
		}
		if e.LogTime != entries[0].LogTime || e.Control != entries[0].Control {
			t.Fatal("the bundle was written in parts")
		}
	}
	if len(entries) != 600 || signed != 1 || len(entries[599].Signature) == 0 {
		t.Errorf("%d records with %d signatures", len(entries), signed)
	}
}

// A draft whose right has ended stays in the outbox, sealed to its author, who is told.
func TestDraftAfterAccessEnded(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(his, "one")
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	for range 2 {
		ids, err := his.Write(w.ctx, notes("two"), nil)
		if len(ids) != 0 || !errors.Is(err, client.ErrNotShared) || !strings.Contains(err.Error(), "not sent, access ended") {
			t.Errorf("writing after the revocation: %v, %v", ids, err)
		}
	}
	chain := ledger.RecordChain(maria.GID(), ledger.Health).String()
	if unsent, err := ruiz.Home().Unsent(); err != nil || unsent[chain] != 2 {
		t.Errorf("unsent %v, %v; want the two drafts", unsent, err)
	}
	w.reads("the patient", hers, "one")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	if ids, err := his.Resume(w.ctx, nil); err != nil || len(ids) != 2 {
		t.Errorf("resuming once access is back: %v, %v", ids, err)
	}
	w.reads("the patient", hers, "one", "two", "two")
}

// A person's machine stops before or after anything it sends. Another run, from what is on its disk, finishes the job.
func TestCrashBetweenSteps(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	var want []string
	for _, end := range []fate{lostBefore, lostAfter} {
		step := 0
		for through := false; !through; step++ {
			text := fmt.Sprintf("%d at step %d", end, step)
			var kept bool
			kept, through = w.crash(maria.Home(), hers, text, step, end)
			next := w.connect(maria.Home())
			_, err := w.book(next, maria, ledger.Health).Resume(w.ctx, nil)
			must(t, err)
			next.Close()
			if kept || through {
				want = append(want, text)
			}
			if step%5 == 0 {
				must(t, hers.Rotate(w.ctx))
			}
		}
		if step < 5 {
			t.Errorf("a write is over after %d steps", step)
		}
	}
	w.reads("the patient", hers, want...)
}

// crash writes until a number of things have been sent. Kept tells that the draft was in the outbox then, through that all
// went well before.
func (w *world) crash(home *client.Home, hers *client.Book, text string, step int, end fate) (kept, through bool) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	away := newWire(w.node.Dialer())
	config := w.config(home)
	config.Dialer = away
	b := w.bookOf(w.dial(config), hers.Patient(), ledger.Health)
	var mu sync.Mutex
	sent := 0
	away.each = func(p []byte) fate {
		mu.Lock()
		defer mu.Unlock()
		if !asks(p, "") {
			return passes
		}
		if sent++; sent <= step {
			return passes
		}
		cancel()
		return end
	}
	_, err := b.Write(ctx, notes(text), nil)
	away.cut()
	unsent, failed := home.Unsent()
	must(w.t, failed)
	return len(unsent) > 0, err == nil
}

// What a crash between two steps of the outbox leaves is an unnamed file, which nobody sends.
func TestOutboxLeftovers(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	chain := ledger.RecordChain(maria.GID(), ledger.Health)
	home := maria.Home()
	before := home.Files()
	must(t, home.Keep(w.ctx, chain, notes("kept")))
	kept := home.Files()

	half := home.Files()
	half["outbox"] = before["outbox"]
	if half["outbox"] == nil {
		delete(half, "outbox")
	}
	home.Restore(half)
	w.nothingLeft(hers)

	home.Restore(kept)
	ids, err := hers.Resume(w.ctx, nil)
	if err != nil || len(ids) != 1 {
		t.Errorf("resuming what was kept: %v, %v", ids, err)
	}
	w.nothingLeft(hers)
	w.reads("the patient", hers, "kept")
}

// Two runs of a program with one home write at the same time, and finish what a third has left. Nothing is written twice.
func TestOutboxShared(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	chain := ledger.RecordChain(maria.GID(), ledger.Health)
	want := numbered(0, 20)
	for _, text := range want {
		must(t, maria.Home().Keep(w.ctx, chain, notes(text)))
	}
	var all sync.WaitGroup
	for i := range 4 {
		c := w.connect(maria.Home())
		b := w.book(c, maria, ledger.Health)
		own := fmt.Sprintf("own %d", i)
		want = append(want, own)
		all.Go(func() {
			if _, err := b.Resume(w.ctx, nil); err != nil {
				t.Error(err)
			}
			if _, err := b.Write(w.ctx, notes(own), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := w.texts(w.book(maria, maria, ledger.Health))
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// A session that breaks while an answer is on its way costs nothing: the writer finds that the record is there.
func TestAnswerLost(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	flaky := newWire(w.node.Dialer())
	config := w.config(maria.Home())
	config.Dialer = flaky
	again := w.dial(config)
	hers := w.book(again, maria, ledger.Health)
	lost := 0
	flaky.each = func(p []byte) fate {
		if asks(p, "ingest.") && lost < 3 {
			lost++
			return dropped
		}
		return passes
	}
	w.write(hers, "one", "two")
	granted := w.grant(hers, client.GrantRequest{To: gid(w.the("doctor@city-hospital"))})
	lost = 2
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	lost = 2
	must(t, again.CreateCompartment(w.ctx, "emergency", ledger.HealthClass))
	w.reads("the patient", hers, "one", "two")
	if lost != 3 {
		t.Errorf("%d answers were lost", lost)
	}
}
