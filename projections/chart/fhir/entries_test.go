package fhir_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/phrledger/phr/projections/chart/fhir"
)

const (
	maria = `{"resourceType":"Patient","id":"m","birthDate":"1974-06-21","_birthDate":{"extension":[{"url":"u","valueDateTime":"1974-06-21T04:40:00+01:00"}]},"name":[{"family":"Núñez","given":["María","玛丽"]}]}`
	pulse = `{"resourceType":"Observation","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4"}]},"subject":{"reference":"Patient?identifier=urn:a|1"},"valueQuantity":{"value":72.00,"unit":"/min"}}`
)

func TestEntries(t *testing.T) {
	both := []string{maria, pulse}
	for name, c := range map[string]struct {
		in    string
		want  []string
		lines []int
	}{
		"transaction": {
			in:   `{"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":` + maria + `,"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=urn:a|1"}},{"resource":` + pulse + `}]}`,
			want: both, lines: []int{1, 1},
		},
		"batch, indented":     {in: "{\n \"resourceType\": \"Bundle\",\n \"type\": \"batch\",\n \"entry\": [\n  {\"resource\":\n   " + maria + "},\n  {\"resource\": " + pulse + "}\n ]\n}\n", want: both, lines: []int{5, 7}},
		"entries before type": {in: `{"entry":[{"resource":` + maria + `}],"type":"collection","resourceType":"Bundle"}`, want: both[:1], lines: []int{1}},
		"searchset":           {in: `{"resourceType":"Bundle","type":"searchset","total":1,"link":[],"entry":[{"search":{"mode":"match"},"resource":` + maria + `}]}`, want: both[:1], lines: []int{1}},
		"empty bundle":        {in: `{"resourceType":"Bundle","type":"collection"}`},
		"empty entries":       {in: `{"resourceType":"Bundle","type":"collection","entry":[]}`},
		"nested bundle":       {in: `{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle","type":"document"}}]}`, want: []string{`{"resourceType":"Bundle","type":"document"}`}, lines: []int{1}},
		"one resource":        {in: maria, want: both[:1], lines: []int{1}},
		"one, indented":       {in: "\n{\n\"resourceType\": \"Basic\"\n}\n", want: []string{"{\n\"resourceType\": \"Basic\"\n}"}, lines: []int{2}},
		"mark":                {in: "\xef\xbb\xbf" + maria, want: both[:1], lines: []int{1}},
		"list of its own":     {in: `{"resourceType":"List","entry":[{"item":{"reference":"Patient/m"}}]}`, want: []string{`{"resourceType":"List","entry":[{"item":{"reference":"Patient/m"}}]}`}, lines: []int{1}},
		"NDJSON":              {in: maria + "\n" + pulse + "\n", want: both, lines: []int{1, 2}},
		"NDJSON, no last end": {in: maria + "\n" + pulse, want: both, lines: []int{1, 2}},
		"NDJSON, CRLF, blank": {in: "\xef\xbb\xbf\r\n" + maria + "\r\n\r\n \t\r\n" + pulse + "\r\n\r\n", want: both, lines: []int{2, 5}},
		"NDJSON of bundles":   {in: `{"resourceType":"Bundle","entry":[{"resource":` + maria + `}]}` + "\n" + pulse, want: both, lines: []int{1, 2}},
		"one after another":   {in: "{\n\"resourceType\":\"Basic\"}\n{\"resourceType\":\n\"Basic\"}", want: []string{"{\n\"resourceType\":\"Basic\"}", "{\"resourceType\":\n\"Basic\"}"}, lines: []int{1, 3}},
		"array of entries":    {in: `[{"fullUrl":"resource:0","resource":` + maria + `},` + pulse + `]`, want: both, lines: []int{1, 1}},
		"contained":           {in: `{"resourceType":"Basic","contained":[{"resourceType":"Patient","id":"p"}]}`, want: []string{`{"resourceType":"Basic","contained":[{"resourceType":"Patient","id":"p"}]}`}, lines: []int{1}},
		"attachment":          {in: `{"resourceType":"DocumentReference","content":[{"attachment":{"contentType":"text/plain","data":"SGVsbG8="}}]}`, want: []string{`{"resourceType":"DocumentReference","content":[{"attachment":{"contentType":"text/plain","data":"SGVsbG8="}}]}`}, lines: []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range [][]byte{[]byte(c.in), packed(t, c.in)} {
				entries, err := fhir.ReadAll(iotest.OneByteReader(bytes.NewReader(in)), fhir.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if len(entries) != len(c.want) {
					t.Fatalf("%d entries, want %d", len(entries), len(c.want))
				}
				for i, e := range entries {
					if string(e.Raw) != c.want[i] || e.Number != i+1 || e.Line != c.lines[i] {
						t.Errorf("entry %d, line %d: %s\nwant line %d: %s", e.Number, e.Line, e.Raw, c.lines[i], c.want[i])
					}
				}
			}
		})
	}
}

