package view_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// What is shown of a grant before it is made, of what becomes one and of what is refused.
func TestPreviewGrant(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	leo := w.holder("trainer@iron-gym", "Leo")
	w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	w.holder("case-worker@acme-insurance", "Ivo")
	w.holder("officer@acme-works", "Eva")
	person := "gid:" + string(leo.GID())
	for _, c := range []struct {
		name        string
		draft       view.GrantDraft
		to          string
		open, write []string
		cannot      []string
		warnings    []string
		refused     string // part of why
	}{
		{
			"a role reads one part",
			view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"training"}},
			"role",
			[]string{"training"},
			nil,
			[]string{"health"},
			nil, "",
		},
		{
			"a person in a role writes",
			view.GrantDraft{To: person + " and trainer@iron-gym", Compartments: []string{"training"}, Write: true},
			"person",
			[]string{"training"},
			[]string{"training"},
			[]string{"health"},
			nil, "",
		},
		{
			"several parts",
			view.GrantDraft{To: person, Compartments: []string{"training", "health"}},
			"person",
			[]string{"health", "training"},
			nil, nil, nil, "",
		},
		{
			"a branch that everybody satisfies",
			view.GrantDraft{To: "doctor@city-hospital or patient@phr", Compartments: []string{"health"}},
			"role",
			[]string{"health"},
			nil,
			[]string{"training"},
			[]string{"dropped"},
			"",
		},
		{
			"an insurer reads",
			view.GrantDraft{To: "case-worker@acme-insurance", Compartments: []string{"health"}},
			"role",
			[]string{"health"},
			nil,
			[]string{"training"},
			nil, "",
		},
		{
			"everybody",
			view.GrantDraft{To: "patient@phr", Compartments: []string{"health"}},
			"", nil, nil, nil,
			[]string{"everybody"},
			"everybody",
		},
		{
			"an insurer writes",
			view.GrantDraft{To: "case-worker@acme-insurance", Compartments: []string{"health"}, Write: true},
			"", nil, nil, nil,
			[]string{"write-refused"},
			"never write",
		},
		{
			"an employer writes",
			view.GrantDraft{To: "officer@acme-works", Compartments: []string{"health"}, Write: true},
			"", nil, nil, nil,
			[]string{"write-refused"},
			"never write",
		},
		{
			"a trainer writes into health",
			view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"training", "health"}, Write: true},
			"", nil, nil, nil,
			[]string{"write-refused"},
			"hospital",
		},
		{
			"a person alone writes",
			view.GrantDraft{To: person, Compartments: []string{"training"}, Write: true},
			"", nil, nil, nil,
			[]string{"write-refused"},
			"role",
		},
		{"no policy", view.GrantDraft{To: "doctor of city", Compartments: []string{"health"}}, "", nil, nil, nil, nil, "whom to grant to"},
		{"nobody", view.GrantDraft{Compartments: []string{"health"}}, "", nil, nil, nil, nil, "who"},
		{"nothing", view.GrantDraft{To: person}, "", nil, nil, nil, nil, "what"},
		{"an end in the past", view.GrantDraft{To: person, Compartments: []string{"health"}, Until: new(time.Time)}, "person", []string{"health"}, nil, []string{"training"}, nil, ""},
		{"an unknown role", view.GrantDraft{To: "pilot@iron-gym", Compartments: []string{"health"}}, "", nil, nil, nil, nil, "not defined"},
		{"a proxy without an end", view.GrantDraft{To: person, Compartments: []string{"health"}, Proxy: true}, "", nil, nil, nil, nil, "end"},
	} {
		p := call[view.GrantPreview](maria, "grant.preview", c.draft)
		if (p.Token == "") != (c.refused != "") || !strings.Contains(p.Refused, c.refused) {
			t.Errorf("%s: token %q, refused %q; want %q", c.name, p.Token, p.Refused, c.refused)
			continue
		}
		if !slices.Equal(p.Warnings, c.warnings) || !slices.Equal(p.Open, c.open) || !slices.Equal(p.Write, c.write) || !slices.Equal(p.Cannot, c.cannot) {
			t.Errorf("%s: %+v", c.name, p)
		}
		if c.to != "" && p.To.Kind != c.to {
			t.Errorf("%s: to %+v, want a %s", c.name, p.To, c.to)
		}
	}
	if s := call[view.Sharing](maria, "sharing", view.Of{}); len(s.Compartments[0].Grants)+len(s.Compartments[1].Grants) != 0 {
		t.Errorf("previews made grants: %+v", s)
	}
}

