package view_test

import (
	"bytes"
	"context"
	"errors"
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
	if me := call[view.Me](maria, "me", view.Nothing{}); me.Name != "Maria Núñez" || !slices.Equal(me.Roles, []string{"patient"}) || !me.Me {
		t.Errorf("she is %+v", me)
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

func TestWrite(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.maria(), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	gid := string(maria.GID())
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})
	_, err := try[view.Written](doctor, "write", view.Draft{Patient: gid, Compartment: "health", Note: "x"})
	failing(t, err, view.CodeSealed)
	done := call[view.Written](maria, "write", view.Draft{Compartment: "health", Code: chart.BloodPressure, Value: "128", Second: "82"})
	if len(done.IDs) != 1 || done.Queued {
		t.Fatalf("%+v", done)
	}
	rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{Limit: 1}).Rows
	if rows[0].Title != "Blood pressure 128/82" || rows[0].ID != done.IDs[0] || rows[0].New {
		t.Errorf("it shows as %+v", rows[0])
	}
	call[view.Written](maria, "write", view.Draft{Refers: done.IDs[0], Code: chart.BloodPressure, Value: "127,5", Second: "82"})
	r := call[view.Record](maria, "record", view.RecordQuery{ID: done.IDs[0]})
	if r.Title != "Blood pressure 127.5/82" || r.Versions != 2 || len(r.History) != 2 || r.History[1].Kind != "amended" {
		t.Errorf("amended it shows as %+v", r.Row)
	}
	call[view.Nothing](maria, "withdraw", view.Withdrawal{ID: done.IDs[0], Reason: "the cuff was loose"})
	r = call[view.Record](maria, "record", view.RecordQuery{ID: done.IDs[0]})
	if !r.Withdrawn || len(r.History) != 3 || r.History[2].Text != "the cuff was loose" {
		t.Errorf("withdrawn it shows as %+v, %+v", r.Row, r.History)
	}
	if erased := call[view.Erased](maria, "erase", view.Erasure{IDs: done.IDs}); erased.Records != 1 || erased.Versions != 3 {
		t.Errorf("erased %+v", erased)
	}
	_, err = try[view.Record](maria, "record", view.RecordQuery{ID: done.IDs[0]})
	failing(t, err, view.CodeErased)
	for _, d := range []view.Draft{
		{Compartment: "health"},
		{Compartment: "health", Note: " "},
		{Compartment: "health", Note: "x", Code: chart.BodyWeight},
		{Compartment: "health", Code: chart.BodyWeight, Value: "seventy"},
		{Compartment: "health", Code: chart.BodyWeight, Value: "1e3"},
		{Compartment: "health", Code: chart.BloodPressure, Value: "120"},
		{Compartment: "health", Code: "8480-6", Value: "120"},
	} {
		_, err := try[view.Written](maria, "write", d)
		failing(t, err, view.CodeInput)
	}
}

// What can be entered by hand is read back as what it is.
func TestMeasurables(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	for _, m := range call[[]view.Measurable](maria, "measurables", view.Nothing{}) {
		d := view.Draft{Compartment: m.Compartment, Code: m.Code, Value: "90.50"}
		want := m.Title + " 90.50 " + m.Unit
		if m.Pair {
			d.Second, want = "60", m.Title+" 90.50/60"
		}
		id := call[view.Written](maria, "write", d).IDs[0]
		r := call[view.Record](maria, "record", view.RecordQuery{ID: id})
		if r.Title != want || r.Category == "other" || r.Compartment != m.Compartment {
			t.Errorf("%s shows as %q, of %s, in %s", m.Title, r.Title, r.Category, r.Compartment)
		}
	}
}

// hears waits until the screens are told of something.
func (p *someone) hears(what func(view.Changed) bool) {
	p.w.t.Helper()
	for {
		select {
		case e := <-p.events:
			if c, ok := e.data.(view.Changed); ok && what(c) {
				return
			}
		case <-time.After(30 * time.Second):
			p.w.t.Fatal("nothing was told")
		}
	}
}

// runs keeps somebody's screens up to date until the test ends.
func (p *someone) runs() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.View.Run(ctx) }()
	p.w.t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			p.w.t.Error(err)
		}
	})
}

func TestChanged(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.patient("Maria"), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	granted := maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	call[view.Today](maria, "today", view.Nothing{})
	gid := string(maria.GID())
	call[view.Timeline](doctor, "timeline", view.TimelineQuery{Patient: gid})
	maria.runs()
	doctor.runs()
	doctor.writes(maria, ledger.Health, "All is well.")
	maria.hears(func(c view.Changed) bool {
		return c.What == "records" && c.Compartment == "health" && c.Text == "All is well."
	})
	if rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{Category: "note"}).Rows; len(rows) != 1 || !rows[0].New {
		t.Errorf("%+v", rows)
	}
	maria.writes(maria, ledger.Health, "Thank you.")
	doctor.hears(func(c view.Changed) bool { return c.What == "records" && c.Patient == gid && c.Text == "Thank you." })
	must(t, maria.book(maria, ledger.Health).Revoke(w.ctx, granted.Term.ID))
	doctor.hears(func(c view.Changed) bool { return c.What == "shared" && c.Patient == gid && c.Compartment == "health" })
	_, err := try[view.Timeline](doctor, "timeline", view.TimelineQuery{Patient: gid})
	failing(t, err, view.CodeSealed)
}

// While the node is away, what was opened is there, and what is written waits; then it is sent, once.
func TestOffline(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.patient("Maria"), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})
	maria.writes(maria, ledger.Health, "before")
	call[view.Today](maria, "today", view.Nothing{})
	maria.line.cut()
	for maria.Connected() {
		must(t, w.ctx.Err())
	}
	if rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{}).Rows; !slices.Equal(titles(rows), []string{"before"}) {
		t.Errorf("away: %q", titles(rows))
	}
	call[view.Today](maria, "today", view.Nothing{})
	if done := call[view.Written](maria, "write", view.Draft{Compartment: "health", Note: "meanwhile"}); !done.Queued || len(done.IDs) != 0 {
		t.Errorf("written: %+v", done)
	}
	_, err := try[view.Erased](maria, "erase", view.Erasure{IDs: []string{call[view.Timeline](maria, "timeline", view.TimelineQuery{}).Rows[0].ID}})
	failing(t, err, view.CodeOffline)
	maria.runs()
	maria.line.mend()
	maria.hears(func(c view.Changed) bool { return c.What == "records" && c.Compartment == "health" })
	for {
		rows := call[view.Timeline](doctor, "timeline", view.TimelineQuery{Patient: string(maria.GID())}).Rows
		if slices.Equal(titles(rows), []string{"meanwhile", "before"}) {
			break
		}
		if len(rows) > 1 {
			t.Fatalf("afterwards: %q", titles(rows))
		}
	}
}

// Who is given something hears of it.
func TestShared(t *testing.T) {
	w := newWorld(t)
	maria, doctor := w.patient("Maria"), w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	if all := call[view.Patients](doctor, "patients", view.PatientsQuery{}); len(all.Patients) != 0 {
		t.Fatalf("%+v", all)
	}
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})
	w.clock.forward(2 * time.Minute)
	if all := call[view.Patients](doctor, "patients", view.PatientsQuery{}); len(all.Patients) != 1 {
		t.Errorf("%+v", all)
	}
	doctor.hears(func(c view.Changed) bool {
		return c.What == "shared" && c.Patient == string(maria.GID()) && c.Compartment == "health"
	})
}
