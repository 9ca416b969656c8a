package fhir_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/phrledger/phr/projections/chart/fhir"
)

func export(t *testing.T, resources ...fhir.Resource) []byte {
	t.Helper()
	var out bytes.Buffer
	enc := fhir.NewEncoder(&out)
	for _, r := range resources {
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestExport(t *testing.T) {
	basic := []byte(`{"resourceType":"Basic"}`)
	for name, c := range map[string]struct {
		in   []fhir.Resource
		want string
	}{
		"nothing": {nil, `{"resourceType":"Bundle","type":"collection"}`},
		"plain":   {[]fhir.Resource{{Raw: basic}}, `{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Basic"}}]}`},
		"request": {
			[]fhir.Resource{{FullURL: "urn:uuid:1", Raw: basic, Request: &fhir.Request{Method: "POST", URL: "Basic?a&b", IfNoneExist: "c"}}},
			`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Basic"},
				"extension":[{"url":"urn:phr:bundle-entry","extension":[
					{"url":"method","valueCode":"POST"},{"url":"url","valueUri":"Basic?a&b"},{"url":"ifNoneExist","valueString":"c"}]}]}]}`,
		},
		"a fullUrl twice": {
			[]fhir.Resource{{FullURL: "urn:uuid:1", Raw: basic}, {FullURL: "urn:uuid:1", Raw: basic}},
			`{"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Basic"}},
				{"resource":{"resourceType":"Basic"},"extension":[{"url":"urn:phr:bundle-entry","extension":[{"url":"fullUrl","valueUri":"urn:uuid:1"}]}]}]}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := export(t, c.in...)
			if !sameJSON(t, out, []byte(c.want)) {
				t.Errorf("Encoder writes %s, want %s", out, c.want)
			}
			back, err := fhir.ReadAll(bytes.NewReader(out), fhir.Limits{})
			if err != nil || len(back) != len(c.in) {
				t.Fatalf("%d entries, %v", len(back), err)
			}
			for i, e := range back {
				if !reflect.DeepEqual(e.Resource, c.in[i]) {
					t.Errorf("entry %d comes back as %+v, was %+v", i, e.Resource, c.in[i])
				}
			}
		})
	}
}

func TestExportKeepsPrecisionAndExtensions(t *testing.T) {
	out := export(t, fhir.Resource{Raw: []byte(pulse)}, fhir.Resource{Raw: []byte(maria)})
	want := `{"resourceType":"Bundle","type":"collection","entry":[{"resource":` + pulse + `},{"resource":` + maria + `}]}`
	if !sameJSON(t, out, []byte(want)) {
		t.Errorf("export is %s", out)
	}
}

func TestExportReportsAFullDisk(t *testing.T) {
	full := errors.New("no space left")
	enc := fhir.NewEncoder(writerFunc(func([]byte) (int, error) { return 0, full }))
	large := fhir.Resource{Raw: []byte(`{"resourceType":"Basic","v":"` + strings.Repeat("x", 10_000) + `"}`)}
	if err := enc.Encode(large); !errors.Is(err, full) {
		t.Errorf("Encode: %v", err)
	}
	if err := enc.Close(); !errors.Is(err, full) {
		t.Errorf("Close: %v", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func Example() {
	file := strings.NewReader(`{"resourceType":"Bundle","type":"batch","entry":[
		{"resource":{"resourceType":"Basic","id":"a"},"request":{"method":"PUT","url":"Basic/a"}},
		{"request":{"method":"DELETE","url":"Basic/b"}}]}`)
	enc := fhir.NewEncoder(os.Stdout)
	for e, err := range fhir.Entries(file, fhir.Limits{}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		if err := enc.Encode(e.Resource); err != nil {
			fmt.Println(err)
		}
	}
	if err := enc.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// entry 2 (line 3): "DELETE" request for "Basic/b" carries no resource
	// {
	// "resourceType": "Bundle",
	// "type": "collection",
	// "entry": [
	// {"resource": {"resourceType":"Basic","id":"a"},
	// "extension": [{"url": "urn:phr:bundle-entry", "extension": [{"url": "method", "valueCode": "PUT"}, {"url": "url", "valueUri": "Basic/a"}]}]}
	// ]
	// }
}
