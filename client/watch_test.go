package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// watched is somebody who watches a book.
type watched struct {
	w    *world
	came chan string
	done chan error
}

// watch begins to watch what comes after all there is now.
func (w *world) watch(ctx context.Context, b *client.Book) *watched {
	w.t.Helper()
	seen := &watched{w, make(chan string, 100), make(chan error, 1)}
	w.texts(b)
	last := b.Head().Number
	go func() {
		seen.done <- b.WatchAfter(ctx, last, func(r chart.Record) error {
			seen.came <- string(r.Body)
			return nil
		})
	}()
	return seen
}

// next checks what comes next.
func (s *watched) next(want ...string) {
	s.w.t.Helper()
	for _, text := range want {
		select {
		case got := <-s.came:
			if got != text {
				s.w.t.Errorf("%q came, want %q", got, text)
			}
		case err := <-s.done:
			s.w.t.Fatalf("waiting for %q: it ended: %v", text, err)
		case <-time.After(time.Minute):
			s.w.t.Fatalf("waiting for %q: nothing came", text)
		}
	}
}

// until waits for a text, whatever comes before it.
func (s *watched) until(text string) {
	s.w.t.Helper()
	for {
		select {
		case got := <-s.came:
			if got == text {
				return
			}
		case err := <-s.done:
			s.w.t.Fatalf("waiting for %q: it ended: %v", text, err)
		case <-time.After(time.Minute):
			s.w.t.Fatalf("waiting for %q: nothing came", text)
		}
	}
}

// ends checks why it ends.
func (s *watched) ends(want error) {
	s.w.t.Helper()
	select {
	case err := <-s.done:
		if !errors.Is(err, want) {
			s.w.t.Errorf("it ended: %v, want %v", err, want)
		}
	case <-time.After(time.Minute):
		s.w.t.Error("it does not end")
	}
}

// Watching goes on past the end of sessions, misses nothing written in between, and ends when access does.
func TestWatch(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.connect(w.the("doctor@city-hospital").Home())
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(hers, "before")
	patient := w.watch(w.ctx, hers)
	doctor := w.watch(w.ctx, his)
	w.write(hers, "last before the sessions end")
	doctor.next("last before the sessions end")
	for i := range 3 {
		ruiz.EndSessions()
		maria.EndSessions()
		texts := []string{fmt.Sprintf("by the patient %d", i), fmt.Sprintf("by the doctor %d", i)}
		w.write(hers, texts[0])
		w.write(his, texts[1])
		doctor.next(texts...)
	}
	must(t, hers.Rotate(w.ctx))
	w.write(hers, "in a new epoch")
	doctor.next("in a new epoch")
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	w.write(hers, "after")
	doctor.ends(client.ErrNotShared)
	patient.until("after")
	if len(doctor.came) > 0 {
		t.Errorf("%q came after the revocation", <-doctor.came)
	}
}

// A session that is due for renewal is followed by another, in which watching goes on.
func TestWatchPastRenewal(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	doctor := w.watch(w.ctx, his)
	for i := range 3 {
		w.clock.forward(ledger.MaxSession)
		text := fmt.Sprintf("a quarter of an hour later %d", i)
		w.write(hers, text)
		doctor.next(text)
	}
}

// It ends with its context, and with the first error of who is told.
func TestWatchEnds(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	ctx, cancel := context.WithCancel(w.ctx)
	patient := w.watch(ctx, hers)
	cancel()
	patient.ends(context.Canceled)

	enough := errors.New("enough")
	last := hers.Head().Number
	w.write(hers, "one", "two")
	told := 0
	err := hers.WatchAfter(w.ctx, last, func(r chart.Record) error {
		told++
		return enough
	})
	if !errors.Is(err, enough) || told != 1 {
		t.Errorf("it ended after %d: %v, want %v", told, err, enough)
	}
}

// Whoever is told may use the book.
func TestWatchWhileWriting(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	const most = 5
	var got []string
	done := make(chan error, 1)
	go func() {
		done <- hers.Watch(ctx, func(r chart.Record) error {
			if got = append(got, string(r.Body)); len(got) == most {
				cancel()
				return nil
			}
			_, err := hers.Write(ctx, notes(fmt.Sprintf("answer %d", len(got))), nil)
			return err
		})
	}()
	for ctx.Err() == nil {
		if _, err := hers.Write(ctx, notes("question"), nil); err != nil && ctx.Err() == nil {
			t.Fatal(err)
		}
	}
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if all := w.texts(hers); !contains(all, got) {
		t.Errorf("told of %q, and there is %q", got, all)
	}
}

// However often and however many at once read the same chains in the session in which somebody watches, they leave the watcher's
// place alone, and the session with it.
func TestWatchBesideReaders(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.connect(w.the("doctor@city-hospital").Home())
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	for name, tt := range map[string]struct {
		b    *client.Book
		op   ledger.Operation
		read func() error
	}{
		"the patient, and her access log": {hers, ledger.OpLogin, func() error {
			_, err := maria.AccessLog(w.ctx)
			return err
		}},
		"the doctor, who reads on and on": {his, ledger.OpRead, func() error {
			_, err := hers.Write(w.ctx, notes("more"), nil)
			if err == nil {
				_, err = his.Records(w.ctx)
			}
			return err
		}},
	} {
		session, err := tt.b.Hold(w.ctx, tt.op)
		must(t, err)
		var watching []*watched
		for range 3 {
			watching = append(watching, w.watch(w.ctx, tt.b))
			w.write(hers, "begin")
			watching[0].until("begin")
		}
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 8 {
					if err := tt.read(); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		w.write(hers, "last")
		for _, each := range watching {
			each.until("last")
		}
		select {
		case <-session.Ended():
			t.Errorf("%s: a reader has cost the watcher their session", name)
		default:
		}
	}
}

// So many watch in one session, and whoever comes then is told, while the others go on.
func TestWatchTooMany(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "first")
	var watching []*watched
	for range protocol.LoginConsumers - client.Readers {
		watching = append(watching, w.watch(w.ctx, hers))
		w.write(hers, "begin")
		watching[len(watching)-1].next("begin")
	}
	if err := hers.Watch(w.ctx, func(chart.Record) error { return nil }); err == nil || !strings.Contains(err.Error(), "watch fewer at once") {
		t.Errorf("one more: %v", err)
	}
	w.write(hers, "last")
	for _, each := range watching {
		each.until("last")
	}
}

// contains tells whether some stand next to each other in all.
func contains(all, some []string) bool {
	for i := 0; i+len(some) <= len(all); i++ {
		if slices.Equal(all[i:i+len(some)], some) {
			return true
		}
	}
	return false
}
