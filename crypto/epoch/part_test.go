package epoch_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
)

var place = epoch.Place{Patient: "kx3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r", Compartment: "health", Epoch: 7}

// elsewhere lists places that differ from place in one field.
var elsewhere = map[string]epoch.Place{
	"patient":     {Patient: "ab3f6q2mzv7a4lw5ybn2t6c3dh7s5e4r", Compartment: "health", Epoch: 7},
	"compartment": {Patient: place.Patient, Compartment: "training", Epoch: 7},
	"epoch":       {Patient: place.Patient, Compartment: "health", Epoch: 8},
	"next field":  {Patient: place.Patient + "health", Compartment: "", Epoch: 7},
}

const term = "01jd5m2x8t4v6w7y9z0a1b2c3d"

var wrapKey = [32]byte{1, 2, 3}

// part is one kind of sealed part: how it is opened by the one who may, and by variations of that.
type part struct {
	name   string
	sealed []byte
	open   func(at epoch.Place, kid, hid [32]byte, sealed []byte) (*epoch.Keys, error)
	want   *epoch.Keys
}

func parts(t *testing.T) []part {
	t.Helper()
	keys, previous := generate(t, "current"), generate(t, "previous")
	id, _, err := identity.Generate(stream("identity"))
	if err != nil {
		t.Fatal(err)
	}
	must := func(sealed []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	openWrap := func(at epoch.Place, kid, hid [32]byte, sealed []byte) (*epoch.Keys, error) {
		return epoch.OpenWrap(wrapKey, at, kid, hid, term, sealed)
	}
	return []part{
		{"wrap with history", must(epoch.SealWrap(stream("n1"), wrapKey, place, term, keys, true)), openWrap, keys},
		{"wrap from now on", must(epoch.SealWrap(stream("n2"), wrapKey, place, term, keys, false)), openWrap, keys.WithoutHistory()},
		{
			"link", must(epoch.SealLink(stream("n3"), place, keys, previous)),
			func(at epoch.Place, kid, hid [32]byte, sealed []byte) (*epoch.Keys, error) {
				return epoch.OpenLink(keys, at, kid, hid, sealed)
			}, previous,
		},
		{
			"owner", must(epoch.SealOwner(id.Keys(), place, keys)),
			func(at epoch.Place, kid, hid [32]byte, sealed []byte) (*epoch.Keys, error) {
				return epoch.OpenOwner(id, at, kid, hid, sealed)
			}, keys,
		},
	}
}

func TestParts(t *testing.T) {
	for _, p := range parts(t) {
		t.Run(p.name, func(t *testing.T) {
			kid, hid := p.want.KID(), p.want.HID()
			got, err := p.open(place, kid, hid, p.sealed)
			if err != nil {
				t.Fatal(err)
			}
			if got.KID() != kid || got.HID() != hid || got.HasHistory() != p.want.HasHistory() {
				t.Error("other keys came out than went in")
			}
			stranger := generate(t, "stranger")
			got, err = p.open(place, stranger.KID(), hid, p.sealed)
			refused(t, got, err, epoch.ErrOpen)
			if p.want.HasHistory() {
				got, err = p.open(place, kid, stranger.HID(), p.sealed)
				refused(t, got, err, epoch.ErrOpen)
			}
			got, err = p.open(place, kid, hid, append(bytes.Clone(p.sealed), 0))
			refused(t, got, err, epoch.ErrOpen)
		})
	}
}

func TestAttack42_PartMoved(t *testing.T) {
	for _, p := range parts(t) {
		for field, at := range elsewhere {
			t.Run(p.name+"/"+field, func(t *testing.T) {
				got, err := p.open(at, p.want.KID(), p.want.HID(), p.sealed)
				refused(t, got, err, epoch.ErrOpen)
			})
		}
	}
}

func TestAttack47_PartsSwapped(t *testing.T) {
	all := parts(t)
	for i, p := range all {
		for j, q := range all {
			if i/2 == j/2 && i < 2 {
				continue // both are wraps of the same term, key and place; which one counts is the event's to say
			}
			if i == j {
				continue
			}
			t.Run(q.name+" as "+p.name, func(t *testing.T) {
				got, err := p.open(place, p.want.KID(), p.want.HID(), q.sealed)
				refused(t, got, err, epoch.ErrOpen)
			})
		}
	}
}

func TestAttack05_PartTruncated(t *testing.T) {
	for _, p := range parts(t) {
		for n := range p.sealed {
			got, err := p.open(place, p.want.KID(), p.want.HID(), p.sealed[:n])
			if got != nil || !errors.Is(err, epoch.ErrOpen) {
				t.Fatalf("%s cut to %d bytes: %v, want ErrOpen", p.name, n, err)
			}
		}
	}
}

func TestAttack07_PartFlipped(t *testing.T) {
	for _, p := range parts(t) {
		texts := map[string]bool{}
		for i := range p.sealed {
			sealed := bytes.Clone(p.sealed)
			sealed[i] ^= 1 << (i % 8)
			got, err := p.open(place, p.want.KID(), p.want.HID(), sealed)
			if got != nil || !errors.Is(err, epoch.ErrOpen) {
				t.Fatalf("%s with byte %d changed: %v, want ErrOpen", p.name, i, err)
			}
			texts[err.Error()] = true
		}
		if len(texts) != 1 {
			t.Errorf("%s: errors tell apart what failed: %v", p.name, texts)
		}
	}
}

func TestWrapRefused(t *testing.T) {
	keys := generate(t, "current")
	sealed, err := epoch.SealWrap(stream("n"), wrapKey, place, term, keys, true)
	if err != nil {
		t.Fatal(err)
	}
	got, err := epoch.OpenWrap([32]byte{9}, place, keys.KID(), keys.HID(), term, sealed)
	refused(t, got, err, epoch.ErrOpen)
	for _, other := range []string{"", "01jd5m2x8t4v6w7y9z0a1b2c3e", "owner", term + "x"} {
		got, err = epoch.OpenWrap(wrapKey, place, keys.KID(), keys.HID(), other, sealed)
		refused(t, got, err, epoch.ErrOpen)
	}
}

func TestWrapLeavesHistoryOut(t *testing.T) {
	keys := generate(t, "current")
	sealed, err := epoch.SealWrap(stream("n"), wrapKey, place, term, keys, false)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := epoch.OpenWrap(wrapKey, place, keys.KID(), keys.HID(), term, sealed)
	if err != nil {
		t.Fatal(err)
	}
	link, err := epoch.SealLink(stream("n"), place, keys, generate(t, "previous"))
	if err != nil {
		t.Fatal(err)
	}
	previous := generate(t, "previous")
	got, err := epoch.OpenLink(reader, place, previous.KID(), previous.HID(), link)
	refused(t, got, err, epoch.ErrNoHistory)
}

// A rotator who holds every key seals parts with other contents than the event promises.
func TestAttack47_GarbageParts(t *testing.T) {
	keys, other := generate(t, "current"), generate(t, "stranger")
	raw, err := io.ReadAll(io.LimitReader(stream("current"), 64)) // what Generate drew
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := io.ReadAll(io.LimitReader(stream("stranger"), 64))
	if err != nil {
		t.Fatal(err)
	}
	id, _, err := identity.Generate(stream("identity"))
	if err != nil {
		t.Fatal(err)
	}
	garbage := map[string][]byte{
		"empty": {}, "31 bytes": raw[:31], "33 bytes": raw[:33], "63 bytes": raw[:63], "65 bytes": append(bytes.Clone(raw), 0),
		"other keys": foreign, "other history": slices.Concat(raw[:32], foreign[32:]), "swapped": slices.Concat(raw[32:], raw[:32]),
	}
	for name, contents := range garbage {
		t.Run(name, func(t *testing.T) {
			wrap, err := epoch.SealPart(stream("n"), wrapKey, place, "wrap-"+term, keys.KID(), 0, contents)
			if err != nil {
				t.Fatal(err)
			}
			got, err := epoch.OpenWrap(wrapKey, place, keys.KID(), keys.HID(), term, wrap)
			refused(t, got, err, epoch.ErrOpen)
			link, err := epoch.SealPart(stream("n"), [32]byte(foreign[32:]), place, "link", other.KID(), 0, contents)
			if err != nil {
				t.Fatal(err)
			}
			got, err = epoch.OpenLink(other, place, keys.KID(), keys.HID(), link)
			refused(t, got, err, epoch.ErrOpen)
			got, err = epoch.OpenOwner(id, place, keys.KID(), keys.HID(), ownerPart(t, id, keys.KID(), contents))
			refused(t, got, err, epoch.ErrOpen)
		})
	}
	// The patient and the next epoch always get both keys.
	got, err := epoch.OpenOwner(id, place, keys.KID(), keys.HID(), ownerPart(t, id, keys.KID(), raw[:32]))
	refused(t, got, err, epoch.ErrOpen)
	link, err := epoch.SealPart(stream("n"), [32]byte(foreign[32:]), place, "link", other.KID(), 0, raw[:32])
	if err != nil {
		t.Fatal(err)
	}
	got, err = epoch.OpenLink(other, place, keys.KID(), keys.HID(), link)
	refused(t, got, err, epoch.ErrOpen)
	// A shred that does not count its erasures as the log does.
	shred, err := epoch.SealPart(stream("n"), [32]byte(raw[:32]), place, "shred", keys.KID(), 1, newShred(t, "s").Bytes())
	if err != nil {
		t.Fatal(err)
	}
	gotShred, err := epoch.OpenShred(keys, place, 1, shred)
	refused(t, gotShred, err, epoch.ErrOpen)
}

func ownerPart(t *testing.T, id *identity.Identity, kid [32]byte, contents []byte) []byte {
	t.Helper()
	context, err := epoch.OwnerContext(place, kid)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := id.Keys().SealTo("phr/part/1\x00owner", context, contents)
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{1}, sealed...)
}

