package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

func ptr[T any](v T) *T { return &v }

// A later end, and none, let somebody in for longer, in the same epoch and under the same grant.
func TestEditLaterEnd(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers, his := w.book(maria, maria, ledger.Health), w.bookOf(ana, maria.GID(), ledger.Health)
	w.write(hers, "one")
	id := w.grant(hers, client.GrantRequest{To: gid(ana), Until: w.clock.now().Add(time.Hour)}).Term.ID
	w.reads("the person named", his, "one")
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: ptr(w.clock.now().Add(3 * time.Hour))}))
	w.clock.forward(2 * time.Hour)
	w.write(hers, "two")
	w.reads("the person named", his, "one", "two")
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: new(time.Time)}))
	w.clock.forward(10 * time.Hour)
	w.reads("the person named", his, "one", "two")
	if f, err := hers.Fact(w.ctx); err != nil || f.Epoch.Number != 1 || len(f.Terms) != 1 || f.Terms[0].ID != id {
		t.Errorf("terms %v, epoch %d, %v; want the one grant in the first epoch", f.Terms, f.Epoch.Number, err)
	}
}

// An earlier end counts, and what is written next is sealed under other keys, which the holder is given as long as it lasts.
func TestEditEarlierEnd(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers, his := w.book(maria, maria, ledger.Health), w.bookOf(ana, maria.GID(), ledger.Health)
	w.write(hers, "one")
	id := w.grant(hers, client.GrantRequest{To: gid(ana)}).Term.ID
	w.reads("the person named", his, "one")
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: ptr(w.clock.now().Add(time.Hour))}))
	w.write(hers, "two")
	w.reads("the person named, whose session went on,", his, "one", "two")
	if f, err := hers.Fact(w.ctx); err != nil || f.Epoch.Number != 2 {
		t.Errorf("epoch %d, %v; want a new one", f.Epoch.Number, err)
	}
	w.clock.forward(time.Hour)
	w.barred("the person named, an hour later,", his)
}

// Who may only read from now on has no session to write any more, and goes on reading.
func TestEditReadOnly(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.connect(w.the("doctor@city-hospital").Home())
	hers, his := w.book(maria, maria, ledger.Health), w.bookOf(ruiz, maria.GID(), ledger.Health)
	id := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true}).Term.ID
	w.write(his, "one")
	held, err := his.Hold(w.ctx, ledger.OpWrite)
	must(t, err)
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Write: ptr(false)}))
	if held.Alive(w.ctx) {
		t.Error("the session to write goes on")
	}
	w.refused("the doctor", his)
	w.write(hers, "two")
	w.reads("the doctor", his, "one", "two")
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Write: ptr(true)}))
	w.write(his, "three")
	w.reads("the patient", hers, "one", "two", "three")
}

// A grant that has ended is renewed under its id. With the past it opens what was written meanwhile too, without the past
// not; a reader who kept every key of before opens nothing of that until then.
func TestEditRenews(t *testing.T) {
	for _, tt := range []struct {
		name    string
		fromNow bool
		want    []string
	}{
		{"with the past", false, []string{"old", "while it lasted", "meanwhile", "anew"}},
		{"from now on", true, []string{"?", "while it lasted", "?", "anew"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			maria, ana := w.patient(), w.person()
			must(t, ana.RegisterIdentity(w.ctx))
			hers, his := w.book(maria, maria, ledger.Health), w.bookOf(ana, maria.GID(), ledger.Health)
			w.write(hers, "old")
			until := w.clock.now().Add(time.Hour)
			id := w.grant(hers, client.GrantRequest{To: gid(ana), FromNow: tt.fromNow, Until: until}).Term.ID
			w.write(hers, "while it lasted")
			w.texts(his)
			w.clock.forward(time.Hour)
			w.write(hers, "meanwhile")
			w.reads("the patient", hers, "old", "while it lasted", "meanwhile")
			meanwhile := hers.Entries()[2]
			if his.Opens(meanwhile) {
				t.Error("what was written after the end opens under the keys of before")
			}
			if err := hers.EditGrant(w.ctx, id, client.GrantEdit{Write: ptr(false)}); err == nil || !strings.Contains(err.Error(), "nothing changes") {
				t.Errorf("an edit that changes nothing: %v", err)
			}
			must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: ptr(w.clock.now().Add(time.Hour))}))
			w.write(hers, "anew")
			w.reads("the person named", his, tt.want...)
			w.reads("the same with no memory", w.bookOf(w.connect(ana.Home()), maria.GID(), ledger.Health), tt.want...)
		})
	}
}

func TestEditRefused(t *testing.T) {
	w := newWorld(t)
	maria, ana, agent := w.patient(), w.person(), w.the("agent@acme-insurance")
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	soon := w.clock.now().Add(time.Hour)
	named := w.grant(hers, client.GrantRequest{To: gid(ana), Until: soon}).Term.ID
	insurer := w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"}).Term.ID
	for _, tt := range []struct {
		name, says string
		id         ledger.TermID
		edit       client.GrantEdit
	}{
		{"nothing", "nothing changes", named, client.GrantEdit{}},
		{"what it is", "nothing changes", insurer, client.GrantEdit{Until: new(time.Time), Write: ptr(false)}},
		{"an end in the past", "lies in the future", named, client.GrantEdit{Until: ptr(w.clock.now().Add(-time.Second))}},
		{"writing for a person alone", "role", named, client.GrantEdit{Write: ptr(true)}},
		{"writing for an insurer", "never write", insurer, client.GrantEdit{Write: ptr(true)}},
		{"another compartment's", "no grant", ledger.TermID{1}, client.GrantEdit{Until: new(time.Time)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			change, err := hers.PlanEdit(w.ctx, tt.id, tt.edit)
			if err == nil {
				if _, previewed := change.Preview(w.ctx); previewed == nil || !strings.Contains(previewed.Error(), tt.says) {
					t.Errorf("the preview says %v, want %q", previewed, tt.says)
				}
				err = change.Make(w.ctx)
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("it is answered %v, want %q", err, tt.says)
			}
		})
	}
	if err := w.bookOf(agent, maria.GID(), ledger.Health).EditGrant(w.ctx, insurer, client.GrantEdit{Write: ptr(true)}); err == nil ||
		!strings.Contains(err.Error(), "only the patient") {
		t.Errorf("an edit by the holder: %v", err)
	}
	w.clock.forward(time.Hour)
	if err := hers.EditGrant(w.ctx, named, client.GrantEdit{Write: ptr(true)}); err == nil || !strings.Contains(err.Error(), "say until when") {
		t.Errorf("an edit of what has ended: %v", err)
	}
}

// A change that was planned is not made on a grant that is another one meanwhile.
func TestChangeOfWhatChanged(t *testing.T) {
	w := inTown(t)
	w.the("agent@acme-insurance")
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	id := w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"}).Term.ID
	week, month := w.clock.now().Add(7*24*time.Hour), w.clock.now().Add(30*24*time.Hour)
	shorter, err := hers.PlanEdit(w.ctx, id, client.GrantEdit{Until: &week})
	must(t, err)
	end, err := hers.PlanRevoke(w.ctx, id)
	must(t, err)
	must(t, hers.EditGrant(w.ctx, id, client.GrantEdit{Until: &month}))
	for _, c := range []*client.Change{shorter, end} {
		if err := c.Make(w.ctx); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
			t.Errorf("made all the same: %v", err)
		}
	}
	must(t, hers.Revoke(w.ctx, id))
	if err := shorter.Make(w.ctx); err == nil || !strings.Contains(err.Error(), "any more") {
		t.Errorf("an edit of what is revoked: %v", err)
	}
}
