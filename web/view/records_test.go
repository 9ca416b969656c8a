package view_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
	"github.com/phrledger/phr/web/view"
)

func note(text string) client.Draft {
	return client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(text)}
}

// writes puts notes into a compartment of a patient's record.
func (p *someone) writes(of *someone, name ledger.Compartment, texts ...string) []ledger.EventID {
	p.w.t.Helper()
	var drafts []client.Draft
	for _, text := range texts {
		drafts = append(drafts, note(text))
	}
	ids, err := p.book(of, name).Write(p.w.ctx, drafts, nil)
	must(p.w.t, err)
	return ids
}

// maria is a patient with the record of the sample.
func (w *world) maria() *someone {
	w.t.Helper()
	p := w.patient("Maria Núñez")
	var plan client.Plan
	must(w.t, plan.Add("sample", bytes.NewReader(sample.Bundle()), ""))
	_, err := p.Client.Import(w.ctx, p.GID(), &plan, nil)
	must(w.t, err)
	return p
}

func titles(rows []view.Row) []string {
	var all []string
	for _, r := range rows {
		all = append(all, r.Title)
	}
	return all
}

func TestToday(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.maria(), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	before := call[view.Today](maria, "today", view.Nothing{})
	if len(before.New) != 0 || len(before.Recent) != 6 || len(before.Trends) != 3 {
		t.Errorf("%d new, %d recent, %d trends", len(before.New), len(before.Recent), len(before.Trends))
	}
	if before.Me.Name != "Maria Núñez" || !slices.Equal(before.Me.Roles, []string{"patient"}) || !before.Me.Me {
		t.Errorf("she is %+v", before.Me)
	}
	if p := before.Trends[0]; p.Title != "Blood pressure" || p.Category != "vital" || p.Unit != "mmHg" || p.Points[0].Second == nil ||
		!strings.Contains(p.Points[0].Text, "/") || p.Usual == nil || p.Usual.Source != "NHS" {
		t.Errorf("the first trend is %+v", p)
	}
	doctor.writes(maria, ledger.Health, "All is well.")
	after := call[view.Today](maria, "today", view.Nothing{})
	if len(after.New) != 1 || after.New[0].Title != "All is well." || after.New[0].By.Name != "Dr. A. Ruiz" || after.New[0].By.Authority != "city-hospital" {
		t.Errorf("new: %+v", after.New)
	}
	again := w.at(maria.Home())
	if now := call[view.Today](again, "today", view.Nothing{}); len(now.New) != 0 {
		t.Errorf("in the next program it is new still: %q", titles(now.New))
	}
}

func TestTimeline(t *testing.T) {
	w := newWorld(t)
	maria := w.maria()
	maria.writes(maria, ledger.Health, "Había una vez\nuna niña")
	ask := func(q view.TimelineQuery) view.Timeline { return call[view.Timeline](maria, "timeline", q) }
	all := ask(view.TimelineQuery{})
	if all.Total != 167 || len(all.Rows) != 167 || all.Sealed != nil {
		t.Errorf("%d of %d rows, sealed %v", len(all.Rows), all.Total, all.Sealed)
	}
	dated := slices.DeleteFunc(slices.Clone(all.Rows), func(r view.Row) bool { return r.Date == nil })
	if !slices.IsSortedFunc(dated, func(a, b view.Row) int { return b.Date.Compare(*a.Date) }) || len(dated) == len(all.Rows) || all.Rows[0].Title != "Había una vez" {
		t.Error("they are not in order")
	}
	if page := ask(view.TimelineQuery{Offset: 100, Limit: 10}); page.Total != 167 || !slices.Equal(titles(page.Rows), titles(all.Rows[100:110])) {
		t.Errorf("a page of %d, of %d", len(page.Rows), page.Total)
	}
	for text, want := range map[string]string{
		"NINA": "Había una vez", "niña": "Había una vez", "autocuidado": "Diabetes: autocuidado, dieta y movimiento", "ldl 128": "LDL cholesterol 128 mg/dL",
		"colonoscopy": "Colonoscopy",
	} {
		if found := ask(view.TimelineQuery{Text: text}); !slices.Contains(titles(found.Rows), want) || found.Total > 20 {
			t.Errorf("%q: %q", text, titles(found.Rows))
		}
	}
	if found := ask(view.TimelineQuery{Category: "allergy"}); found.Total != 2 {
		t.Errorf("allergies: %q", titles(found.Rows))
	}
	if found := ask(view.TimelineQuery{Compartment: "training"}); found.Total == 0 || found.Rows[0].Category != "activity" {
		t.Errorf("training: %q", titles(found.Rows))
	}
	_, err := try[view.Timeline](maria, "timeline", view.TimelineQuery{Offset: -1})
	failing(t, err, view.CodeInput)
}

