package client_test

import (
	"errors"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// A book's grants are told with whom they name, and stay told of once they are over.
func TestGrants(t *testing.T) {
	w := inTown(t)
	maria, ana, leo := w.patient(), w.person(), w.the("trainer@iron-gym")
	w.the("doctor@city-hospital")
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Training)
	club := w.grant(hers, client.GrantRequest{To: "trainer@iron-gym"}).Term.ID
	named := w.grant(hers, client.GrantRequest{To: gid(ana)}).Term.ID
	gone := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"}).Term.ID
	must(t, hers.Revoke(w.ctx, gone))
	all, err := hers.Grants(w.ctx)
	must(t, err)
	if len(all) != 3 || all[0].ID != club || all[1].ID != named || all[2].ID != gone {
		t.Fatalf("%d grants: %v; want three, in order", len(all), all)
	}
	if all[1].Person != ana.GID() || all[1].To != gid(ana) || all[0].Person != "" {
		t.Errorf("to %q, who is %q; want %q", all[1].To, all[1].Person, gid(ana))
	}
	if !all[0].Revoked.IsZero() || all[2].Revoked.IsZero() || all[0].Granted.IsZero() {
		t.Errorf("granted %s, revoked %s and %s; want the last revoked alone", all[0].Granted, all[0].Revoked, all[2].Revoked)
	}
	trainer, err := policy.ParseAttribute("trainer@iron-gym")
	must(t, err)
	for _, held := range []struct {
		attribute policy.Attribute
		want      []bool
	}{{trainer, []bool{true, false, false}}, {client.PersonAttribute(ana.GID()), []bool{false, true, false}}} {
		for i, want := range held.want {
			if got, err := all[i].Satisfied(maria.GID(), held.attribute); got != want || err != nil {
				t.Errorf("%s satisfies %s: %v, %v; want %v", held.attribute, all[i].To, got, err, want)
			}
		}
	}
	theirs, err := w.book(leo, maria, ledger.Training).Grants(w.ctx)
	must(t, err)
	if len(theirs) != 3 || theirs[1].Person != "" {
		t.Errorf("the trainer is told of %v; want all three, and nobody's name", theirs)
	}
	if own, err := w.book(ana, maria, ledger.Training).Grants(w.ctx); err != nil || own[1].Person != ana.GID() {
		t.Errorf("the person named is told of %v, %v; want themselves", own, err)
	}
}

// What holders of a grant can open is what they do open.
func TestRecordsOf(t *testing.T) {
	w := inTown(t)
	maria, leo, ana := w.patient(), w.the("trainer@iron-gym"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Training)
	w.write(hers, "before")
	late := w.grant(hers, client.GrantRequest{To: "trainer@iron-gym", FromNow: true}).Term.ID
	w.write(hers, "after")
	all := w.grant(hers, client.GrantRequest{To: gid(ana)}).Term.ID
	for _, reader := range []struct {
		who   *client.Client
		grant ledger.TermID
	}{{leo, late}, {ana, all}} {
		want := 0
		for _, text := range w.texts(w.book(reader.who, maria, ledger.Training)) {
			if text != "?" {
				want++
			}
		}
		got, err := hers.RecordsOf(w.ctx, reader.grant)
		must(t, err)
		if len(got) != want || string(got[len(got)-1].Body) != "after" {
			t.Errorf("the grant opens %d records; its holder opens %d", len(got), want)
		}
	}
	if none, err := hers.RecordsOf(w.ctx); err != nil || len(none) != 0 {
		t.Errorf("no grant opens %d records, %v", len(none), err)
	}
}

// Changes of several compartments count together, or not at all.
func TestMakeAll(t *testing.T) {
	w := inTown(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	books := []*client.Book{w.book(maria, maria, ledger.Training), w.book(maria, maria, ledger.Health)}
	plan := func() (changes []*client.Change) {
		for _, b := range books {
			c, err := b.PlanGrant(w.ctx, client.GrantRequest{To: gid(ana)})
			must(t, err)
			_, err = c.Preview(w.ctx)
			must(t, err)
			changes = append(changes, c)
		}
		return changes
	}
	changes := plan()
	must(t, maria.MakeAll(w.ctx, changes...))
	for _, b := range books {
		w.write(b, "hello")
		w.reads("the person named", w.bookOf(ana, maria.GID(), b.Compartment()), "hello")
	}
	must(t, maria.MakeAll(w.ctx, changes...)) // again: they count already

	changes = plan()
	w.grant(books[0], client.GrantRequest{To: "trainer@iron-gym"})
	if err := maria.MakeAll(w.ctx, changes...); !errors.Is(err, client.ErrMoved) {
		t.Errorf("made what was looked at before another grant: %v; want ErrMoved", err)
	}
	if f, err := books[1].Fact(w.ctx); err != nil || len(f.Terms) != 1 {
		t.Errorf("%d grants on the compartment that had not moved, %v; want the first alone", len(f.Terms), err)
	}
	if err := changes[0].Make(w.ctx); !errors.Is(err, client.ErrMoved) {
		t.Errorf("made alone: %v; want ErrMoved", err)
	}
	one, err := books[0].PlanGrant(w.ctx, client.GrantRequest{To: gid(ana)})
	must(t, err)
	if err := maria.MakeAll(w.ctx, one, one); err == nil {
		t.Error("a compartment was changed twice at once")
	}
}

// Several grants of a compartment end at once, in one new epoch.
func TestRevokeSeveral(t *testing.T) {
	w := inTown(t)
	maria, leo, ana := w.patient(), w.the("trainer@iron-gym"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Training)
	club := w.grant(hers, client.GrantRequest{To: "trainer@iron-gym"}).Term.ID
	named := w.grant(hers, client.GrantRequest{To: gid(ana)}).Term.ID
	kept := w.grant(hers, client.GrantRequest{To: gid(leo)}).Term.ID
	w.write(hers, "one")
	w.reads("the person named", w.book(ana, maria, ledger.Training), "one")
	change, err := hers.PlanRevoke(w.ctx, club, named)
	must(t, err)
	p, err := change.Preview(w.ctx)
	must(t, err)
	if len(p.Sessions) != 1 || !p.Sessions[0].Ends || len(p.Wraps) != 1 {
		t.Errorf("%+v; want that one session ends, and one grant is left", p)
	}
	must(t, change.Make(w.ctx))
	f, err := hers.Fact(w.ctx)
	must(t, err)
	if len(f.Terms) != 1 || f.Terms[0].ID != kept || f.Epoch.Number != 2 {
		t.Errorf("%d grants, epoch %d; want the one kept, in the second epoch", len(f.Terms), f.Epoch.Number)
	}
	w.barred("the person named", w.book(ana, maria, ledger.Training))
	if _, err := hers.PlanRevoke(w.ctx, kept, named); err == nil {
		t.Error("a grant that is gone was revoked with another")
	}
}