func TestRequestsAreKept(t *testing.T) {
	in := `{"resourceType":"Bundle","type":"transaction","entry":[
		{"fullUrl":"urn:uuid:1","resource":` + maria + `,"request":{"method":"PUT","url":"Patient?identifier=a|1&active=true","ifNoneMatch":"*","ifModifiedSince":"2020-01-01T00:00:00Z","ifMatch":"W/\"1\"","ifNoneExist":"identifier=a|1"}},
		{"resource":` + pulse + `,"request":{}}]}`
	entries, err := fhir.ReadAll(strings.NewReader(in), fhir.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := fhir.Request{
		Method: "PUT", URL: "Patient?identifier=a|1&active=true", IfNoneMatch: "*", IfModifiedSince: "2020-01-01T00:00:00Z",
		IfMatch: `W/"1"`, IfNoneExist: "identifier=a|1",
	}
	if e := entries[0]; *e.Request != want || e.FullURL != "urn:uuid:1" || e.Type != "Patient" || e.ID != "m" {
		t.Errorf("entry 1: %+v, request %+v", e, *e.Request)
	}
	if e := entries[1]; e.Request != nil || e.FullURL != "" || e.ID != "" {
		t.Errorf("entry 2: %+v", e)
	}
}

// bundleOf puts entries into a Bundle, one a line, the first on line 2.
func bundleOf(entries ...string) string {
	return "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[\n" + strings.Join(entries, ",\n") + "\n]}"
}

func TestBadEntriesAreNamed(t *testing.T) {
	good := `{"resource":` + maria + `}`
	for name, c := range map[string]struct {
		entry string
		want  error
		says  string
	}{
		"delete":                {`{"request":{"method":"DELETE","url":"Patient/1"}}`, fhir.ErrNoResource, `"DELETE" request for "Patient/1"`},
		"response only":         {`{"response":{"status":"201"}}`, fhir.ErrNoResource, "no resource"},
		"empty":                 {`{}`, fhir.ErrMalformed, "neither"},
		"number":                {`1`, fhir.ErrMalformed, "not an object"},
		"null":                  {`null`, fhir.ErrMalformed, "not an object"},
		"null resource":         {`{"resource":null}`, fhir.ErrMalformed, "not an object"},
		"no type":               {`{"resource":{"id":"1"}}`, fhir.ErrMalformed, "no resourceType"},
		"type a number":         {`{"resource":{"resourceType":1}}`, fhir.ErrMalformed, "not a resource name"},
		"type a path":           {`{"resource":{"resourceType":"../x"}}`, fhir.ErrMalformed, "not a resource name"},
		"type in capitals":      {`{"resource":{"RESOURCETYPE":"Patient"}}`, fhir.ErrMalformed, "no resourceType"},
		"id a number":           {`{"resource":{"resourceType":"Patient","id":1}}`, fhir.ErrMalformed, "id of the Patient"},
		"fullUrl a number":      {`{"fullUrl":1,"resource":` + maria + `}`, fhir.ErrMalformed, "fullUrl"},
		"method a list":         {`{"request":{"method":[]},"resource":` + maria + `}`, fhir.ErrMalformed, "method"},
		"long fullUrl":          {`{"fullUrl":"` + strings.Repeat("u", 5000) + `","resource":` + maria + `}`, fhir.ErrTooLarge, "fullUrl"},
		"duplicate key":         {`{"resource":{"resourceType":"Patient","id":"1","id":"2"}}`, fhir.ErrMalformed, `key "id" twice`},
		"duplicate by escape":   {`{"resource":{"resourceType":"Patient","id":"1","\u0069d":"2"}}`, fhir.ErrMalformed, `key "id" twice`},
		"two resources":         {`{"resource":` + maria + `,"resource":` + pulse + `}`, fhir.ErrMalformed, `key "resource" twice`},
		"duplicate among many":  {`{"resource":{"resourceType":"Basic",` + manyKeys(100) + `,"k7":1}}`, fhir.ErrMalformed, `key "k7" twice`},
		"not UTF-8":             {"{\"resource\":{\"resourceType\":\"Patient\",\"id\":\"\xff\"}}", fhir.ErrMalformed, "UTF-8"},
		"half a character":      {`{"resource":{"resourceType":"Patient","id":"\ud83d"}}`, fhir.ErrMalformed, "surrogate"},
		"two first halves":      {`{"resource":{"resourceType":"Patient","id":"\ud83d\ud83d"}}`, fhir.ErrMalformed, "surrogate"},
		"NaN":                   {`{"resource":{"resourceType":"Basic","v":NaN}}`, fhir.ErrMalformed, `unexpected 'N'`},
		"Infinity":              {`{"resource":{"resourceType":"Basic","v":-Infinity}}`, fhir.ErrMalformed, `unexpected 'I'`},
		"leading zero":          {`{"resource":{"resourceType":"Basic","v":01}}`, fhir.ErrMalformed, `unexpected '1'`},
		"bare point":            {`{"resource":{"resourceType":"Basic","v":1.}}`, fhir.ErrMalformed, "number"},
		"bare exponent":         {`{"resource":{"resourceType":"Basic","v":1e}}`, fhir.ErrMalformed, "number"},
		"hexadecimal":           {`{"resource":{"resourceType":"Basic","v":0x10}}`, fhir.ErrMalformed, `unexpected 'x'`},
		"trailing comma":        {`{"resource":{"resourceType":"Basic",}}`, fhir.ErrMalformed, "key"},
		"single quotes":         {`{'resource':1}`, fhir.ErrMalformed, "key"},
		"comment":               {`{"resource":/* */{"resourceType":"Basic"}}`, fhir.ErrMalformed, "value"},
		"crossed brackets":      {`{"resource":{"resourceType":"Basic","v":[1}]}`, fhir.ErrMalformed, "comma"},
		"line end in a string":  {"{\"resource\":{\"resourceType\":\"Basic\",\"v\":\"a\nb\"}}", fhir.ErrMalformed, "string"},
		"unknown escape":        {`{"resource":{"resourceType":"Basic","v":"\x"}}`, fhir.ErrMalformed, "escape"},
		"short escape":          {`{"resource":{"resourceType":"Basic","v":"\u12"}}`, fhir.ErrMalformed, "escape"},
		"deep":                  {`{"resource":{"resourceType":"Basic","v":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}}`, fhir.ErrMalformed, "deeper"},
		"resource over 450 KiB": {`{"resource":{"resourceType":"Binary","data":"` + strings.Repeat("A", 450<<10) + `"}}`, fhir.ErrTooLarge, "the limit is 460800"},
		"resource over 5 MiB":   {`{"resource":{"resourceType":"Binary","data":"` + strings.Repeat("A", 5<<20) + `"}}`, fhir.ErrTooLarge, "5242928 bytes, the limit is 460800"},
	} {
		t.Run(name, func(t *testing.T) {
			var read []int
			var bad *fhir.EntryError
			for e, err := range fhir.Entries(strings.NewReader(bundleOf(good, c.entry, good)), fhir.Limits{}) {
				if err == nil {
					read = append(read, e.Number)
				} else if !errors.As(err, &bad) {
					t.Fatalf("the whole file is refused: %v", err)
				}
			}
			if fmt.Sprint(read) != "[1 3]" || bad == nil {
				t.Fatalf("read %v with %v, want 1 and 3", read, bad)
			}
			if bad.Number != 2 || bad.Line != 3 || !errors.Is(bad, c.want) || !strings.Contains(bad.Error(), c.says) {
				t.Errorf("%v, want entry 2 (line 3), %v, saying %q", bad, c.want, c.says)
			}
			if len(bad.Error()) > 300 {
				t.Errorf("a message of %d bytes", len(bad.Error()))
			}
		})
	}
}

func manyKeys(n int) string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf(`"k%d":1`, i)
	}
	return strings.Join(keys, ",")
}

