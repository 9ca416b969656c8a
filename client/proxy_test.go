package client_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// proxy lets somebody act for a patient.
func (w *world) proxy(patient, who *client.Client, write bool, names ...ledger.Compartment) []client.Proxy {
	w.t.Helper()
	named, err := patient.AddProxy(w.ctx, client.ProxyRequest{
		To: who.GID(), Compartments: names, Write: write, Until: w.clock.now().Add(100 * 24 * time.Hour),
	})
	must(w.t, err)
	return named
}

// One call names a person for several compartments. They read what was there, what they write says for whom, and it ends.
func TestProxy(t *testing.T) {
	w := inTown(t)
	maria, ana, ruiz := w.patient(), w.person(), w.the("doctor@city-hospital")
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "before")
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	named := w.proxy(maria, ana, true, ledger.Training, ledger.Health, ledger.Training)
	if len(named) != 2 || named[0].Chain != ledger.RecordChain(maria.GID(), ledger.Health) || named[1].Person != ana.GID() || !named[1].Term.Proxy {
		t.Fatalf("AddProxy = %+v", named)
	}
	acts := w.book(ana, maria, ledger.Health)
	w.write(acts, "on behalf")
	w.write(w.book(ana, maria, ledger.Training), "ran with her")
	for who, b := range map[string]*client.Book{"the patient": hers, "the proxy": acts, "a doctor": w.book(ruiz, maria, ledger.Health)} {
		w.reads(who, b, "before", "on behalf")
		records, err := b.Records(w.ctx)
		must(t, err)
		if records[0].Acting || !records[1].Acting || records[1].Author != ana.GID() {
			t.Errorf("%s is told: %+v", who, records)
		}
	}
	for name, list := range map[string]func() ([]client.Proxy, error){
		"the patient's": func() ([]client.Proxy, error) { return maria.Proxies(w.ctx) },
		"the proxy's":   func() ([]client.Proxy, error) { return ana.ActingFor(w.ctx) },
	} {
		all, err := list()
		must(t, err)
		if len(all) != 2 || all[0].Chain.Compartment != ledger.Health || all[0].Person != ana.GID() || all[0].Term.ID != named[0].Term.ID {
			t.Errorf("%s list is %+v", name, all)
		}
	}
	receipt, _ := w.consent(hers, named[0].Term.ID)
	if code, text := receipt.at("provision.actor.0.role.coding.0.code"), receipt.at("text.div"); code != "RESPRSN" ||
		!strings.Contains(text, "the person "+string(ana.GID())+", to act for the patient, and read and write") {
		t.Errorf("the receipt says %q: %s", code, text)
	}
	log, err := maria.AccessLog(w.ctx)
	must(t, err)
	if !slices.ContainsFunc(log, func(a client.Access) bool { return a.GID == ana.GID() && a.Acting }) ||
		slices.ContainsFunc(log, func(a client.Access) bool { return a.GID == ruiz.GID() && a.Acting }) {
		t.Errorf("the access log says %+v", log)
	}

	ended, err := maria.EndProxies(w.ctx, func(p client.Proxy) bool { return p.Term.ID == named[0].Term.ID })
	must(t, err)
	if len(ended) != 1 {
		t.Errorf("ended %+v", ended)
	}
	w.barred("a proxy whose right was ended", acts)
	w.reads("the proxy, elsewhere", w.book(ana, maria, ledger.Training), "ran with her")
	w.write(hers, "after")
	for _, e := range hers.Entries()[2:] {
		if acts.Opens(e) {
			t.Error("what was written after the end opens under a proxy's keys")
		}
	}
	if log, err = maria.AccessLog(w.ctx); err != nil || !slices.ContainsFunc(log, func(a client.Access) bool { return a.GID == ana.GID() && a.Acting }) {
		t.Errorf("afterwards the access log says %+v, %v", log, err)
	}
}