// What was shown is made, once, and all of it.
func TestMakeGrant(t *testing.T) {
	w := newWorld(t)
	maria, leo := w.patient("Maria"), w.holder("trainer@iron-gym", "Leo")
	draft := view.GrantDraft{To: "gid:" + string(leo.GID()), Compartments: []string{"training", "health"}, FromNow: true}
	p := call[view.GrantPreview](maria, "grant.preview", draft)
	if !p.NewEpoch || p.Records != 0 || p.To.Name != "Leo" {
		t.Errorf("%+v; want new keys, and nothing of before", p)
	}
	s := call[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	if len(s.Compartments[0].Grants) != 1 || len(s.Compartments[1].Grants) != 1 || s.Compartments[0].Grants[0].History {
		t.Fatalf("%+v; want a grant on each", s)
	}
	if e := <-maria.events; e.name != "changed" || e.data.(view.Changed).What != "grants" {
		t.Errorf("told of %+v; want that grants changed", e)
	}
	_, err := try[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)

	receipt := call[view.Download](maria, "grant.receipt", view.GrantNames{Grants: []string{s.Compartments[0].Grants[0].ID}})
	if receipt.Media != "application/fhir+json" || !strings.Contains(string(receipt.Bytes), `"Consent"`) {
		t.Errorf("receipt %s: %s", receipt.Name, receipt.Bytes)
	}
	both := call[view.Download](maria, "grant.receipt", view.GrantNames{Grants: []string{s.Compartments[0].Grants[0].ID, s.Compartments[1].Grants[0].ID}})
	if strings.Count(string(both.Bytes), `"Consent"`) != 2 {
		t.Errorf("receipts: %s; want both", both.Bytes)
	}
	more := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"training"}})
	if len(more.Cannot) != 1 || more.Cannot[0] != "health" {
		t.Errorf("%+v; want that trainers can't open health, though one of them can", more)
	}
	again := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{To: "gid:" + string(leo.GID()), Compartments: []string{"training"}})
	if !slices.Equal(again.Open, []string{"training", "health"}) || len(again.Cannot) != 0 {
		t.Errorf("%+v; want it said that they can open health already", again)
	}
}

// A grant that was looked at is not made once others were made, or after a while.
func TestMakeGrantMoved(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("")
	w.holder("trainer@iron-gym", "Leo")
	draft := view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"health", "training"}}
	p := call[view.GrantPreview](maria, "grant.preview", draft)
	ana := w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	maria.grant(ledger.Training, client.GrantRequest{To: "gid:" + string(ana.GID())})
	_, err := try[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)
	s := call[view.Sharing](maria, "sharing", view.Of{})
	if len(s.Compartments[0].Grants) != 0 || len(s.Compartments[1].Grants) != 1 {
		t.Errorf("%+v; want nothing made of it, on the other part neither", s)
	}
	p = call[view.GrantPreview](maria, "grant.preview", draft)
	w.clock.forward(11 * time.Minute)
	_, err = try[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)
}

// An authority of which nothing was heard for long is granted nothing.
func TestPreviewGrantAsleep(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("")
	w.holder("trainer@iron-gym", "Leo")
	w.leave("iron-gym")
	w.clock.forward(72 * time.Hour)
	p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{To: "trainer@iron-gym", Compartments: []string{"training"}})
	if p.Token != "" || p.Refused == "" || !slices.Equal(p.Warnings, []string{"asleep"}) {
		t.Errorf("%+v; want it refused, as the club is asleep", p)
	}
}

// A grant gets another end and another right in place; what ends by it is said.
func TestEditGrant(t *testing.T) {
	w := newWorld(t)
	maria, leo := w.patient(""), w.holder("trainer@iron-gym", "Leo")
	id := maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym", Write: true}).Term.ID.String()
	_, err := leo.book(maria, ledger.Training).Write(w.ctx, []client.Draft{note("ran")}, nil)
	must(t, err)
	until := w.clock.now().Add(48 * time.Hour).UTC().Truncate(time.Millisecond)
	p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{Grant: id, Until: &until})
	if p.Token == "" || p.Sessions != 1 || p.Records != 1 || len(p.Write) != 0 || !p.Until.Equal(until) {
		t.Errorf("%+v; want that the session to write ends", p)
	}
	s := call[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	if g := s.Compartments[1].Grants[0]; g.ID != id || g.Write || !g.Until.Equal(until) {
		t.Errorf("%+v; want the same grant, to read until then", g)
	}
	if p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{Grant: id, Until: &until}); !strings.Contains(p.Refused, "nothing changes") {
		t.Errorf("%+v; want that nothing changes", p)
	}
	if p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{Grant: "none"}); p.Refused == "" || p.Token != "" {
		t.Errorf("%+v; want that there is no such grant", p)
	}
}

// Somebody acts for a patient until a day, or until that is taken back.
func TestProxy(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.patient(""), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	until := w.clock.now().Add(30 * 24 * time.Hour)
	p := call[view.GrantPreview](maria, "grant.preview", view.GrantDraft{
		To: "gid:" + string(ana.GID()), Compartments: []string{"training", "health"}, Write: true, Until: &until, Proxy: true,
	})
	if p.To.Kind != "proxy" || !slices.Equal(p.Write, []string{"health", "training"}) || p.Token == "" {
		t.Fatalf("%+v; want a proxy for both", p)
	}
	call[view.Sharing](maria, "grant.make", view.Token{Token: p.Token})
	_, err := ana.book(maria, ledger.Health).Write(w.ctx, []client.Draft{note("for her")}, nil)
	must(t, err)
	theirs := call[view.Patients](ana, "patients", view.PatientsQuery{}).Patients
	if len(theirs) != 1 || theirs[0].Grants[0].To.Kind != "proxy" || theirs[0].Grants[0].To.GID != string(ana.GID()) {
		t.Errorf("as the proxy sees it: %+v; want herself", theirs)
	}
	s := call[view.Sharing](maria, "proxy.end", view.ProxyEnd{GID: string(ana.GID())})
	if len(s.Compartments[0].Grants)+len(s.Compartments[1].Grants) != 0 {
		t.Errorf("%+v; want nobody left", s)
	}
	_, err = try[view.Sharing](maria, "proxy.end", view.ProxyEnd{GID: string(ana.GID())})
	failing(t, err, view.CodeInput)
}