func TestBadLinesAreNamed(t *testing.T) {
	in := strings.Join([]string{maria, `{"resourceType":"Patient",`, `{"id":"1"}`, "", "oops", `{"resourceType":"Binary","data":"` + strings.Repeat("A", 1<<20) + `"}`, pulse}, "\n")
	_, err := fhir.ReadAll(strings.NewReader(in), fhir.Limits{})
	var bad *fhir.EntryErrors
	if !errors.As(err, &bad) {
		t.Fatalf("err = %v", err)
	}
	var got []string
	for _, e := range bad.First {
		got = append(got, fmt.Sprintf("%d:%d", e.Number, e.Line))
	}
	if strings.Join(got, " ") != "2:2 3:3 4:5 5:6" || bad.Total != 4 {
		t.Errorf("bad entries %v of %d", got, bad.Total)
	}
	if !strings.HasPrefix(err.Error(), "4 bad entries, the first: entry 2 (line 2): ") || !errors.Is(err, fhir.ErrTooLarge) {
		t.Errorf("err = %v", err)
	}
}

func TestRefusedFiles(t *testing.T) {
	good := `{"resource":` + maria + `}`
	for name, c := range map[string]struct {
		in   string
		want error
		says string
	}{
		"empty":                 {"", fhir.ErrMalformed, "early"},
		"white space":           {" \n\r\n", fhir.ErrMalformed, "early"},
		"XML":                   {"<Bundle/>", fhir.ErrMalformed, "XML"},
		"UTF-16":                {"\xff\xfe{\x00", fhir.ErrMalformed, "UTF-16"},
		"zip":                   {"PK\x03\x04....", fhir.ErrMalformed, "zip"},
		"text":                  {"hello", fhir.ErrMalformed, "unexpected 'h'"},
		"no FHIR":               {`{"iss":"https://a"}`, fhir.ErrMalformed, "neither a resource"},
		"cut in an entry":       {bundleOf(good, good)[:len(bundleOf(good))+40], fhir.ErrMalformed, "after entry 1"},
		"cut after an entry":    {bundleOf(good, good)[:len(bundleOf(good))], fhir.ErrMalformed, "after entry 1"},
		"cut resource":          {maria[:100], fhir.ErrMalformed, "early"},
		"entry an object":       {`{"resourceType":"Bundle","entry":{}}`, fhir.ErrMalformed, `'{' where '['`},
		"two entry lists":       {`{"resourceType":"Bundle","entry":[],"entry":[` + good + `]}`, fhir.ErrMalformed, `"entry" twice`},
		"NaN beside entries":    {`{"resourceType":"Bundle","total":NaN,"entry":[` + good + `]}`, fhir.ErrMalformed, "unexpected"},
		"no comma":              {`{"resourceType":"Bundle","entry":[` + good + good + `]}`, fhir.ErrMalformed, "','"},
		"more after the bundle": {bundleOf(good) + "\n]", fhir.ErrMalformed, "unexpected ']'"},
		"broken gzip":           {string(packed(t, bundleOf(good))[:60]), nil, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			entries, err := fhir.ReadAll(strings.NewReader(c.in), fhir.Limits{})
			if err == nil || len(entries) != 0 || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%d entries, %v; want none, %v, saying %q", len(entries), err, c.want, c.says)
			}
		})
	}
}