// A proxy who may only read writes nothing; one from now on reads nothing earlier; several compartments are named or none is.
func TestProxyLimits(t *testing.T) {
	w := inTown(t)
	maria, ana, ben := w.patient(), w.person(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	must(t, ben.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "before")
	w.proxy(maria, ana, false, ledger.Health)
	w.reads("one who may read", w.book(ana, maria, ledger.Health), "before")
	w.refused("one who may read", w.book(ana, maria, ledger.Health))
	later := w.clock.now().Add(time.Hour)
	_, err := maria.AddProxy(w.ctx, client.ProxyRequest{To: ben.GID(), Compartments: []ledger.Compartment{ledger.Health}, FromNow: true, Until: later})
	must(t, err)
	w.write(hers, "after")
	w.reads("one from now on", w.book(ben, maria, ledger.Health), "?", "after")

	for name, r := range map[string]client.ProxyRequest{
		"act for yourself":        {To: maria.GID(), Compartments: []ledger.Compartment{ledger.Health}, Until: later},
		"who is to act for you":   {To: "doctor@city-hospital", Compartments: []ledger.Compartment{ledger.Health}, Until: later},
		"name the compartments":   {To: ana.GID(), Until: later},
		"has an end":              {To: ana.GID(), Compartments: []ledger.Compartment{ledger.Health}},
		"lies in the past":        {To: ana.GID(), Compartments: []ledger.Compartment{ledger.Health}, Until: w.clock.now()},
		"ends within 366 days":    {To: ana.GID(), Compartments: []ledger.Compartment{ledger.Health}, Until: w.clock.now().AddDate(2, 0, 0)},
		`no compartment "dental"`: {To: ana.GID(), Compartments: []ledger.Compartment{ledger.Training, "dental"}, Until: later},
		"nobody is registered as": {To: newHome(t).Identity().GID(), Compartments: []ledger.Compartment{ledger.Training}, Until: later},
	} {
		if _, err := maria.AddProxy(w.ctx, r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all, err := maria.Proxies(w.ctx); err != nil || slices.ContainsFunc(all, func(p client.Proxy) bool { return p.Chain.Compartment != ledger.Health }) {
		t.Errorf("after refusals: %+v, %v", all, err)
	}
}

// Somebody who is a doctor too goes by their own grant where that does, and acts for the patient where it does not.
func TestProxyWithGrantOfTheirOwn(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.connect(w.the("doctor@city-hospital").Home())
	hers := w.book(maria, maria, ledger.Health)
	w.proxy(maria, ruiz, true, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(w.book(ruiz, maria, ledger.Health), "as a doctor")
	w.write(hers, "own")
	records, err := hers.Records(w.ctx)
	must(t, err)
	if records[0].Acting || records[1].Acting {
		t.Errorf("a doctor acts for the patient: %+v", records)
	}
}

// At the date it is over: at the gate, and for what is sealed from then on.
func TestAttack82_ExpiredProxy(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.proxy(maria, ana, true, ledger.Health)
	acts := w.book(ana, maria, ledger.Health)
	w.write(acts, "in time")
	f, err := hers.Fact(w.ctx)
	must(t, err)
	w.later(101 * 24 * time.Hour)
	w.barred("a proxy after the date", acts)
	w.refused("a proxy after the date", acts)
	if err := acts.Force(w.ctx, ledger.OpWrite, f.Terms[0].ID); err == nil {
		t.Error("the gate opens a session on a term that has ended")
	}
	w.write(hers, "after")
	if after, err := hers.Fact(w.ctx); err != nil || after.Epoch.Number == f.Epoch.Number {
		t.Errorf("epoch %d goes on, %v", f.Epoch.Number, err)
	}
	for _, e := range hers.Entries()[1:] {
		if acts.Opens(e) {
			t.Error("what was written after the date opens under a proxy's keys")
		}
	}
	mine := func(p client.Proxy) bool { return p.Person == ana.GID() }
	if all, err := maria.RenewProxies(w.ctx, w.clock.now().AddDate(1, 0, 2), mine); err == nil {
		t.Errorf("renewed for too long: %+v", all)
	}
	renewed, err := maria.RenewProxies(w.ctx, w.clock.now().Add(24*time.Hour), mine)
	must(t, err)
	if len(renewed) != 1 || renewed[0].Ended {
		t.Errorf("renewed %+v", renewed)
	}
	w.reads("a proxy who was named anew", acts, "in time", "after")
	w.clock.forward(25 * time.Hour)
	w.barred("a proxy after the next date", acts)
}

// A proxy at the node itself: what is the patient's alone is refused, whoever asks for it in a proxy's session.
func TestAttack80_ProxyHop(t *testing.T) {
	w := inTown(t)
	maria, ana, eve := w.patient(), w.person(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	must(t, eve.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	ids := w.write(hers, "one")
	named := w.proxy(maria, ana, true, ledger.Health)
	acts := w.book(ana, maria, ledger.Health)
	w.reads("the proxy", acts, "one")
	f, err := acts.Fact(w.ctx)
	must(t, err)
	own, err := ledger.NewTermID(strings.NewReader(strings.Repeat("x", 16)), w.clock.now())
	must(t, err)
	next := ledger.Term{ID: own, Expression: ledger.GrantAttribute(maria.GID(), own).String(), Proxy: true, Until: named[0].Term.Until}
	for _, body := range []ledger.Body{
		&ledger.PolicySet{Terms: []ledger.Term{f.Terms[0].Term, next}},
		&ledger.PolicySet{},
		&ledger.RecordErased{Epoch: 1, Records: ids, Leaves: make([][6]byte, 1), Shred: ledger.Hash{1}},
		&ledger.CompartmentCreated{Class: ledger.HealthClass},
		&ledger.EpochConfirmed{Epoch: 1},
	} {
		e, err := acts.Event(body)
		must(t, err)
		if err := acts.Submit(w.ctx, ledger.OpWrite, nil, e); err == nil {
			t.Errorf("%s by a proxy counts", body.Kind())
		}
	}
	if _, err := acts.Grant(w.ctx, client.GrantRequest{To: gid(eve)}); err == nil {
		t.Error("a proxy grants")
	}
	if err := acts.Revoke(w.ctx, f.Terms[0].ID); err == nil {
		t.Error("a proxy revokes")
	}
	// The proxy of one patient is nobody to another, whatever term they name.
	other := w.patient()
	w.barred("the proxy of another", w.book(ana, other, ledger.Health))
	if err := w.book(ana, other, ledger.Health).Force(w.ctx, ledger.OpWrite, named[0].Term.ID); err == nil {
		t.Error("the gate opens another patient's record to a proxy")
	}
	w.reads("the patient", hers, "one")
}

// Proxies named at once, in any order of compartments, while others write, revoke and rotate: all count, and nobody waits for
// ever.
func TestProxiesAtOnce(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	again := w.connect(maria.Home())
	hers := w.book(maria, maria, ledger.Health)
	people := []*client.Client{w.person(), w.person(), w.person(), w.person()}
	for _, p := range people {
		must(t, p.RegisterIdentity(w.ctx))
	}
	granted := w.grant(hers, client.GrantRequest{To: gid(people[0])})
	g, ctx := errgroup.WithContext(w.ctx)
	for i, p := range people {
		g.Go(func() error {
			names := []ledger.Compartment{ledger.Health, ledger.Training}
			who := maria
			if i%2 == 1 {
				slices.Reverse(names)
				who = again
			}
			_, err := who.AddProxy(ctx, client.ProxyRequest{
				To: p.GID(), Compartments: names, Write: true, FromNow: i == 2, Until: w.clock.now().Add(time.Hour),
			})
			return err
		})
	}
	g.Go(func() error {
		_, err := hers.Write(ctx, notes("one", "two"), nil)
		return err
	})
	g.Go(func() error { return hers.Revoke(ctx, granted.Term.ID) })
	g.Go(func() error { return w.book(again, maria, ledger.Training).Rotate(ctx) })
	must(t, g.Wait())
	for i, p := range people {
		if all, err := p.ActingFor(w.ctx); err != nil || len(all) != 2 {
			t.Errorf("person %d acts by %+v, %v", i, all, err)
		}
		w.write(w.book(p, maria, ledger.Training), "by a proxy")
	}
}
