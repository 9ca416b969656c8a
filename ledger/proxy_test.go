package ledger_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// proxyTerm is a term by which somebody acts for the patient until the end of a year.
func (w *world) proxyTerm(write bool) ledger.Term {
	id := w.newTerm()
	return ledger.Term{
		ID: id, Expression: ledger.GrantAttribute(w.patient.GID(), id).String(), Write: write, History: true, Proxy: true,
		Until: w.now.AddDate(1, 0, 0).UnixMilli(),
	}
}

// proxy makes somebody act for the patient on a compartment.
func (w *world) proxy(p *person, c ledger.Chain, edits ...func(*ledger.Term)) ledger.Term {
	t := w.proxyTerm(true)
	for _, edit := range edits {
		edit(&t)
	}
	f, _ := w.state.Compartment(c)
	w.say(w.patient, w.profile, w.issued(w.patient, p, ledger.GrantAttribute(w.patient.GID(), t.ID).Name, 1))
	w.terms[c] = append(w.terms[c], t)
	w.say(w.patient, c, w.set(c))
	w.say(w.patient, c, &ledger.EpochRewrapped{Epoch: f.Epoch.Number, Parts: []ledger.Part{w.wrap(t)}})
	return t
}

// acting makes an event one of a session, in which its author acts for the patient.
func acting(s ledger.SessionID, term ledger.TermID) func(*ledger.Event) {
	return func(e *ledger.Event) {
		e.Session = s
		if err := e.Act(term); err != nil {
			panic(err)
		}
	}
}

