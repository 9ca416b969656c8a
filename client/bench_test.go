package client_test

import (
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// observations are FHIR records as laboratories write them, of 1.2 kB each.
func observations(b testing.TB, n int) []client.Draft {
	b.Helper()
	drafts := make([]client.Draft, n)
	for i := range drafts {
		at := time.Date(2020, 1, 1, 8, 0, 0, 0, time.UTC).AddDate(0, 0, i).Format(time.RFC3339)
		raw := fmt.Sprintf(`{"resourceType":"Observation","id":"%08d-51fe-4a7c-9d1e-2f6f3e1b7a90","status":"final",`+
			`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs","display":"Vital signs"}]}],`+
			`"code":{"coding":[{"system":"http://loinc.org","code":"85354-9","display":"Blood pressure panel"}],"text":"Blood pressure panel"},`+
			`"subject":{"reference":"urn:uuid:0dd77edd-bffd-4258-ac40-c07af6dd734a"},"encounter":{"reference":"urn:uuid:%08d-2c1f-4d8e-8a55-6f0d9b1c2e3f"},`+
			`"effectiveDateTime":"%s","issued":"%s","component":[{"code":{"coding":[{"system":"http://loinc.org","code":"8462-4","display":"Diastolic blood pressure"}]},`+
			`"valueQuantity":{"value":%d.%d,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}},{"code":{"coding":[{"system":"http://loinc.org",`+
			`"code":"8480-6","display":"Systolic blood pressure"}]},"valueQuantity":{"value":%d.%d,"unit":"mm[Hg]","system":"http://unitsofmeasure.org","code":"mm[Hg]"}}]}`,
			i, i, at, at, 60+i%30, i%10, 100+i%50, i%7)
		body, err := fhir.Resource{Raw: []byte(raw)}.Marshal()
		must(b, err)
		drafts[i] = client.Draft{Kind: chart.Written, Media: chart.FHIR, Body: body}
	}
	return drafts
}

// decapsulation measures the yardstick: opening one attribute encapsulation of one row.
func decapsulation(b *testing.B) time.Duration {
	b.Helper()
	const name = policy.Authority("city-hospital")
	master, err := abe.GenerateMasterKey(rand.Reader, name)
	must(b, err)
	key, err := master.Issue(rand.Reader, string(newHome(b).Identity().GID()), "doctor", 1)
	must(b, err)
	p, err := policy.Parse("doctor@city-hospital")
	must(b, err)
	x, err := abe.NewExpression(p, func(policy.Attribute) (uint32, bool) { return 1, true }, master.PublicKey())
	must(b, err)
	_, ciphertext, err := x.Encapsulate(rand.Reader, abe.Challenge, nil)
	must(b, err)
	const times = 20
	start := time.Now()
	for range times {
		_, err := x.Decapsulate([]*abe.AttributeKey{key}, abe.Challenge, nil, ciphertext)
		must(b, err)
	}
	return time.Since(start) / times
}

// BenchmarkOpenSession is from hello to the session's open connection, logged on disk, beside one bare decapsulation.
func BenchmarkOpenSession(b *testing.B) {
	w := newWorld(b)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	granted := w.grant(w.book(maria, maria, ledger.Health), client.GrantRequest{To: "doctor@city-hospital"})
	his := w.book(ruiz, maria, ledger.Health)
	w.texts(his)
	for b.Loop() {
		w.clock.forward(2 * time.Second) // nobody says hello too often
		must(b, his.Force(w.ctx, ledger.OpRead, granted.Term.ID))
	}
	yardstick := decapsulation(b)
	b.ReportMetric(float64(yardstick.Nanoseconds()), "ns/decapsulation")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(yardstick), "decapsulations/op")
}

// BenchmarkColdOpen600 is a doctor, who has nothing but their keys, coming to the folded chart of a patient with 600 records
// in four epochs: connecting, a session, fetching, verifying, decrypting, folding.
func BenchmarkColdOpen600(b *testing.B) {
	w := newWorld(b)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	drafts := observations(b, 600)
	for i := range 4 {
		_, err := hers.Write(w.ctx, drafts[i*150:(i+1)*150], nil)
		must(b, err)
		if i < 3 {
			must(b, hers.Rotate(w.ctx))
		}
	}
	for b.Loop() {
		w.clock.forward(4 * time.Second)
		w.coldOpen(b, ruiz, maria)
	}
	yardstick := decapsulation(b)
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/open")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(yardstick), "decapsulations/op")
}

func (w *world) coldOpen(t testing.TB, reader, patient *client.Client) {
	home := client.HomeOf(reader.Home().Identity())
	must(t, home.AddKeys(reader.Home().AttributeKeys()...))
	log := newTally()
	config := w.config(home)
	config.Log = log.logger()
	c, err := client.Dial(w.ctx, config)
	must(t, err)
	defer c.Close()
	b, err := c.Book(w.ctx, patient.GID(), ledger.Health)
	must(t, err)
	folded, err := client.Chart(w.ctx, b)
	must(t, err)
	items := folded.List(chart.Query{Type: "Observation"})
	if len(items) != 600 || items[599].Latest.Unreadable != "" {
		t.Fatalf("the chart has %d records", len(items))
	}
	if n := log.of("decapsulated"); n != 2 {
		t.Fatalf("%d decapsulations, want one for the challenge and one for the newest epoch", n)
	}
}

// BenchmarkImport600 is a bundle of 600 from the drafts to the receipt: kept at home on disk, sealed, signed, and on disk
// at the node.
func BenchmarkImport600(b *testing.B) {
	w := newWorld(b)
	home, err := client.CreateCheapHome(filepath.Join(b.TempDir(), "home"), passphrase, newCode(b))
	must(b, err)
	maria := w.connect(home)
	must(b, maria.RegisterPatient(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	drafts := observations(b, 600)
	for b.Loop() {
		ids, err := hers.Write(w.ctx, drafts, nil)
		if err != nil || len(ids) != 600 {
			b.Fatalf("%d written, %v", len(ids), err)
		}
	}
	b.ReportMetric(600*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// A patient's record of 600 opens with two attribute decapsulations in all, however many epochs it has.
func TestColdOpen(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	drafts := observations(t, 600)
	for i := range 2 {
		_, err := hers.Write(w.ctx, drafts[i*300:(i+1)*300], nil)
		must(t, err)
		must(t, hers.Rotate(w.ctx))
	}
	w.coldOpen(t, ruiz, maria)
}