func TestNoHistory(t *testing.T) {
	keys := generate(t, "current")
	reader := keys.WithoutHistory()
	id, _, err := identity.Generate(stream("identity"))
	if err != nil {
		t.Fatal(err)
	}
	for name, seal := range map[string]func() ([]byte, error){
		"wrap with history":   func() ([]byte, error) { return epoch.SealWrap(stream("n"), wrapKey, place, term, reader, true) },
		"link under no key":   func() ([]byte, error) { return epoch.SealLink(stream("n"), place, reader, keys) },
		"link of half a pair": func() ([]byte, error) { return epoch.SealLink(stream("n"), place, keys, reader) },
		"owner":               func() ([]byte, error) { return epoch.SealOwner(id.Keys(), place, reader) },
	} {
		if sealed, err := seal(); sealed != nil || !errors.Is(err, epoch.ErrNoHistory) {
			t.Errorf("%s: %v, want ErrNoHistory", name, err)
		}
	}
}

func TestOwnerIsThePatientAlone(t *testing.T) {
	keys := generate(t, "current")
	patient, _, err := identity.Generate(stream("patient"))
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := identity.Generate(stream("other"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := epoch.SealOwner(patient.Keys(), place, keys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := epoch.OpenOwner(other, place, keys.KID(), keys.HID(), sealed)
	refused(t, got, err, epoch.ErrOpen)
}

// A chain of links leads from the newest epoch to the first, one step an epoch.
func TestLinksLeadBack(t *testing.T) {
	names := []string{"epoch 1", "epoch 2", "epoch 3", "epoch 4"}
	links := map[uint32][]byte{}
	at := place
	for i := 1; i < len(names); i++ {
		at.Epoch = uint32(i + 1)
		link, err := epoch.SealLink(stream("n"+names[i]), at, generate(t, names[i]), generate(t, names[i-1]))
		if err != nil {
			t.Fatal(err)
		}
		links[at.Epoch] = link
	}
	keys := generate(t, names[3])
	for at.Epoch = 4; at.Epoch > 1; at.Epoch-- {
		want := generate(t, names[at.Epoch-2])
		previous, err := epoch.OpenLink(keys, at, want.KID(), want.HID(), links[at.Epoch])
		if err != nil {
			t.Fatal(err)
		}
		keys = previous
	}
}