func TestProxyTerms(t *testing.T) {
	day := 24 * time.Hour
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.Term)
		text string
	}{
		{"to write, without any role", func(*world, *ledger.Term) {}, ""},
		{"to read", func(_ *world, t *ledger.Term) { t.Write = false }, ""},
		{"from now on", func(_ *world, t *ledger.Term) { t.History = false }, ""},
		{"for a year and a day", func(w *world, t *ledger.Term) { t.Until = w.now.Add(366 * day).UnixMilli() }, ""},
		{"for longer", func(w *world, t *ledger.Term) { t.Until = w.now.Add(366*day + time.Millisecond).UnixMilli() }, "ends within 366 days"},
		{"for ever", func(_ *world, t *ledger.Term) { t.Until = 0 }, "has an end"},
		{"until now", func(w *world, t *ledger.Term) { t.Until = w.now.UnixMilli() }, "has ended already"},
		{"in a role", func(_ *world, t *ledger.Term) { t.Expression = "doctor@city-hospital and " + t.Expression }, "with no role beside"},
		{"or a role", func(_ *world, t *ledger.Term) { t.Expression = "doctor@city-hospital or " + t.Expression }, "nobody instead"},
		{"a role alone", func(_ *world, t *ledger.Term) { t.Expression = "doctor@city-hospital" }, "is one person"},
		{"an insurer's agents", func(_ *world, t *ledger.Term) { t.Expression = "agent@acme-insurance" }, "is one person"},
		{"every patient", func(_ *world, t *ledger.Term) { t.Expression = "patient@phr" }, "is one person"},
		{"the person of another term", func(w *world, t *ledger.Term) {
			t.Expression = ledger.GrantAttribute(w.patient.GID(), w.byNobody).String()
		}, "whom this patient names"},
		{"the person of another patient", func(w *world, t *ledger.Term) {
			t.Expression = ledger.GrantAttribute(w.other.GID(), t.ID).String()
		}, "whom this patient names"},
		{"the person in other letters", func(_ *world, t *ledger.Term) { t.Expression = strings.ToUpper(t.Expression) }, "is one person"},
		{"with somebody to approve", func(_ *world, t *ledger.Term) { t.Write, t.Approval = false, "doctor@city-hospital" }, "or to approve"},
		{"the person twice", func(_ *world, t *ledger.Term) { t.Expression += " or " + t.Expression }, "is one person"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			term := w.proxyTerm(true)
			tt.edit(w, &term)
			err := w.try(w.signed(w.patient, w.training, w.set(w.training, term)))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A proxy's term is renewed by the patient, and becomes no other kind of term.
func TestProxyTermEdits(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.Term)
		text string
	}{
		{"renewed", func(w *world, t *ledger.Term) { t.Until = w.now.Add(ledger.MaxProxy).UnixMilli() }, ""},
		{"renewed too far", func(w *world, t *ledger.Term) { t.Until = w.now.Add(ledger.MaxProxy + time.Hour).UnixMilli() }, "ends within"},
		{"made endless", func(_ *world, t *ledger.Term) { t.Until = 0 }, "has an end"},
		{"may read only", func(_ *world, t *ledger.Term) { t.Write = false }, ""},
		{"ended now", func(w *world, t *ledger.Term) { t.Until = w.now.UnixMilli() }, ""},
		{"made an ordinary one", func(_ *world, t *ledger.Term) { t.Proxy = false }, "set a new one"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			w.proxy(w.nobody, w.training)
			w.now = w.now.Add(48 * time.Hour)
			b := w.set(w.training)
			b.Terms = slices.Clone(b.Terms)
			tt.edit(w, &b.Terms[len(b.Terms)-1])
			if err := w.try(w.signed(w.patient, w.training, b)); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	w := newWorld(t)
	b := w.set(w.health)
	b.Terms = slices.Clone(b.Terms)
	i := slices.IndexFunc(b.Terms, func(t ledger.Term) bool { return t.ID == w.byNobody })
	b.Terms[i].Proxy, b.Terms[i].Until = true, w.now.AddDate(0, 1, 0).UnixMilli()
	refused(t, w.try(w.signed(w.patient, w.health, b)), ledger.ErrInvalid, "set a new one")
}

// What a proxy may say of a compartment, and what is the patient's alone.
func TestAttack80_ProxyHop(t *testing.T) {
	w := newWorld(t)
	ward := w.proxy(w.nobody, w.health)
	s := w.open(w.nobody, w.health, ledger.OpWrite, ward.ID)
	say := func(c ledger.Chain, b ledger.Body) error { return w.try(w.signed(w.nobody, c, b, acting(s, ward.ID))) }

	next := w.proxyTerm(true)
	share := ledger.Term{ID: w.newTerm(), Expression: "nurse@city-hospital", History: true}
	longer := w.set(w.health)
	longer.Terms = slices.Clone(longer.Terms)
	longer.Terms[len(longer.Terms)-1].Until += int64(time.Hour / time.Millisecond)
	dental := ledger.RecordChain(w.patient.GID(), "dental")
	for name, err := range map[string]error{
		"names a proxy":           say(w.health, w.set(w.health, next)),
		"shares":                  say(w.health, w.set(w.health, share)),
		"renews":                  say(w.health, longer),
		"revokes":                 say(w.health, w.without(w.health, w.byAgent)),
		"issues":                  say(w.profile, w.issued(w.patient, w.nurse, ledger.GrantAttribute(w.patient.GID(), next.ID).Name, 1)),
		"makes a compartment":     say(dental, &ledger.CompartmentCreated{Class: ledger.HealthClass}),
		"erases":                  say(w.health, w.erasure(w.first)),
		"erases the compartment":  say(w.health, &ledger.CompartmentErased{Reason: "gone"}),
		"erases the patient":      say(w.profile, &ledger.PatientErased{Reason: "gone"}),
		"confirms an epoch":       say(w.health, &ledger.EpochConfirmed{Epoch: 1}),
		"registers the patient":   say(w.profile, &ledger.PatientRegistered{Key: w.patient.master.PublicKey().Bytes()}),
		"closes the patient's":    say(w.access, &ledger.SessionClosed{Session: s, Reason: "gone"}),
		"ends the patient":        say(ledger.PersonChain(w.patient.GID()), &ledger.IdentityRevoked{Reason: "gone"}),
		"wraps for who is not in": say(w.health, &ledger.EpochRewrapped{Epoch: 1, Parts: []ledger.Part{w.wrap(share)}}),
	} {
		if err == nil {
			t.Errorf("a proxy %s", name)
		}
	}
	// The proxy passes the key on: it is bound to their GID, and the log shows nobody else holding it.
	if _, err := w.state.Entitled(w.nurse.GID(), w.health, ledger.OpRead, ward.ID, w.now); err == nil {
		t.Error("whoever has a proxy's key is let in")
	}
	for _, b := range []ledger.Body{w.record(w.health), &ledger.RecordAmended{Content: w.content(w.health), Refers: w.first.ID}, w.start(w.health)} {
		if err := say(w.health, b); err != nil {
			t.Errorf("a proxy's %s: %v", b.Kind(), err)
		}
	}
}

// An insurer's agent may act for a patient as a person. It makes the agent one in no other way, and is no door for others.
func TestAttack81_InsurerAsProxy(t *testing.T) {
	w := newWorld(t)
	ward := w.proxy(w.agent, w.health)
	s := w.open(w.agent, w.health, ledger.OpWrite, ward.ID)
	w.say(w.agent, w.health, w.record(w.health), acting(s, ward.ID))

	clerk := w.opened(w.clerk, w.health, ledger.OpWrite, ward.ID)
	refused(t, w.try(w.signed(w.node, w.access, clerk)), ledger.ErrInvalid, "does not hold")
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpWrite, w.byAgent))), ledger.ErrInvalid, "reading only")
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.agent, w.training, ledger.OpWrite, ward.ID))), ledger.ErrInvalid, "not in force")
	for _, expression := range []string{
		"agent@acme-insurance", "agent@acme-insurance and " + ward.Expression, "agent@acme-insurance or " + ward.Expression,
		"1 of (agent@acme-insurance, " + ward.Expression + ")",
	} {
		for _, proxy := range []bool{true, false} {
			term := w.proxyTerm(true)
			term.Proxy, term.Expression = proxy, must(policy.Parse(strings.ReplaceAll(expression, ward.ID.String(), term.ID.String()))).String()
			if err := w.try(w.signed(w.patient, w.health, w.set(w.health, term))); err == nil {
				t.Errorf("%q counts, as a proxy's: %v", expression, proxy)
			}
		}
	}
	// A wrap for the proxy's term that names the insurer is not made for it.
	part := w.wrap(ledger.Term{ID: ward.ID, Expression: "agent@acme-insurance"})
	b := w.start(w.health)
	i := slices.IndexFunc(b.Parts, func(p ledger.Part) bool { return p.Term == ward.ID })
	b.Parts[i] = part
	refused(t, w.try(w.signed(w.patient, w.health, b)), ledger.ErrInvalid, "is not made for its term")
	// The insurer suspended or the agent dismissed: the person stays who they are.
	w.say(w.insurer, ledger.AuthorityChain("acme-insurance"), &ledger.RepresentativeRemoved{GID: w.agent.GID(), Attributes: []string{"agent"}})
	if _, err := w.state.Entitled(w.agent.GID(), w.health, ledger.OpWrite, ward.ID, w.now); err != nil {
		t.Error(err)
	}
}

