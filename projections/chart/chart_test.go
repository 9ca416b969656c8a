package chart_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
	"pgregory.net/rapid"
)

const (
	maria = identity.GID("maria")
	ruiz  = identity.GID("ruiz")
	leo   = identity.GID("leo")
)

var logged = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// imported returns the resources of a FHIR file as the records that importing it writes.
func imported(t testing.TB, file []byte) []chart.Record {
	t.Helper()
	var records []chart.Record
	numbers := map[string]uint64{}
	for e, err := range fhir.Entries(bytes.NewReader(file), fhir.Limits{}) {
		if err != nil {
			t.Fatal(err)
		}
		compartment := fhir.Compartment(e.Raw)
		numbers[compartment]++
		body, err := e.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, chart.Record{
			ID: chart.RecordID(fmt.Sprintf("%s-%05d", compartment, numbers[compartment])), Compartment: compartment,
			Number: numbers[compartment], Author: maria, Time: logged, Class: chart.FHIR, Kind: chart.Written, Body: body,
		})
	}
	return records
}

func fold(t testing.TB, records ...chart.Record) *chart.Chart {
	t.Helper()
	c := chart.New()
	for _, r := range records {
		if err := c.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// entry is a record of the health compartment with a FHIR body.
func entry(t testing.TB, id string, number uint64, kind chart.Kind, refersTo, raw string) chart.Record {
	t.Helper()
	r := chart.Record{
		ID: chart.RecordID(id), Compartment: "health", Number: number, Author: ruiz, Time: logged, Class: chart.FHIR,
		Kind: kind, RefersTo: chart.RecordID(refersTo),
	}
	if kind == chart.Retracted {
		r.Class, r.Body = chart.Note, []byte(raw)
		return r
	}
	body, err := fhir.Resource{Raw: []byte(raw)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Body = body
	return r
}

func pulse(day string, value int) string {
	return fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},"effectiveDateTime":%q,"valueQuantity":{"value":%d,"unit":"/min"}}`, day, value)
}

func ids(items []chart.Item) string {
	var all []string
	for _, it := range items {
		all = append(all, string(it.ID))
	}
	return strings.Join(all, " ")
}

func TestSample(t *testing.T) {
	records := imported(t, sample.Bundle())
	c := fold(t, records...)
	if c.Len() != len(records) || len(c.List(chart.Query{})) != len(records) {
		t.Errorf("%d records, %d items of %d", c.Len(), len(c.List(chart.Query{})), len(records))
	}
	var problems, medications []string
	for _, it := range c.Problems() {
		problems = append(problems, it.Latest.Summary.Display)
	}
	for _, it := range c.Medications() {
		medications = append(medications, strings.Fields(it.Latest.Summary.Display)[0])
	}
	if got := strings.Join(problems, ", "); got != "Hypertensive disorder, Diabetes mellitus type 2, Hyperlipidemia" {
		t.Errorf("problems: %s", got)
	}
	if got := strings.Join(medications, ", "); got != "lisinopril, metformin, atorvastatin" {
		t.Errorf("medications: %s", got)
	}
	for code, want := range map[string]struct {
		n     int
		first string
		last  string
		unit  string
	}{
		chart.Systolic:                    {18, "128", "122", "mm[Hg]"},
		chart.Diastolic:                   {18, "82", "78", "mm[Hg]"},
		"http://loinc.org|" + chart.HbA1c: {18, "5.6", "6.3", "%"},
		chart.BodyWeight:                  {10, "78.4", "74.3", "kg"},
		chart.BodyHeight:                  {2, "164.0", "164.0", "cm"},
		"41950-7":                         {12, "4200", "8450", "/d"},
		"http://loinc.org|" + chart.BodyMassIndex: {10, "29.1", "27.6", "kg/m2"},
	} {
		all := c.Series(code)
		if len(all) != 1 {
			t.Errorf("%s: %d series", code, len(all))
			continue
		}
		s := all[0]
		if len(s.Points) != want.n || s.Points[0].Text != want.first || s.Points[len(s.Points)-1].Text != want.last || s.Unit != want.unit {
			t.Errorf("%s: %+v", code, s)
		}
		if !slices.IsSortedFunc(s.Points, func(a, b chart.Point) int { return a.Time.Compare(b.Time) }) {
			t.Errorf("%s is out of order", code)
		}
	}
}

// eura returns the records of the best known of the synthetic patients of others.
func eura(t testing.TB) []chart.Record {
	t.Helper()
	root := os.Getenv("PHR_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, "synthea", "Eura_Treutel_*.json.gz"))
	if err != nil || len(files) == 0 {
		t.Skipf("no sample data of third parties in %s; set PHR_TESTDATA to their folder", root)
	}
	file, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return imported(t, file)
}

func TestTenYearsOfAPatient(t *testing.T) {
	records := eura(t)
	c := fold(t, records...)
	if len(records) != 622 || len(c.List(chart.Query{})) != 622 {
		t.Errorf("%d records, %d items", len(records), len(c.List(chart.Query{})))
	}
	if n := len(c.List(chart.Query{Type: "observation"})); n != 389 {
		t.Errorf("%d observations", n)
	}
	for _, code := range []string{chart.Systolic, chart.Diastolic, chart.HbA1c} {
		all := c.Series(code)
		if len(all) != 1 {
			t.Fatalf("%s: %d series", code, len(all))
		}
		points := all[0].Points
		if years := points[len(points)-1].Time.Year() - points[0].Time.Year(); len(points) < 8 || years < 8 {
			t.Errorf("%s: %d points over %d years", code, len(points), years)
		}
		for _, p := range points {
			if it, ok := c.Item(p.Record); !ok || !it.Latest.Summary.Effective.Equal(p.Time) || p.Number <= 0 {
				t.Errorf("%s: point %+v", code, p)
			}
		}
	}
	panels := c.List(chart.Query{Code: chart.OlderBloodPressure})
	if n := len(c.Series(chart.Systolic)[0].Points); len(panels) != n || len(c.List(chart.Query{Code: chart.Systolic})) != n {
		t.Errorf("%d panels, %d by component, %d points", len(panels), len(c.List(chart.Query{Code: chart.Systolic})), n)
	}
	total := 0
	for _, n := range c.Counts() {
		total += n.N
	}
	if total != 622 {
		t.Errorf("counts add up to %d", total)
	}
	if len(c.Problems()) == 0 || len(c.Medications()) == 0 {
		t.Errorf("%d problems, %d medications", len(c.Problems()), len(c.Medications()))
	}
	backwards := slices.Clone(records)
	slices.Reverse(backwards)
	if fold(t, backwards...).StateHash() != c.StateHash() {
		t.Error("a rebuild in another order has another hash")
	}
}

func TestHistory(t *testing.T) {
	first := entry(t, "a", 1, chart.Written, "", pulse("2020-01-01", 70))
	second := entry(t, "b", 2, chart.Amended, "a", pulse("2020-01-02", 80))
	second.Author = maria
	third := entry(t, "c", 3, chart.Amended, "b", pulse("2020-01-03", 90))
	withdrawn := entry(t, "d", 4, chart.Retracted, "c", "wrong patient")
	restored := entry(t, "e", 5, chart.Amended, "a", pulse("2020-01-05", 95))
	for _, c := range []struct {
		records   []chart.Record
		value     string
		versions  int
		history   string
		retracted bool
	}{
		{[]chart.Record{first}, "70 /min", 1, "a", false},
		{[]chart.Record{first, second}, "80 /min", 2, "a b", false},
		{[]chart.Record{third, second, first}, "90 /min", 3, "a b c", false},
		{[]chart.Record{withdrawn, first, third, second}, "90 /min", 3, "a b c d", true},
		{[]chart.Record{first, second, third, withdrawn, restored}, "95 /min", 4, "a b c d e", false},
	} {
		ch := fold(t, c.records...)
		for _, r := range c.records {
			it, ok := ch.Item(r.ID)
			if !ok || it.ID != "a" || it.Latest.Summary.Value != c.value || it.Versions != c.versions || it.Dangling {
				t.Errorf("Item(%s) = %+v", r.ID, it)
			}
			if (it.Retraction != nil) != c.retracted || c.retracted && (it.Retraction.Text != "wrong patient" || it.Retraction.Author != ruiz) {
				t.Errorf("Item(%s) has the retraction %+v", r.ID, it.Retraction)
			}
			var history []string
			for _, v := range ch.History(r.ID) {
				history = append(history, string(v.ID))
			}
			if got := strings.Join(history, " "); got != c.history {
				t.Errorf("History(%s) = %s, want %s", r.ID, got, c.history)
			}
		}
		if n := len(ch.List(chart.Query{Current: true})); (n == 0) != c.retracted || len(ch.List(chart.Query{})) != 1 {
			t.Errorf("%d current items of %d", n, len(ch.List(chart.Query{})))
		}
		if n := len(ch.Series("")); (n == 0) != c.retracted {
			t.Errorf("%d series", n)
		}
	}
	if _, ok := chart.New().Item("a"); ok || chart.New().History("a") != nil {
		t.Error("an empty chart has items")
	}
}

func TestReferencesThatDoNotCount(t *testing.T) {
	target := entry(t, "a", 5, chart.Written, "", pulse("2020-01-01", 70))
	training := entry(t, "x", 9, chart.Retracted, "a", "from the health club")
	training.Compartment = "training"
	earlier := entry(t, "y", 4, chart.Amended, "a", pulse("2020-01-02", 1))
	circular := entry(t, "z", 6, chart.Amended, "z", pulse("2020-01-03", 2))
	missing := entry(t, "w", 7, chart.Retracted, "nowhere", "gone")
	c := fold(t, target, training, earlier, circular, missing)
	if it, _ := c.Item("a"); it.Versions != 1 || it.Retraction != nil || it.Latest.Summary.Value != "70 /min" {
		t.Errorf("the record became %+v", it)
	}
	for _, id := range []chart.RecordID{"x", "y", "z", "w"} {
		if it, ok := c.Item(id); !ok || !it.Dangling || it.ID != id {
			t.Errorf("Item(%s) = %+v, want it on its own, dangling", id, it)
		}
	}
	if len(c.List(chart.Query{})) != 5 {
		t.Errorf("items %s", ids(c.List(chart.Query{})))
	}
}

func TestUnreadableRecordsStay(t *testing.T) {
	junk := chart.Record{ID: "junk", Compartment: "health", Number: 1, Author: leo, Time: logged, Class: chart.FHIR, Kind: chart.Written, Body: []byte("\x1b[2Jjunk")}
	locked := chart.Record{ID: "locked", Compartment: "health", Number: 2, Author: leo, Time: logged, Class: chart.FHIR, Kind: chart.Written, Unreadable: "no key for epoch 3\x1b[31m"}
	good := entry(t, "good", 3, chart.Written, "", pulse("2020-01-01", 70))
	poisoned := junk
	poisoned.ID, poisoned.Number, poisoned.Kind, poisoned.RefersTo = "poisoned", 4, chart.Amended, "good"
	c := fold(t, junk, locked, good, poisoned)
	if got := ids(c.List(chart.Query{})); got != "junk locked good" {
		t.Errorf("items %s", got)
	}
	it, _ := c.Item("junk")
	if !strings.Contains(it.Latest.Unreadable, "malformed") || string(it.Latest.Body) != "\x1b[2Jjunk" || it.Latest.Summary.Type != chart.FHIR {
		t.Errorf("junk is %+v", it.Latest)
	}
	if it, _ := c.Item("locked"); it.Latest.Unreadable != "no key for epoch 3[31m" {
		t.Errorf("locked is %+v", it.Latest)
	}
	it, _ = c.Item("good")
	if it.Latest.ID != "poisoned" || it.Latest.Unreadable == "" || it.Latest.Author != leo {
		t.Errorf("good is %+v", it.Latest)
	}
	if h := c.History("good"); len(h) != 2 || h[0].Summary.Value != "70 /min" {
		t.Errorf("history %+v", h)
	}
}

func TestWhatWasLockedMayOpen(t *testing.T) {
	open := entry(t, "a", 1, chart.Written, "", pulse("2020-01-01", 70))
	locked := open
	locked.Body, locked.Unreadable = nil, "no key"
	want := fold(t, open).StateHash()
	for _, records := range [][]chart.Record{{locked, open}, {open, locked}, {locked, locked, open, open, locked}} {
		c := fold(t, records...)
		if it, _ := c.Item("a"); it.Latest.Unreadable != "" || it.Latest.Summary.Value != "70 /min" || c.StateHash() != want {
			t.Errorf("after %d records: %+v", len(records), it.Latest)
		}
	}
	otherReason := locked
	otherReason.Unreadable = "link missing"
	if fold(t, locked, otherReason).StateHash() != fold(t, otherReason, locked).StateHash() {
		t.Error("the hash depends on the order of the reasons")
	}
	forged := locked
	forged.Author = leo
	if err := fold(t, open).Apply(forged); !errors.Is(err, chart.ErrInvalid) {
		t.Errorf("another author: %v", err)
	}
}

func TestOtherClasses(t *testing.T) {
	note := chart.Record{ID: "n", Compartment: "training", Number: 1, Author: leo, Time: logged, Class: chart.Note, Kind: chart.Written, Body: []byte("\n  Ran 5 km\x1b[31m\nfelt good")}
	file := chart.Record{ID: "f", Compartment: "training", Number: 2, Author: leo, Time: logged, Class: "fit", Kind: chart.Written, Body: []byte{0x0e, 0x10}}
	c := fold(t, note, file)
	it, _ := c.Item("n")
	if it.Latest.Summary.Display != "Ran 5 km[31m" || it.Latest.Summary.Type != "note" || !it.Latest.Summary.Effective.Equal(logged) || it.Latest.Text != string(note.Body) {
		t.Errorf("note is %+v", it.Latest)
	}
	if it, _ := c.Item("f"); !bytes.Equal(it.Latest.Body, file.Body) || it.Latest.Summary.Type != "fit" {
		t.Errorf("file is %+v", it.Latest)
	}
	if got := ids(c.List(chart.Query{Text: "FELT"})); got != "n" {
		t.Errorf("by text: %s", got)
	}
}

func TestQueries(t *testing.T) {
	a := entry(t, "a", 1, chart.Written, "", pulse("2020-01-01", 70))
	b := entry(t, "b", 2, chart.Written, "", pulse("2021-01-01", 80))
	b.Author = maria
	undated := entry(t, "u", 3, chart.Written, "", `{"resourceType":"Patient","name":[{"family":"Núñez"}]}`)
	wrong := entry(t, "w", 4, chart.Written, "", strings.Replace(pulse("2021-06-01", 300), "final", "entered-in-error", 1))
	same := entry(t, "s", 5, chart.Written, "", pulse("2020-01-01", 71))
	c := fold(t, same, wrong, b, undated, a)
	day := func(s string) time.Time {
		d, err := time.Parse(time.DateOnly, s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for name, q := range map[string]struct {
		query chart.Query
		want  string
	}{
		"all":               {chart.Query{}, "u a s b w"},
		"type":              {chart.Query{Type: "patient"}, "u"},
		"class":             {chart.Query{Type: "FHIR"}, "u a s b w"},
		"code":              {chart.Query{Code: "8867-4"}, "a s b w"},
		"system and code":   {chart.Query{Code: "http://loinc.org|8867-4"}, "a s b w"},
		"another system":    {chart.Query{Code: "http://snomed.info/sct|8867-4"}, ""},
		"no system":         {chart.Query{Code: "|8867-4"}, ""},
		"system":            {chart.Query{Code: "http://loinc.org|"}, "a s b w"},
		"since":             {chart.Query{Since: day("2021-01-01")}, "b w"},
		"until":             {chart.Query{Until: day("2021-01-01")}, "a s"},
		"author":            {chart.Query{Author: maria}, "b"},
		"compartment":       {chart.Query{Compartment: "training"}, ""},
		"text":              {chart.Query{Text: "heart"}, "a s b w"},
		"text, not ASCII":   {chart.Query{Text: "NÚÑEZ"}, "u"},
		"current":           {chart.Query{Current: true}, "u a s b"},
		"several":           {chart.Query{Type: "Observation", Since: day("2020-06-01"), Current: true}, "b"},
		"nothing like that": {chart.Query{Text: "liver"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := ids(c.List(q.query)); got != q.want {
				t.Errorf("List = %s, want %s", got, q.want)
			}
		})
	}
	if got, want := fmt.Sprint(c.Counts()), "[{Observation 2020 2} {Observation 2021 1} {Patient 0 1}]"; got != want {
		t.Errorf("Counts = %s, want %s", got, want)
	}
}

func TestSeriesDoNotMixUnits(t *testing.T) {
	kg := `{"resourceType":"Observation","code":{"coding":[{"system":"x","code":"w"},{"system":"http://loinc.org","code":"29463-7"}]},"effectiveDateTime":"2020","valueQuantity":{"value":80,"unit":"kg"}}`
	c := fold(t,
		entry(t, "a", 1, chart.Written, "", kg),
		entry(t, "b", 2, chart.Written, "", strings.Replace(strings.Replace(kg, "80", "176", 1), `"kg"`, `"[lb_av]"`, 1)))
	for _, code := range []string{"", "29463-7", "x|w"} {
		all := c.Series(code)
		if len(all) != 2 || all[0].Unit != "[lb_av]" || all[1].Unit != "kg" || all[1].Code.Value != "29463-7" || all[1].Points[0].Number != 80 {
			t.Errorf("Series(%q) = %+v", code, all)
		}
	}
}

func TestInvalidRecords(t *testing.T) {
	good := entry(t, "a", 1, chart.Written, "", pulse("2020", 70))
	c := fold(t, good, good)
	hash := c.StateHash()
	for name, change := range map[string]func(*chart.Record){
		"no id":              func(r *chart.Record) { r.ID = "" },
		"no compartment":     func(r *chart.Record) { r.Compartment = "" },
		"unknown kind":       func(r *chart.Record) { r.ID, r.Kind = "b", "shredded" },
		"amends nothing":     func(r *chart.Record) { r.ID, r.Kind = "b", chart.Amended },
		"written about":      func(r *chart.Record) { r.ID, r.RefersTo = "b", "a" },
		"same id, new body":  func(r *chart.Record) { r.Body = []byte("other") },
		"same id, by others": func(r *chart.Record) { r.Author = leo },
	} {
		t.Run(name, func(t *testing.T) {
			r := good
			change(&r)
			if err := c.Apply(r); !errors.Is(err, chart.ErrInvalid) {
				t.Errorf("Apply = %v", err)
			}
			if c.StateHash() != hash || c.Len() != 1 {
				t.Error("the chart changed")
			}
		})
	}
}

func TestEveryFieldIsInTheHash(t *testing.T) {
	good := entry(t, "a", 1, chart.Amended, "z", pulse("2020", 70))
	seen := map[[32]byte]string{chart.New().StateHash(): "empty", fold(t, good).StateHash(): "unchanged"}
	for name, change := range map[string]func(*chart.Record){
		"ID":          func(r *chart.Record) { r.ID = "b" },
		"Compartment": func(r *chart.Record) { r.Compartment = "training" },
		"Number":      func(r *chart.Record) { r.Number = 2 },
		"Author":      func(r *chart.Record) { r.Author = leo },
		"Acting":      func(r *chart.Record) { r.Acting = true },
		"Time":        func(r *chart.Record) { r.Time = r.Time.Add(1) },
		"Class":       func(r *chart.Record) { r.Class = "other" },
		"Kind":        func(r *chart.Record) { r.Kind = chart.Retracted },
		"RefersTo":    func(r *chart.Record) { r.RefersTo = "y" },
		"Body":        func(r *chart.Record) { r.Body = append(bytes.Clone(r.Body), 0) },
		"Unreadable":  func(r *chart.Record) { r.Unreadable = "locked" },
	} {
		r := good
		change(&r)
		hash := fold(t, r).StateHash()
		if other, ok := seen[hash]; ok {
			t.Errorf("a change of %s has the hash of %s", name, other)
		}
		seen[hash] = name
	}
	if n := reflect.TypeFor[chart.Record]().NumField(); n != 11 {
		t.Errorf("Record has %d fields; does the hash cover them?", n)
	}
}

// TestOrderDoesNotMatter applies records, amendments and retractions of both compartments in any order, some of them
// twice, and compares everything a chart answers.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var records []chart.Record
		for i := range rapid.IntRange(1, 25).Draw(rt, "records") {
			r := entry(t, fmt.Sprint("r", i), uint64(i+1), chart.Written, "", pulse(fmt.Sprintf("20%02d", rapid.IntRange(10, 13).Draw(rt, "year")), i))
			r.Compartment = rapid.SampledFrom([]string{"health", "training"}).Draw(rt, "compartment")
			if r.Kind = rapid.SampledFrom([]chart.Kind{chart.Written, chart.Amended, chart.Retracted}).Draw(rt, "kind"); r.Kind != chart.Written {
				r.RefersTo = chart.RecordID(fmt.Sprint("r", rapid.IntRange(0, 25).Draw(rt, "refers to")))
			}
			if rapid.Bool().Draw(rt, "poison") && i%5 == 4 {
				r.Body = []byte("poison")
			}
			records = append(records, r)
		}
		want := fold(t, records...)
		got := chart.New()
		for _, r := range append(rapid.Permutation(records).Draw(rt, "order"), records[0]) {
			if err := got.Apply(r); err != nil {
				rt.Fatal(err)
			}
			got.List(chart.Query{}) // a question in between changes nothing
		}
		if got.StateHash() != want.StateHash() {
			rt.Error("the hash depends on the order")
		}
		if !reflect.DeepEqual(got.List(chart.Query{}), want.List(chart.Query{})) || !reflect.DeepEqual(got.Series(""), want.Series("")) || !reflect.DeepEqual(got.Counts(), want.Counts()) {
			rt.Error("the answers depend on the order")
		}
		n := 0
		for _, it := range want.List(chart.Query{}) {
			n += len(want.History(it.ID))
		}
		if n != len(records) {
			rt.Errorf("%d of %d records are in a history", n, len(records))
		}
	})
}

func BenchmarkFold(b *testing.B) {
	records := imported(b, sample.Bundle())
	for i := 0; len(records) < 600; i++ {
		r := records[i]
		r.ID += "+"
		records = append(records, r)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	b.ReportAllocs()
	for b.Loop() {
		c := fold(b, records...)
		if len(c.List(chart.Query{})) != 600 || len(c.Series(chart.Systolic)) != 1 {
			b.Fatal("records are missing")
		}
	}
}

func BenchmarkFoldEura(b *testing.B) {
	records := eura(b)
	b.ReportAllocs()
	for b.Loop() {
		fold(b, records...).List(chart.Query{})
	}
}
