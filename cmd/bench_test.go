package cmd_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// BenchmarkColdOpen opens a record of 600 resources, each about a KiB, from nothing but a home: connection, node, challenge, session,
// entries, signatures, keys, records, chart. A reader by a term needs two attribute-based decryptions in all; the patient
// none.
func BenchmarkColdOpen(b *testing.B) {
	const resources = 600
	w := newWorld(b)
	w.startNode()
	hospital := w.authority("city-hospital", ledger.Hospital)
	doctor, maria := w.member(hospital, "doctor"), w.person("maria")
	w.must(maria.RegisterPatient(w.ctx))
	health := w.book(maria, maria, ledger.Health)
	w.grant(health, client.GrantRequest{To: "doctor@city-hospital"})
	var plan client.Plan
	w.must(plan.Add("bundle.json", bytes.NewReader(bundleOf(resources)), ledger.Health))
	w.write(health, plan.Drafts[ledger.Health]...)
	for _, reader := range []*client.Client{maria, doctor} {
		name := map[bool]string{true: "patient", false: "doctor"}[reader == maria]
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				c, err := client.Dial(w.ctx, client.Config{Home: reader.Home(), Node: w.node.URL()})
				w.must(err)
				folded, err := client.Chart(w.ctx, w.book(c, maria, ledger.Health))
				w.must(err)
				if n := len(folded.List(chart.Query{})); n != resources {
					b.Fatalf("%d resources", n)
				}
				c.Close()
			}
			b.ReportMetric(resources*float64(b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

func bundleOf(n int) []byte {
	var all bytes.Buffer
	all.WriteString(`{"resourceType":"Bundle","type":"collection","entry":[`)
	for i := range n {
		if i > 0 {
			all.WriteByte(',')
		}
		fmt.Fprintf(&all, `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":{"resourceType":"Observation","id":"o%d","status":"final",`+
			`"category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],`+
			`"code":{"coding":[{"system":"http://loinc.org","code":"18262-6","display":"Cholesterol in LDL [Mass/volume] in Serum or Plasma"}]},`+
			`"effectiveDateTime":"20%02d-%02d-%02d","note":[{"text":"%0500d"}],"valueQuantity":{"value":%d,"unit":"mg/dL"}}}`,
			i, i, i/365%25, i/28%12+1, i%28+1, i*i*i, 60+i%100)
	}
	all.WriteString("]}")
	return all.Bytes()
}