// The right ends at its date, at the gate and for what is signed in a session that was open, and the next epoch has no wrap.
func TestAttack82_ExpiredProxy(t *testing.T) {
	w := newWorld(t)
	ward := w.proxy(w.nobody, w.health, func(t *ledger.Term) { t.Until = w.now.Add(10 * time.Minute).UnixMilli() })
	s := w.open(w.nobody, w.health, ledger.OpWrite, ward.ID)
	w.say(w.nobody, w.health, w.record(w.health), acting(s, ward.ID))
	w.now = w.now.Add(10 * time.Minute)
	refused(t, w.try(w.signed(w.nobody, w.health, w.record(w.health), acting(s, ward.ID))), ledger.ErrInvalid, "ended 2026-")
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.nobody, w.health, ledger.OpRead, ward.ID))), ledger.ErrInvalid, "ended 2026-")
	if _, err := w.state.Entitled(w.nobody.GID(), w.health, ledger.OpRead, ward.ID, w.now); err == nil {
		t.Error("entitled after the end")
	}
	refused(t, w.try(w.signed(w.patient, w.health, w.record(w.health))), ledger.ErrStale, "no longer in force")
	started := w.say(w.patient, w.health, w.start(w.health)).Body.(*ledger.EpochStarted)
	if slices.ContainsFunc(started.Parts, func(p ledger.Part) bool { return p.Term == ward.ID }) {
		t.Error("the next epoch is wrapped for who acted for the patient")
	}
	w.terms[w.health] = w.without(w.health, ward.ID).Terms
	w.say(w.patient, w.health, w.set(w.health))
	if f, _ := w.state.Compartment(w.health); f.Must || !slices.Contains(f.Proxies, ward.ID) {
		t.Errorf("Must = %v, Proxies = %v", f.Must, f.Proxies)
	}
}

