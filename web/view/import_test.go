package view_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
	"github.com/phrledger/phr/web/view"
)

func TestImport(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	p := call[view.ImportPreview](maria, "import.preview", view.File{Name: "maria.json", Bytes: sample.Bundle()})
	counts := make(map[string]int)
	for _, c := range p.Sorted {
		counts[c.Compartment] += c.N
	}
	if p.Total != 166 || p.Token == "" || len(p.Sample) != 8 || counts["health"]+counts["training"] != 166 || counts["training"] == 0 || p.Bad != nil {
		t.Errorf("%+v", p)
	}
	if rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{}).Rows; len(rows) != 0 {
		t.Errorf("before it is made: %q", titles(rows))
	}
	if done := call[view.Written](maria, "import.make", view.Token{Token: p.Token}); len(done.IDs) != 166 {
		t.Errorf("%d written", len(done.IDs))
	}
	progress := 0
	for len(maria.events) > 0 {
		if e := <-maria.events; e.name == "progress" {
			progress = e.data.(view.Progress).Done
		}
	}
	if progress != 166 {
		t.Errorf("the last progress was %d", progress)
	}
	if all := call[view.Timeline](maria, "timeline", view.TimelineQuery{Limit: 1}); all.Total != 166 {
		t.Errorf("%d rows", all.Total)
	}
	_, err := try[view.Written](maria, "import.make", view.Token{Token: p.Token})
	failing(t, err, view.CodeMoved)

	out := call[view.Download](maria, "export", view.Of{})
	entries, err := fhir.ReadAll(bytes.NewReader(out.Bytes), fhir.Limits{})
	if err != nil || len(entries) != 166 {
		t.Errorf("exported %d, %v", len(entries), err)
	}
}

// A file with anything in it that can't be taken adds nothing, and every such entry is named.
func TestImportOfBadFiles(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	bad := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic"}},{"resource":{"id":"x"}},{"resource":[]}]}`
	p := call[view.ImportPreview](maria, "import.preview", view.File{Name: "bad.json", Bytes: []byte(bad)})
	if p.Token != "" || len(p.Bad) != 2 || p.BadTotal != 2 {
		t.Errorf("%+v", p)
	}
	for _, text := range []string{"", "hello", `{"resourceType":"Bundle","entry":[]}`, "\x1f\x8b", `{"a":`} {
		_, err := try[view.ImportPreview](maria, "import.preview", view.File{Name: "x", Bytes: []byte(text)})
		failing(t, err, view.CodeInput)
	}
}

func TestPatients(t *testing.T) {
	w := newWorld(t)
	maria, leo := w.patient("Maria Núñez"), w.holder("trainer@iron-gym", "Leo Brandt")
	maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym", Write: true})
	monday := w.clock.now().UTC().Truncate(24 * time.Hour)
	for monday.Weekday() != time.Monday {
		monday = monday.AddDate(0, 0, -1)
	}
	last := monday.Add(-time.Hour)
	for _, d := range []view.Draft{
		{Code: "55411-3", Value: "30", Date: &last},
		{Code: "55411-3", Value: "45", Date: &last},
		{Code: "55411-3", Value: "20", Date: &monday},
		{Code: "40443-4", Value: "58", Date: &monday},
		{Code: "40443-4", Value: "61", Date: &last},
	} {
		d.Compartment = "training"
		call[view.Written](maria, "write", d)
	}
	log, err := maria.Client.AccessLog(w.ctx)
	must(t, err)
	closed := call[view.Patients](leo, "patients", view.PatientsQuery{})
	if len(closed.Patients) != 1 || closed.Patients[0].Patient.Name != "" || len(closed.Patients[0].Grants) != 1 || closed.Patients[0].Load != nil {
		t.Errorf("unopened: %+v", closed)
	}
	if after, err := maria.Client.AccessLog(w.ctx); err != nil || len(after) != len(log) {
		t.Errorf("a list without names has made %d lines on the access log", len(after)-len(log))
	}
	open := func() view.SharedPatient {
		return call[view.Patients](leo, "patients", view.PatientsQuery{Open: true}).Patients[0]
	}
	p := open()
	if p.Patient.Name != "Maria Núñez" || p.Unread != 5 || p.LastChange == nil || p.Resting == nil || p.Resting.Text != "58" || p.Emergency {
		t.Errorf("opened: %+v", p)
	}
	if n := len(p.Load); n != 12 || p.Load[n-2].Value != 75 || p.Load[n-1].Value != 20 || !p.Load[n-1].Time.Equal(monday) {
		t.Errorf("load: %+v", p.Load)
	}
	call[view.Timeline](leo, "timeline", view.TimelineQuery{Patient: string(maria.GID())})
	if p := open(); p.Unread != 0 {
		t.Errorf("after looking, %d unread", p.Unread)
	}
	again := w.at(leo.Home())
	call[view.Written](maria, "write", view.Draft{Compartment: "training", Note: "new"})
	if p := call[view.Patients](again, "patients", view.PatientsQuery{Open: true}).Patients[0]; p.Unread != 1 {
		t.Errorf("in the next program, %d unread", p.Unread)
	}
}

// Hostile texts go out in one line where a line is shown, and files that pretend to be images don't go out as such.
func TestAttack55_HostileRecords(t *testing.T) {
	w := newWorld(t)
	maria := w.patient("Maria")
	maria.writes(maria, ledger.Health, "<script>alert(1)</script>\u202egnp.exe\x1b[2J\n<b>second</b>")
	write := func(raw string) {
		body, err := fhir.Resource{Raw: []byte(raw)}.Marshal()
		must(t, err)
		_, err = maria.book(maria, ledger.Health).Write(w.ctx, []client.Draft{{Kind: "written", Media: "fhir", Body: body}}, nil)
		must(t, err)
	}
	const svg, png = "PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+", "iVBORw0KGgoAAAANSUhEUg=="
	write(`{"resourceType":"DocumentReference","description":"a","content":[{"attachment":{"contentType":"image/png","data":"` + svg + `"}}]}`)
	write(`{"resourceType":"DocumentReference","description":"b","content":[{"attachment":{"contentType":"text/html","data":"` + png + `"}}]}`)
	write(`{"resourceType":"DocumentReference","description":"c\u202e\u0007d","content":[{"attachment":{"contentType":"text/html","data":"AAEC"}}]}`)
	rows := call[view.Timeline](maria, "timeline", view.TimelineQuery{}).Rows
	got := titles(rows)
	slices.Sort(got)
	if want := []string{"<script>alert(1)</script>gnp.exe[2J", "a", "b", "cd"}; !slices.Equal(got, want) {
		t.Errorf("titles %q, want %q", got, want)
	}
	for _, row := range rows {
		r := call[view.Record](maria, "record", view.RecordQuery{ID: row.ID})
		switch row.Title {
		case "a":
			if r.Image != nil || !strings.HasPrefix(r.Text, "<svg") {
				t.Errorf("an SVG goes out as %+v", r)
			}
		case "b":
			if len(r.Image) == 0 || r.ImageType != "image/png" {
				t.Errorf("a PNG goes out as %+v", r)
			}
		case "cd":
			if r.Image != nil || r.Text != "" {
				t.Errorf("bytes go out as %+v", r)
			}
		default:
			if !strings.HasPrefix(r.Text, "<script>") || !strings.HasSuffix(r.Text, "</b>") {
				t.Errorf("a note goes out as %q", r.Text)
			}
		}
	}
}
