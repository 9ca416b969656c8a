package client_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// sessions counts the lines of an access log by kind and operation.
func (w *world) sessions(c *client.Client) map[string]int {
	w.t.Helper()
	log, err := c.AccessLog(w.ctx)
	must(w.t, err)
	counts := make(map[string]int)
	for _, a := range log {
		counts[fmt.Sprint(a.Kind, " ", a.Operation)]++
	}
	return counts
}

// A session goes on under its id, as often as its holder has the right to it, and the access log says so.
func TestSessionGoesOn(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	texts := []string{"at first"}
	w.write(his, texts...)
	first, err := his.Hold(w.ctx, ledger.OpWrite)
	must(t, err)
	for i := range 3 {
		w.clock.forward(11*time.Minute + 30*time.Second)
		texts = append(texts, fmt.Sprint("later ", i))
		w.write(his, texts[len(texts)-1])
		if held, err := his.Hold(w.ctx, ledger.OpWrite); err != nil || held.ID() != first.ID() {
			t.Errorf("after %d renewals it is session %s, %v; want %s", i+1, held.ID(), err, first.ID())
		}
	}
	w.reads("the patient", hers, texts...)
	if got := w.sessions(maria); got["session.opened write"] != 1 || got["session.renewed write"] != 3 || got["session.closed write"] != 0 {
		t.Errorf("the access log has %v", got)
	}
	log, err := maria.AccessLog(w.ctx)
	must(t, err)
	for _, a := range log {
		if a.Session == first.ID() && (a.GID != ruiz.GID() || a.Term != granted.Term.ID || a.Expired || a.Expires.IsZero()) {
			t.Errorf("the log says %+v", a)
		}
	}

	// Revoking ends it as it would any other.
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	w.clock.forward(11*time.Minute + 30*time.Second)
	w.refused("the doctor, revoked,", his)
	w.barred("the doctor, revoked,", his)
}

// Who comes back too late opens another session.
func TestSessionNotRenewedOnceOver(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.write(hers, "one")
	w.reads("the doctor", his, "one")
	w.clock.forward(15 * time.Minute)
	w.reads("the doctor, later,", his, "one")
	if got := w.sessions(maria); got["session.opened read"] != 2 || got["session.renewed read"] != 0 {
		t.Errorf("the access log has %v", got)
	}
	log, err := maria.AccessLog(w.ctx)
	must(t, err)
	if !log[0].Expired || log[1].Expired {
		t.Errorf("of the first session the log says that it expired: %v, of the second: %v", log[0].Expired, log[1].Expired)
	}
}

// Another grant, which shows more, is taken when the time for renewal comes.
func TestSessionReplacedInsteadOfRenewed(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.write(hers, "old")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", FromNow: true})
	w.write(hers, "new")
	w.reads("the doctor", his, "?", "new")
	w.grant(hers, client.GrantRequest{To: gid(ruiz)})
	w.clock.forward(11*time.Minute + 30*time.Second)
	w.reads("the doctor, who was shown more,", his, "old", "new")
	if got := w.sessions(maria); got["session.opened read"] != 2 || got["session.renewed read"] != 0 {
		t.Errorf("the access log has %v", got)
	}
}

// Watching and writing go on while sessions are renewed under them: nothing is lost, and nobody is told of an error.
func TestRenewalUnderWay(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(hers, "before")
	reading := w.bookOf(w.connect(ruiz.Home()), maria.GID(), ledger.Health)
	seen := w.watch(w.ctx, reading)
	w.write(hers, "first")
	seen.next("first")
	const rounds, each = 4, 3
	for round := range rounds {
		w.clock.forward(11*time.Minute + 30*time.Second) // and not in the middle of a challenge, which lasts half a minute
		var all sync.WaitGroup
		for i := range each {
			all.Go(func() {
				if _, err := his.Write(w.ctx, notes(fmt.Sprint("doctor ", i, " ", round)), nil); err != nil {
					t.Errorf("writing: %v", err)
				}
			})
		}
		all.Go(func() {
			if _, err := reading.Records(w.ctx); err != nil {
				t.Errorf("reading: %v", err)
			}
		})
		all.Wait()
	}
	var got []string
	for range rounds * each {
		select {
		case text := <-seen.came:
			got = append(got, text)
		case err := <-seen.done:
			t.Fatalf("watching ended: %v", err)
		case <-time.After(time.Minute):
			t.Fatalf("of %d records came %q", rounds*each, got)
		}
	}
	slices.Sort(got)
	if len(slices.Compact(got)) != rounds*each {
		t.Errorf("came %q", got)
	}
	if got := w.sessions(maria); got["session.renewed read"] == 0 || got["session.renewed write"] == 0 {
		t.Errorf("the access log has %v", got)
	}
}
