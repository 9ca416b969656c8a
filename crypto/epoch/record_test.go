package epoch_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
)

func header() epoch.Header {
	return epoch.Header{
		Version: 1, Patient: place.Patient, Compartment: place.Compartment, Epoch: place.Epoch,
		EventID: [16]byte{0x01, 0x93, 15: 0x0d}, Kind: "record.written", Author: "ab3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r",
		RefersTo: [16]byte{0x01, 0x92, 15: 0x0a}, Leaf: leaf(0xfeed_beef), Class: "application/fhir+json",
	}
}

const observation = `{"resourceType":"Observation","status":"final","code":{"text":"Heart rate"},"valueQuantity":{"value":61,"unit":"/min"}}`

func sealRecord(t testing.TB, name string, h epoch.Header, body []byte) []byte {
	t.Helper()
	sealed, err := epoch.Seal(stream(name), generate(t, "current"), newShred(t, "s"), h, body)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealOpen(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	noise, err := io.ReadAll(io.LimitReader(stream("noise"), epoch.MaxBody))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		"empty":           {},
		"a byte":          {'x'},
		"a resource":      []byte(observation),
		"a long text":     bytes.Repeat([]byte(observation), 2000),
		"noise":           noise[:3000],
		"longest noise":   noise,
		"longest zeros":   make([]byte, epoch.MaxBody),
		"dictionary":      epoch.Dictionary,
		"ends with zeros": append([]byte(observation), make([]byte, 100)...),
	} {
		t.Run(name, func(t *testing.T) {
			sealed, err := epoch.Seal(stream(name), keys, shred, header(), body)
			if err != nil {
				t.Fatal(err)
			}
			got, err := epoch.Open(keys.WithoutHistory(), shred, header(), sealed)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, body) {
				t.Errorf("%d other bytes came out, %d went in", len(got), len(body))
			}
			if bucket, err := epoch.Bucket(sealed); err != nil || bucket != len(sealed)-epoch.Overhead {
				t.Errorf("Bucket = %d, %v for %d bytes", bucket, err, len(sealed))
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	_, err := epoch.Seal(stream("n"), generate(t, "k"), newShred(t, "s"), header(), make([]byte, epoch.MaxBody+1))
	if !errors.Is(err, epoch.ErrTooLarge) {
		t.Errorf("Seal = %v, want ErrTooLarge", err)
	}
}

// headerChanges changes each field of a header, by the name of the field.
var headerChanges = map[string]func(*epoch.Header){
	"Version":     func(h *epoch.Header) { h.Version++ },
	"Patient":     func(h *epoch.Header) { h.Patient = h.Author },
	"Compartment": func(h *epoch.Header) { h.Compartment = "training" },
	"Epoch":       func(h *epoch.Header) { h.Epoch++ },
	"EventID":     func(h *epoch.Header) { h.EventID[15] ^= 1 },
	"Kind":        func(h *epoch.Header) { h.Kind = "record.amended" },
	"Author":      func(h *epoch.Header) { h.Author = h.Patient },
	"RefersTo":    func(h *epoch.Header) { h.RefersTo = [16]byte{} },
	"Leaf":        func(h *epoch.Header) { h.Leaf[5] ^= 1 },
	"Class":       func(h *epoch.Header) { h.Class = "application/fhir+xml" },
}

func TestAttack42_RecordMoved(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	sealed := sealRecord(t, "n", header(), []byte(observation))
	for field := range reflect.TypeFor[epoch.Header]().Fields() {
		t.Run(field.Name, func(t *testing.T) {
			change, ok := headerChanges[field.Name]
			if !ok {
				t.Fatal("a field that no test changes")
			}
			h := header()
			change(&h)
			got, err := epoch.Open(keys, shred, h, sealed)
			if got != nil || !errors.Is(err, epoch.ErrOpen) {
				t.Errorf("Open = %q, %v, want ErrOpen", got, err)
			}
		})
	}
	h := header()
	h.Patient, h.Compartment = h.Patient+h.Compartment, ""
	if got, err := epoch.Open(keys, shred, h, sealed); got != nil || !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("bytes moved to the next field: %v, want ErrOpen", err)
	}
}

func TestWrongKeys(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	sealed := sealRecord(t, "n", header(), []byte(observation))
	for name, open := range map[string]func() ([]byte, error){
		"keys":  func() ([]byte, error) { return epoch.Open(generate(t, "previous"), shred, header(), sealed) },
		"shred": func() ([]byte, error) { return epoch.Open(keys, newShred(t, "other"), header(), sealed) },
	} {
		if got, err := open(); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("other %s: %v, want ErrOpen", name, err)
		}
	}
}

func TestAttack07_RecordFlipped(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	sealed := sealRecord(t, "n", header(), []byte(observation))
	texts := map[string]bool{}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1 << (i % 8)
		got, err := epoch.Open(keys, shred, header(), changed)
		if got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Fatalf("byte %d changed: %v, want ErrOpen", i, err)
		}
		texts[err.Error()] = true
	}
	if len(texts) != 1 {
		t.Errorf("errors tell apart what failed: %v", texts)
	}
}