func TestReadErrorsAreNotTheEnd(t *testing.T) {
	broken := errors.New("the disk went away")
	in := iotest.TimeoutReader(strings.NewReader(bundleOf(`{"resource":` + maria + `}`)))
	if _, err := fhir.ReadAll(in, fhir.Limits{}); !errors.Is(err, iotest.ErrTimeout) {
		t.Errorf("err = %v", err)
	}
	if _, err := fhir.ReadAll(iotest.ErrReader(broken), fhir.Limits{}); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
}

func TestEntriesStops(t *testing.T) {
	for e, err := range fhir.Entries(strings.NewReader(maria+"\n"+pulse+"\nbad"), fhir.Limits{}) {
		if err != nil || e.Number != 1 {
			t.Errorf("entry %d: %v after the loop ended", e.Number, err)
		}
		break
	}
}

func TestLimits(t *testing.T) {
	two := maria + "\n" + pulse
	for name, c := range map[string]struct {
		limits fhir.Limits
		good   bool
	}{
		"total, just":    {fhir.Limits{Total: int64(len(two))}, true},
		"total":          {fhir.Limits{Total: int64(len(two)) - 1}, false},
		"entries, just":  {fhir.Limits{Entries: 2}, true},
		"entries":        {fhir.Limits{Entries: 1}, false},
		"resource, just": {fhir.Limits{Resource: len(pulse)}, true},
		"resource":       {fhir.Limits{Resource: len(pulse) - 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fhir.ReadAll(strings.NewReader(two), c.limits)
			if c.good != (err == nil) || err != nil && !errors.Is(err, fhir.ErrTooLarge) {
				t.Errorf("err = %v", err)
			}
		})
	}
}

// observations writes a Bundle of n Observations, each with about size bytes of narrative.
func observations(n, size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"fullUrl":"urn:uuid:%d","resource":{"resourceType":"Observation","id":"o%d","text":{"status":"generated","div":"<div>%s</div>"},"status":"final","code":{"text":"é"},"valueQuantity":{"value":%d.50}},"request":{"method":"POST","url":"Observation"}}`,
			i, i, strings.Repeat("x", size), i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func TestLargeBundles(t *testing.T) {
	for name, in := range map[string][]byte{
		"2,000 entries": observations(2000, 10),
		"9 MB":          observations(900, 10_000),
		"a line of it":  append(observations(60, 10_000), '\n'),
	} {
		t.Run(name, func(t *testing.T) {
			checkFile(t, in, oracleEntries(t, in))
		})
	}
}

func packed(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func BenchmarkEntries(b *testing.B) {
	for name, in := range map[string][]byte{"600x3KB": observations(600, 3000), "9MB": observations(900, 10_000)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(in)))
			b.ReportAllocs()
			for b.Loop() {
				for _, err := range fhir.Entries(bytes.NewReader(in), fhir.Limits{}) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
