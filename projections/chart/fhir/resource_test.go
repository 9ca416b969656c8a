package fhir_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/projections/chart/fhir"
)

func TestResourceEncoding(t *testing.T) {
	r := fhir.Resource{
		FullURL: "urn:uuid:1",
		Request: &fhir.Request{Method: "POST", URL: "Basic", IfNoneExist: "a=b"},
		Raw:     []byte(`{"resourceType":"Basic"}`),
	}
	const want = "a3" + "01" + "6a75726e3a757569643a31" + // "urn:uuid:1"
		"02" + "a3" + "0164504f5354" + "02654261736963" + "0663613d62" +
		"03" + "5818" + "7b227265736f7572636554797065223a224261736963227d"
	got, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if hex.EncodeToString(got) != want {
		t.Errorf("Marshal = %x, want %s", got, want)
	}
	again, err := fhir.Parse(got)
	if err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("Parse = %+v, %v", again, err)
	}
}

func TestRefusedResources(t *testing.T) {
	basic := []byte(`{"resourceType":"Basic"}`)
	for name, c := range map[string]struct {
		r    fhir.Resource
		want error
	}{
		"nothing":        {fhir.Resource{}, fhir.ErrMalformed},
		"not JSON":       {fhir.Resource{Raw: []byte("{oops}")}, fhir.ErrMalformed},
		"a list":         {fhir.Resource{Raw: []byte("[]")}, fhir.ErrMalformed},
		"two":            {fhir.Resource{Raw: []byte(`{"resourceType":"Basic"}{"resourceType":"Basic"}`)}, fhir.ErrMalformed},
		"space before":   {fhir.Resource{Raw: append([]byte(" "), basic...)}, fhir.ErrMalformed},
		"space after":    {fhir.Resource{Raw: append(bytes.Clone(basic), '\n')}, fhir.ErrMalformed},
		"no type":        {fhir.Resource{Raw: []byte(`{}`)}, fhir.ErrMalformed},
		"duplicate keys": {fhir.Resource{Raw: []byte(`{"resourceType":"Basic","a":1,"a":2}`)}, fhir.ErrMalformed},
		"empty request":  {fhir.Resource{Raw: basic, Request: &fhir.Request{}}, fhir.ErrMalformed},
		"broken URL":     {fhir.Resource{Raw: basic, FullURL: "\xff"}, fhir.ErrMalformed},
		"long URL":       {fhir.Resource{Raw: basic, Request: &fhir.Request{URL: strings.Repeat("u", 5000)}}, fhir.ErrTooLarge},
		"too large":      {fhir.Resource{Raw: []byte(`{"resourceType":"Basic","v":"` + strings.Repeat("x", fhir.MaxResource) + `"}`)}, fhir.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.r.Marshal(); !errors.Is(err, c.want) {
				t.Errorf("Marshal: %v, want %v", err, c.want)
			}
			var sealed bytes.Buffer
			if err := fhir.NewEncoder(&sealed).Encode(c.r); !errors.Is(err, c.want) || sealed.Len() > 0 {
				t.Errorf("Encode: %v and %d bytes, want %v and none", err, sealed.Len(), c.want)
			}
			forged, err := canonical.Marshal(c.r)
			if err != nil {
				t.Fatal(err)
			}
			if r, err := fhir.Parse(forged); !errors.Is(err, fhir.ErrMalformed) && !errors.Is(err, fhir.ErrTooLarge) || r.Raw != nil {
				t.Errorf("Parse = %v, %v", r, err)
			}
		})
	}
}

func TestAttack05_TruncatedResources(t *testing.T) {
	whole, err := fhir.Resource{FullURL: "urn:uuid:1", Raw: []byte(maria)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if _, err := fhir.Parse(whole[:i]); !errors.Is(err, fhir.ErrMalformed) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := fhir.Parse(append(whole, 0)); !errors.Is(err, fhir.ErrMalformed) {
		t.Errorf("a byte too many: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range []fhir.Resource{
		{Raw: []byte(`{"resourceType":"Basic"}`)},
		{FullURL: "urn:uuid:1", Raw: []byte(maria), Request: &fhir.Request{Method: "PUT", URL: "Patient/1"}},
	} {
		b, err := r.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := fhir.Parse(data)
		if err != nil {
			return
		}
		if again, err := r.Marshal(); err != nil || !bytes.Equal(again, data) {
			t.Errorf("accepted %x, writes %x (%v)", data, again, err)
		}
		if !json.Valid(r.Raw) {
			t.Errorf("accepted %q, which is not JSON", r.Raw)
		}
	})
}

func FuzzEntries(f *testing.F) {
	f.Add([]byte(bundleOf(`{"fullUrl":"urn:uuid:1","resource":` + maria + `,"request":{"method":"POST","url":"Patient"}}`)))
	f.Add([]byte(maria + "\n" + pulse))
	f.Add([]byte("[" + maria + "]"))
	f.Add(packed(f, bundleOf(`{"resource":`+pulse+`}`)))
	f.Add([]byte(`{"entry":[],"resourceType":"Bundle"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		enc := fhir.NewEncoder(&out)
		var want []fhir.Resource
		for e, err := range fhir.Entries(bytes.NewReader(data), fhir.Limits{Total: 1 << 20, Entries: 1000, Resource: 8 << 10}) {
			if err != nil {
				continue
			}
			if _, err := fhir.Describe(e.Raw); err != nil {
				t.Fatalf("%q is an entry, and can't be described: %v", e.Raw, err)
			}
			if err := enc.Encode(e.Resource); err != nil {
				t.Fatalf("%q is an entry, and can't be written: %v", e.Raw, err)
			}
			want = append(want, e.Resource)
		}
		if err := enc.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := fhir.ReadAll(&out, fhir.Limits{})
		if err != nil || len(again) != len(want) {
			t.Fatalf("%d entries of %d after an export: %v", len(again), len(want), err)
		}
		for i, e := range again {
			if !reflect.DeepEqual(e.Resource, want[i]) {
				t.Errorf("entry %d is %+v, was %+v", i, e.Resource, want[i])
			}
		}
	})
}