func TestAttack05_RecordTruncated(t *testing.T) {
	keys, shred := generate(t, "current"), newShred(t, "s")
	sealed := sealRecord(t, "n", header(), []byte(observation))
	for n := range sealed {
		if got, err := epoch.Open(keys, shred, header(), sealed[:n]); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Fatalf("cut to %d bytes: %v, want ErrOpen", n, err)
		}
	}
	for _, tail := range []int{1, 16, 1 << 20} {
		long := append(bytes.Clone(sealed), make([]byte, tail)...)
		if got, err := epoch.Open(keys, shred, header(), long); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%d trailing bytes: %v, want ErrOpen", tail, err)
		}
	}
}

func TestAttack50_ErasedRecordStaysShut(t *testing.T) {
	keys, shred, h := generate(t, "current"), newShred(t, "s"), header()
	neighbour := header()
	neighbour.EventID[0]++
	neighbour.Leaf[5] ^= 1
	erased, kept := sealRecord(t, "n", h, []byte(observation)), sealRecord(t, "m", neighbour, []byte(observation))
	shred.Puncture(h.Leaf)
	shred, err := epoch.ParseShred(shred.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := epoch.Open(keys, shred, h, erased); got != nil || !errors.Is(err, epoch.ErrErased) {
		t.Errorf("Open of an erased record = %v, want ErrErased", err)
	}
	if got, err := epoch.Open(keys, shred, neighbour, kept); err != nil || string(got) != observation {
		t.Errorf("the record beside it: %v", err)
	}
	if sealed, err := epoch.Seal(stream("n"), keys, shred, h, nil); sealed != nil || !errors.Is(err, epoch.ErrErased) {
		t.Errorf("Seal on an erased leaf = %v, want ErrErased", err)
	}
}

// Two seals of one event, as two submissions after a conflict would hold: nothing that depends on the key repeats.
func TestAttack60_TwoSealsOneEvent(t *testing.T) {
	random := stream("one source for both")
	keys, shred, h := generate(t, "current"), newShred(t, "s"), header()
	seal := func(body []byte) []byte {
		sealed, err := epoch.Seal(random, keys, shred, h, body)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	const salt = 1 + 32
	const text = salt + 16
	same, again, other := seal([]byte("abcdef")), seal([]byte("abcdef")), seal([]byte("ghijkl"))
	if bytes.Equal(same[salt:text], again[salt:text]) {
		t.Error("the salt repeats")
	}
	if bytes.Equal(same[1:salt], again[1:salt]) {
		t.Error("the commitment repeats: so does the key")
	}
	if bytes.Equal(same[text:], again[text:]) {
		t.Error("the ciphertext repeats")
	}
	// Under one key and nonce the difference of the ciphertexts would be that of the texts.
	leak := true
	for i, a := range []byte("abcdef") {
		at := text + epoch.FrameHead + i
		leak = leak && same[at]^other[at] == a^"ghijkl"[i]
	}
	if leak {
		t.Error("two texts were sealed with one key stream")
	}
	// Parts of one in the other: no mixture opens.
	for name, mixed := range map[string][]byte{
		"salt":       append(append(bytes.Clone(same[:salt]), again[salt:text]...), same[text:]...),
		"commitment": append(append([]byte{1}, again[1:salt]...), same[salt:]...),
		"head":       append(bytes.Clone(again[:text]), same[text:]...),
	} {
		if got, err := epoch.Open(keys, shred, h, mixed); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%s of another seal: %v, want ErrOpen", name, err)
		}
	}
}

func TestBucketRefused(t *testing.T) {
	sealed := sealRecord(t, "n", header(), []byte(observation))
	for name, b := range map[string][]byte{
		"empty":          {},
		"head alone":     make([]byte, epoch.Overhead),
		"no frame":       append([]byte{1}, make([]byte, epoch.Overhead+3)...),
		"format 0":       append([]byte{0}, sealed[1:]...),
		"format 2":       append([]byte{2}, sealed[1:]...),
		"not a bucket":   append([]byte{1}, make([]byte, epoch.Overhead+1022)...),
		"more than Seal": append([]byte{1}, make([]byte, epoch.Overhead+epoch.Padme(epoch.MaxFrame+1)-1)...),
	} {
		if size, err := epoch.Bucket(b); size != 0 || !errors.Is(err, canonical.ErrMalformed) {
			t.Errorf("%s: %d, %v, want ErrMalformed", name, size, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	keys, shred := generate(f, "current"), newShred(f, "s")
	f.Add(sealRecord(f, "n", header(), []byte(observation)))
	f.Add(sealRecord(f, "m", header(), nil))
	f.Fuzz(func(t *testing.T, sealed []byte) {
		body, err := epoch.Open(keys, shred, header(), sealed)
		if err == nil && string(body) != observation && len(body) > 0 {
			t.Errorf("forged %q", body)
		}
		if err != nil && (body != nil || !errors.Is(err, epoch.ErrOpen)) {
			t.Errorf("Open = %q, %v, want ErrOpen alone", body, err)
		}
	})
}

func FuzzOpenParts(f *testing.F) {
	keys := generate(f, "current")
	kid, hid := keys.KID(), keys.HID()
	wrap, err := epoch.SealWrap(stream("n"), wrapKey, place, term, keys, true)
	if err != nil {
		f.Fatal(err)
	}
	link, err := epoch.SealLink(stream("n"), place, keys, keys)
	if err != nil {
		f.Fatal(err)
	}
	shred, err := epoch.SealShred(stream("n"), place, keys, newShred(f, "s"))
	if err != nil {
		f.Fatal(err)
	}
	for _, part := range [][]byte{wrap, link, shred, {}, {1}} {
		f.Add(part)
	}
	f.Fuzz(func(t *testing.T, sealed []byte) {
		if got, err := epoch.OpenWrap(wrapKey, place, kid, hid, term, sealed); (err == nil) != (got != nil) ||
			err == nil && !bytes.Equal(sealed, wrap) {
			t.Errorf("OpenWrap = %v, %v", got, err)
		}
		if got, err := epoch.OpenLink(keys, place, kid, hid, sealed); (err == nil) != (got != nil) ||
			err == nil && !bytes.Equal(sealed, link) {
			t.Errorf("OpenLink = %v, %v", got, err)
		}
		if got, err := epoch.OpenShred(keys, place, 0, sealed); (err == nil) != (got != nil) ||
			err == nil && !bytes.Equal(sealed, shred) {
			t.Errorf("OpenShred = %v, %v", got, err)
		}
	})
}
