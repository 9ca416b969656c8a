package fhir_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/phrledger/phr/projections/chart/fhir"
	"github.com/phrledger/phr/projections/chart/fhir/sample"
)

// corpus returns the files of third parties that match the patterns; the test is skipped where there are none.
func corpus(t testing.TB, patterns ...string) []string {
	t.Helper()
	root := os.Getenv("PHR_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "..", "shared", "data")
	}
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(root, p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Skipf("no sample data of third parties in %s; set PHR_TESTDATA to their folder", root)
	}
	return files
}

var bundleFiles = []string{"synthea/*.json.gz", "ips/*.json", "shc/*-fhirBundle.json", "shl/*-bundle-01.json"}

// oracle is what encoding/json makes of a bundle entry.
type oracle struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Request  *fhir.Request   `json:"request"`
}

// oracleEntries reads a Bundle or an array of entries with encoding/json alone.
func oracleEntries(t testing.TB, plain []byte) []oracle {
	t.Helper()
	var entries []oracle
	if json.Unmarshal(plain, &entries) == nil {
		return entries
	}
	var bundle struct{ Entry []oracle }
	if err := json.Unmarshal(plain, &bundle); err != nil {
		t.Fatal(err)
	}
	return bundle.Entry
}

func oracleLines(plain []byte) []oracle {
	var entries []oracle
	for line := range bytes.Lines(plain) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			entries = append(entries, oracle{Resource: line})
		}
	}
	return entries
}

func TestBundlesOfOthers(t *testing.T) {
	for i, file := range corpus(t, bundleFiles...) {
		if i%everyNth != 0 {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			packed, plain := readFile(t, file)
			checkFile(t, packed, oracleEntries(t, plain))
		})
	}
}

func TestNDJSONOfOthers(t *testing.T) {
	for _, file := range corpus(t, "bulk-ndjson/*.gz") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			packed, plain := readFile(t, file)
			checkFile(t, packed, oracleLines(plain))
		})
	}
}

func TestWhatIsNotFHIRIsRefused(t *testing.T) {
	for _, file := range corpus(t, "shc/*-jws*", "shc/*.smart-health-card", "shl/*.txt", "shl/shl-*.json", "gpx/*.gpx", "fit/*.fit", "applehealth/*.zip") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			packed, _ := readFile(t, file)
			if entries, err := fhir.ReadAll(bytes.NewReader(packed), fhir.Limits{}); err == nil {
				t.Errorf("%d entries read", len(entries))
			}
		})
	}
}

func TestSample(t *testing.T) {
	checkFile(t, sample.Bundle(), oracleEntries(t, sample.Bundle()))
}

// checkFile reads a file, seals and opens every resource, exports them, reads the export, and finds all as it was.
func checkFile(t *testing.T, file []byte, want []oracle) {
	t.Helper()
	entries, err := fhir.ReadAll(bytes.NewReader(file), fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Fatalf("%d entries, want %d", len(entries), len(want))
	}
	var exported bytes.Buffer
	enc := fhir.NewEncoder(&exported)
	for i, e := range entries {
		checkEntry(t, e, want[i])
		if e.Number != i+1 {
			t.Errorf("entry %d is numbered %d", i+1, e.Number)
		}
		sealed, err := e.Marshal()
		if err != nil {
			t.Fatalf("entry %d: %v", e.Number, err)
		}
		opened, err := fhir.Parse(sealed)
		if err != nil || !reflect.DeepEqual(opened, e.Resource) {
			t.Fatalf("entry %d changed in its envelope: %v", e.Number, err)
		}
		if _, err := fhir.Describe(opened.Raw); err != nil {
			t.Errorf("entry %d: %v", e.Number, err)
		}
		if err := enc.Encode(opened); err != nil {
			t.Fatal(err)
		}
	}
	if err := enc.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := fhir.ReadAll(&exported, fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range again {
		checkEntry(t, e, want[i])
	}
	if len(again) != len(want) {
		t.Fatalf("%d entries after the export, want %d", len(again), len(want))
	}
}

func checkEntry(t *testing.T, got fhir.Entry, want oracle) {
	t.Helper()
	if !bytes.Equal(got.Raw, want.Resource) {
		t.Errorf("entry %d: resource is %.200s, want %.200s", got.Number, got.Raw, want.Resource)
	}
	if got.FullURL != want.FullURL {
		t.Errorf("entry %d: fullUrl %q, want %q", got.Number, got.FullURL, want.FullURL)
	}
	if !reflect.DeepEqual(got.Request, want.Request) {
		t.Errorf("entry %d: request %+v, want %+v", got.Number, got.Request, want.Request)
	}
	var id struct{ ResourceType, ID string }
	if err := json.Unmarshal(want.Resource, &id); err != nil || got.Type != id.ResourceType || got.ID != id.ID {
		t.Errorf("entry %d: %s/%s, want %s/%s (%v)", got.Number, got.Type, got.ID, id.ResourceType, id.ID, err)
	}
}

// sameJSON compares two texts as JSON: members in any order, numbers by their text, since 1.0 and 1.00 differ in FHIR.
func sameJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	decode := func(data []byte) (v any) {
		dec := json.NewDecoder(bytes.NewReader(data))
		dec.UseNumber()
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	return reflect.DeepEqual(decode(a), decode(b))
}

func TestSameJSONTellsPrecisionAndExtensionsApart(t *testing.T) {
	base := `{"v": 1.0, "birthDate": "1974", "_birthDate": {"id": "x"}}`
	for other, want := range map[string]bool{
		`{"_birthDate":{"id":"x"},"birthDate":"1974","v":1.0}`:        true,
		`{"v": 1.00, "birthDate": "1974", "_birthDate": {"id": "x"}}`: false,
		`{"v": 1.0, "birthDate": "1974"}`:                             false,
	} {
		if sameJSON(t, []byte(base), []byte(other)) != want {
			t.Errorf("same(%s) is not %t", other, want)
		}
	}
}

// readFile returns a file as it is and unpacked.
func readFile(t testing.TB, name string) (packed, plain []byte) {
	t.Helper()
	packed, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(name, ".gz") {
		return packed, packed
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return packed, plain
}
