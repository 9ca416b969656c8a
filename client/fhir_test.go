package client_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

// corpus returns the files of third parties that match the patterns.
func corpus(t testing.TB, patterns ...string) []string {
	t.Helper()
	root := os.Getenv("PHR_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "shared", "data")
	}
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(root, p))
		must(t, err)
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skipf("no sample data of third parties in %s; set PHR_TESTDATA to their folder", root)
	}
	return files
}

// resources returns the resources of a bundle, without the space between their tokens, in the order of their bytes.
func resources(t testing.TB, bundle []byte) []string {
	t.Helper()
	var parsed struct {
		Entry []struct{ Resource json.RawMessage }
	}
	must(t, json.Unmarshal(bundle, &parsed))
	var all []string
	for _, e := range parsed.Entry {
		if e.Resource != nil {
			var b bytes.Buffer
			must(t, json.Compact(&b, e.Resource))
			all = append(all, b.String())
		}
	}
	slices.Sort(all)
	return all
}

func plain(t testing.TB, file string) []byte {
	t.Helper()
	f, err := os.Open(file)
	must(t, err)
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		r, err = gzip.NewReader(f)
		must(t, err)
	}
	b, err := io.ReadAll(r)
	must(t, err)
	return b
}

// What goes in as FHIR comes out as it was, every number and extension of it, for the patient and for a doctor who is shown all.
func TestFHIRThroughAndThrough(t *testing.T) {
	w := inTown(t)
	ruiz, trainer, maria := w.the("doctor@city-hospital"), w.the("trainer@iron-gym"), w.patient()
	w.grant(w.book(maria, maria, ledger.Health), client.GrantRequest{To: "doctor@city-hospital"})
	w.grant(w.book(maria, maria, ledger.Training), client.GrantRequest{To: "doctor@city-hospital or trainer@iron-gym"})
	want, training := w.imports(maria, "the product's own sample", sample.Bundle())
	if got := w.export(ruiz, maria); !slices.Equal(got, want) {
		t.Errorf("the doctor exports %d resources, and %d went in", len(got), len(want))
	}
	if got := w.export(trainer, maria); len(got) != training || training == 0 {
		t.Errorf("the trainer exports %d resources, and %d are of training", len(got), training)
	}
}

func TestFHIROfOthers(t *testing.T) {
	w := inTown(t)
	for _, file := range corpus(t, "synthea/Eura_Treutel*.json.gz", "ips/*.json") {
		w.imports(w.patient(), file, plain(t, file))
	}
}

// imports puts a bundle into a patient's record, checks that the patient gets everything back, and returns what that is and how
// much of it is of training.
func (w *world) imports(maria *client.Client, name string, bundle []byte) (want []string, training int) {
	w.t.Helper()
	var plan client.Plan
	must(w.t, plan.Add(name, bytes.NewReader(bundle), ""))
	last := 0
	done, err := maria.Import(w.ctx, maria.GID(), &plan, func(written int) { last = written })
	if err != nil || done.Count() != plan.Total || last != plan.Total {
		w.t.Fatalf("%s: imported %d of %d, reported %d: %v", name, done.Count(), plan.Total, last, err)
	}
	want = resources(w.t, bundle)
	if got := w.export(w.connect(maria.Home()), maria); !slices.Equal(got, want) {
		w.t.Errorf("%s: %d resources come out, and %d went in", name, len(got), len(want))
	}
	return want, len(plan.Drafts[ledger.Training])
}

// export returns everything that somebody can export of a patient's record.
func (w *world) export(c, patient *client.Client) []string {
	w.t.Helper()
	books, err := c.Readable(w.ctx, patient.GID())
	must(w.t, err)
	folded, err := client.Chart(w.ctx, books...)
	must(w.t, err)
	var b bytes.Buffer
	n, err := client.ExportFHIR(&b, folded)
	must(w.t, err)
	all := resources(w.t, b.Bytes())
	if len(all) != n {
		w.t.Errorf("exported %d and said %d", len(all), n)
	}
	return all
}

func marshalled(t testing.TB, raw []byte) []byte {
	t.Helper()
	b, err := fhir.Resource{Raw: raw}.Marshal()
	must(t, err)
	return b
}

// A file with a bad entry is named with the entry, and nothing of it is written.
func TestPlanRefuses(t *testing.T) {
	var plan client.Plan
	must(t, plan.Add("good.json", strings.NewReader(`{"resourceType":"Patient","id":"p"}`), ""))
	bad := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient"}},{"resource":{"id":"x"}}]}`
	err := plan.Add("bad.json", strings.NewReader(bad), "")
	if err == nil || !strings.Contains(err.Error(), "bad.json") || !strings.Contains(err.Error(), "entry 2") {
		t.Errorf("a bad entry: %v", err)
	}
	if plan.Total != 1 {
		t.Errorf("the plan has %d records after a file was refused, want 1", plan.Total)
	}
}

// An amended record is exported as it is now, a retracted one is not, and what happened to each is there to see.
func TestAmendAndRetract(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	resource := func(id, more string) []byte {
		return []byte(`{"resourceType":"Observation","id":"` + id + `"` + more + `}`)
	}
	ids, err := hers.Write(w.ctx, []client.Draft{
		{Kind: chart.Written, Media: chart.FHIR, Body: marshalled(t, resource("a", ""))},
		{Kind: chart.Written, Media: chart.FHIR, Body: marshalled(t, resource("b", ""))},
	}, nil)
	must(t, err)
	_, err = hers.Write(w.ctx, []client.Draft{
		{Kind: chart.Amended, Media: chart.FHIR, Body: marshalled(t, resource("a", `,"status":"final"`)), Refers: ids[0]},
		{Kind: chart.Retracted, Media: chart.Note, Body: []byte("somebody else's"), Refers: ids[1]},
	}, nil)
	must(t, err)
	if got, want := w.export(maria, maria), []string{string(resource("a", `,"status":"final"`))}; !slices.Equal(got, want) {
		t.Errorf("exported %q, want %q", got, want)
	}
	record, versions, err := client.Find(w.ctx, chart.RecordID(ids[1].String()), hers)
	if err != nil || record.Retraction == nil || record.Retraction.Text != "somebody else's" || len(versions) != 2 || record.Book != hers {
		t.Errorf("found %+v, %d versions, %v", record, len(versions), err)
	}
	var gone ledger.EventID
	gone[0] = 1
	_, err = hers.Write(w.ctx, []client.Draft{{Kind: chart.Amended, Media: chart.Note, Body: []byte("x"), Refers: gone}}, nil)
	if err == nil {
		t.Error("amended what is not there")
	}
	w.nothingLeft(hers)
	if _, _, err := client.Find(w.ctx, "nothing", hers); err == nil {
		t.Error("found what is not there")
	}
}