// An event says that its author acts for the patient exactly if they do.
func TestActingIsSaid(t *testing.T) {
	w := newWorld(t)
	ward, reads := w.proxy(w.nobody, w.health), w.proxy(w.nurse, w.health, func(t *ledger.Term) { t.Write = false })
	s, visit := w.open(w.nobody, w.health, ledger.OpWrite, ward.ID), w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	for _, tt := range []struct {
		name   string
		author *person
		edit   func(*ledger.Event)
		text   string
	}{
		{"a proxy says so", w.nobody, acting(s, ward.ID), ""},
		{"a proxy hides it", w.nobody, in(s), "does not say that its author acts"},
		{"a proxy names another term", w.nobody, acting(s, reads.ID), "does not act for the patient by"},
		{"a proxy names a doctors' term", w.nobody, acting(s, w.byDoctor), "does not act for the patient by"},
		{"a doctor", w.doctor, in(visit), ""},
		{"a doctor who claims it", w.doctor, acting(visit, ward.ID), "does not act for the patient by"},
		{"the patient", w.patient, acting(ledger.SessionID{}, ward.ID), "does not act for the patient by"},
		{"no term", w.nobody, func(e *ledger.Event) {
			e.Session, e.Extensions = s, map[uint64]canonical.RawMessage{4: must(canonical.Marshal(ledger.TermID{}))}
		}, "by no term"},
		{"no id", w.nobody, func(e *ledger.Event) {
			e.Session, e.Extensions = s, map[uint64]canonical.RawMessage{4: {0x01}}
		}, "by which term"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := w.signed(tt.author, w.health, w.record(w.health), tt.edit)
			if err := w.try(e); tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	run := w.run(w.nobody, w.health, 3, acting(s, ward.ID))
	if err := w.tryFold(w.place(run...)...); err != nil {
		t.Error(err)
	}
	if got := run[0].Acting(); got != ward.ID {
		t.Errorf("Acting = %s", got)
	}
	hidden := w.run(w.nobody, w.health, 3, acting(s, ward.ID))
	must(0, hidden[1].Act(ledger.TermID{}))
	hidden[2].Prev = ledger.HashEvent(must(hidden[1].Marshal()))
	w.sign(w.nobody, hidden[2])
	refused(t, w.tryFold(w.place(hidden...)...), ledger.ErrInvalid, "does not say that its author acts")
}

// A reader, who sees no sessions, sees by the compartment's own chain whether somebody may act for the patient at all.
func TestReaderSeesWhoActs(t *testing.T) {
	w := newWorld(t)
	ward := w.proxy(w.nobody, w.health)
	s, visit := w.open(w.nobody, w.health, ledger.OpWrite, ward.ID), w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	w.say(w.nobody, w.health, w.record(w.health), acting(s, ward.ID))
	r := newReader(w)
	if err := r.learn(all(about(w.patient, w.nobody, w.doctor), on(w.health))); err != nil {
		t.Fatal(err)
	}
	if f, _ := r.Compartment(w.health); !slices.Contains(f.Proxies, ward.ID) {
		t.Errorf("Proxies = %v", f.Proxies)
	}
	claimed := w.signed(w.doctor, w.health, w.record(w.health), acting(visit, w.byDoctor))
	refused(t, r.Fold(w.place(claimed)...), ledger.ErrInvalid, "does not act for the patient by")
	w.terms[w.health] = w.without(w.health, ward.ID).Terms
	for _, next := range []func() ledger.Body{func() ledger.Body { return w.set(w.health) }, func() ledger.Body { return w.start(w.health) }} {
		if err := r.Fold(w.say(w.patient, w.health, next())); err != nil {
			t.Fatal(err)
		}
	}
	late := w.signed(w.nobody, w.health, w.record(w.health), acting(s, ward.ID))
	refused(t, r.Fold(w.place(late)...), ledger.ErrInvalid, "does not act for the patient by")
	if f, _ := r.Compartment(w.health); !slices.Contains(f.Proxies, ward.ID) {
		t.Error("who acted once is forgotten")
	}
}
