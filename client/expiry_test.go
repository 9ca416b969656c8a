package client_test

import (
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// When a grant ends, everything that rests on it does: the sessions that are open, those that somebody watches in, what its
// holder may say, and the keys that what is written next is sealed under.
func TestGrantEnds(t *testing.T) {
	w := newWorld(t)
	maria, ruiz, agent := w.patient(), w.connect(w.the("doctor@city-hospital").Home()), w.the("agent@acme-insurance")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.write(hers, "before")
	until := w.clock.now().Add(10 * time.Minute)
	term := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, Until: until}).Term
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	w.write(his, "by the doctor")
	w.reads("the doctor", his, "before", "by the doctor")
	seen := w.watch(w.ctx, w.bookOf(w.connect(ruiz.Home()), maria.GID(), ledger.Health))
	w.write(hers, "while it lasts")
	seen.next("while it lasts")
	reading, err := his.Hold(w.ctx, ledger.OpRead)
	must(t, err)
	writing, err := his.Hold(w.ctx, ledger.OpWrite)
	must(t, err)
	late, err := his.Seal(w.ctx, note("too late"))
	must(t, err)
	log, err := maria.AccessLog(w.ctx)
	must(t, err)
	for _, a := range log {
		if a.Term == term.ID && a.Expires.After(time.UnixMilli(term.Until)) {
			t.Errorf("a session lasts until %s, and its grant until %s", a.Expires, time.UnixMilli(term.Until))
		}
	}

	w.clock.forward(10 * time.Minute)
	if reading.Alive(w.ctx) || writing.Alive(w.ctx) {
		t.Error("a session goes on")
	}
	if err := writing.Submit(w.ctx, hers.Head(), nil, late); err == nil {
		t.Error("something said in it counts")
	}
	seen.ends(client.ErrNotShared)
	w.barred("the doctor", his)
	w.refused("the doctor", his)

	x, err := hers.Explain(w.ctx, "")
	must(t, err)
	if x.Stale == "" || !x.Terms[0].Ended {
		t.Errorf("stale: %q, ended: %v", x.Stale, x.Terms[0].Ended)
	}
	w.write(hers, "after")
	f, err := hers.Fact(w.ctx)
	must(t, err)
	if _, there := f.Epoch.Part(ledger.WrapName(term.ID)); there || f.Epoch.Number != 2 {
		t.Errorf("epoch %d, and a wrap for the ended grant: %v", f.Epoch.Number, there)
	}
	w.reads("the insurer", w.book(agent, maria, ledger.Health), "before", "by the doctor", "while it lasts", "after")

	// The doctor with every key there ever was, and with all that the node has of the new epoch.
	records := hers.Entries()
	if his.Opens(records[len(records)-1]) {
		t.Error("what was written after the end opens under the keys of before")
	}
	stolen, err := hers.Parts(w.ctx)
	must(t, err)
	if err := his.OpenStolen(w.ctx, f, stolen); err == nil {
		t.Error("the new epoch opens with the doctor's attribute keys")
	}
}

// A writer whose clock is a little off writes on, past the end of a grant too: what counts is log time.
func TestGrantEndsByLogTime(t *testing.T) {
	for name, off := range map[string]time.Duration{"behind": -50 * time.Second, "ahead": 50 * time.Second} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.the("agent@acme-insurance")
			config := w.config(newHome(t))
			config.Now = func() time.Time { return w.clock.now().Add(off) }
			maria := w.dial(config)
			must(t, maria.RegisterPatient(w.ctx))
			hers := w.book(maria, maria, ledger.Health)
			until := w.clock.now().Add(10 * time.Minute)
			w.grant(hers, client.GrantRequest{To: "agent@acme-insurance", Until: until})
			w.write(hers, "before")
			if off < 0 {
				w.clock.forward(until.Sub(w.clock.now())) // it has ended, and the writer does not know
			} else {
				w.clock.forward(until.Sub(w.clock.now()) - 45*time.Second) // it has not, and the writer believes so
			}
			w.write(hers, "at the end")
			f, err := hers.Fact(w.ctx)
			must(t, err)
			_, wrapped := f.Epoch.Part(ledger.WrapName(f.Terms[0].ID))
			if wrapped != (off > 0) {
				t.Errorf("in epoch %d the grant has a wrap: %v", f.Epoch.Number, wrapped)
			}
		})
	}
}