// What is not shared is named with its reason, and not counted.
func TestSealed(t *testing.T) {
	w := newWorld(t)
	maria, leo := w.maria(), w.holder("trainer@iron-gym", "Leo Brandt")
	timeline := func() (view.Timeline, error) {
		return try[view.Timeline](leo, "timeline", view.TimelineQuery{Patient: string(maria.GID())})
	}
	_, err := timeline()
	failing(t, err, view.CodeSealed)
	granted := maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym", FromNow: true})
	w.clock.forward(2 * time.Minute)
	maria.writes(maria, ledger.Training, "ran 5 km")
	got, err := timeline()
	must(t, err)
	if !slices.Equal(titles(got.Rows), []string{"ran 5 km"}) || len(got.Sealed) != 2 || got.Sealed[0].Compartment != "health" || got.Sealed[0].Why != "never" ||
		got.Sealed[1].Why != "from-now" || got.Sealed[1].Since == nil {
		t.Errorf("%q, sealed %+v", titles(got.Rows), got.Sealed)
	}
	must(t, maria.book(maria, ledger.Training).Revoke(w.ctx, granted.Term.ID))
	w.clock.forward(2 * time.Minute)
	_, err = timeline()
	failing(t, err, view.CodeSealed)
	until := w.clock.now().Add(time.Hour)
	maria.grant(ledger.Health, client.GrantRequest{To: "trainer@iron-gym", Until: until})
	w.clock.forward(2 * time.Minute)
	got, err = timeline()
	must(t, err)
	if len(got.Sealed) != 1 || got.Sealed[0].Why != "revoked" || got.Sealed[0].Compartment != "training" {
		t.Errorf("after the end of one: sealed %+v", got.Sealed)
	}
}

func TestRecord(t *testing.T) {
	w := newWorld(t)
	maria := w.maria()
	rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{Text: "HbA1c", Limit: 1}).Rows
	r := call[view.Record](maria, "record", view.RecordQuery{ID: rows[0].ID})
	if !strings.HasPrefix(r.Title, "HbA1c ") || r.Category != "lab" || len(r.Fields) == 0 || !strings.Contains(r.Source, "\n  \"resourceType\": \"Observation\"") ||
		!r.MayWrite || !r.MayErase || len(r.History) != 1 || r.Patient.Name != "Maria Núñez" || r.Media != "fhir" {
		t.Errorf("%+v", r)
	}
	if s := r.Signature; !s.Valid || s.Number == 0 || s.Epoch != 1 || len(s.Hash) != 64 {
		t.Errorf("signed %+v", s)
	}
	_, err := try[view.Record](maria, "record", view.RecordQuery{ID: "nothing"})
	failing(t, err, view.CodeSealed)
}

func TestSummary(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.maria(), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	maria.writes(maria, ledger.Health, "Ask about the foot.")
	s := call[view.Summary](doctor, "summary", view.Of{Patient: string(maria.GID())})
	if s.Patient.Name != "Maria Núñez" || len(s.Problems) != 3 || len(s.Allergies) != 2 || len(s.Medicines) == 0 || len(s.Results) == 0 ||
		!slices.Equal(titles(s.Notes), []string{"Ask about the foot."}) || !slices.Equal(s.Write, []string{"health"}) || len(s.May) != 1 ||
		len(s.Sealed) != 1 || s.Sealed[0].Why != "never" {
		t.Errorf("%+v", s)
	}
}

func TestTrends(t *testing.T) {
	w := newWorld(t)
	maria := w.maria()
	got := call[view.Trends](maria, "trends", view.Of{})
	var all []string
	for _, trend := range got.Trends {
		all = append(all, trend.Title+" "+trend.Unit)
		if len(trend.Points) < 3 || !slices.IsSortedFunc(trend.Points, func(a, b view.Point) int { return a.Time.Compare(b.Time) }) {
			t.Errorf("%s: %d points", trend.Title, len(trend.Points))
		}
	}
	for _, want := range []string{"Blood pressure mmHg", "HbA1c %", "Weight kg", "Steps /day", "LDL cholesterol mg/dL", "Body mass index kg/m²"} {
		if !slices.Contains(all, want) {
			t.Errorf("%q is not among %q", want, all)
		}
	}
	if slices.ContainsFunc(all, func(s string) bool { return strings.Contains(s, "olic") }) {
		t.Errorf("halves of a blood pressure: %q", all)
	}
}
