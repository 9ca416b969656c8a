package client_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// rests writes what rests on which keys, in few words.
func (w *world) rests(b *client.Book) (epochs, versions string) {
	w.t.Helper()
	r, err := b.Resting(w.ctx)
	must(w.t, err)
	var lines []string
	for _, e := range r.Epochs {
		lines = append(lines, fmt.Sprintf("%d: %d records, %d wraps", e.Number, e.Records, len(e.Wraps)))
	}
	epochs = strings.Join(lines, "; ")
	lines = nil
	for _, v := range r.Versions {
		line := fmt.Sprintf("%s#%d: %d in %d", v.Attribute.Name, v.Version, v.Records, v.Epochs)
		if v.Old() {
			line += fmt.Sprintf(", not %d", v.InForce)
		}
		if !v.Alone {
			line += ", joined"
		}
		lines = append(lines, line)
	}
	return epochs, strings.Join(lines, "; ")
}

func (w *world) rest(when string, b *client.Book, epochs, versions string) {
	w.t.Helper()
	gotEpochs, gotVersions := w.rests(b)
	if gotEpochs != epochs || gotVersions != versions {
		w.t.Errorf("%s:\n%s\n%s\nwant\n%s\n%s", when, gotEpochs, gotVersions, epochs, versions)
	}
}

// How much rests on each epoch and each version of an attribute, as grants come and go and attributes move on.
func TestResting(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	w.the("agent@acme-insurance")
	hers := w.book(maria, maria, ledger.Health)
	w.rest("at first", hers, "1: 0 records, 0 wraps", "")
	w.write(hers, "one", "two")
	doctors := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true}).Term.ID
	w.rest("granted", hers, "1: 2 records, 1 wraps", "doctor#1: 2 in 1")
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance and doctor@city-hospital", FromNow: true})
	w.write(hers, "three")
	_, versions := w.rests(hers)
	if want := "agent#1: 1 in 1, joined; doctor#1: 3 in 2"; versions != want {
		t.Errorf("from now on: %s, want %s", versions, want)
	}

	// An attribute moves on. Until a new epoch, what is written rests on the version that was left.
	w.version(w.authority("city-hospital"), "doctor", 2, ruiz)
	_, versions = w.rests(hers)
	if want := "agent#1: 1 in 1, joined; doctor#1: 3 in 2, not 2"; versions != want {
		t.Errorf("moved on: %s, want %s", versions, want)
	}
	w.write(w.book(ruiz, maria, ledger.Health), "four")
	epochs, versions := w.rests(hers)
	if !strings.HasSuffix(epochs, "3: 1 records, 2 wraps") || !strings.Contains(versions, "doctor#2: 4 in 3") {
		t.Errorf("after a doctor has rotated: %s, %s", epochs, versions)
	}

	// What the patient has not looked at yet is not counted on: older wraps may stand until then.
	must(t, hers.Rotate(w.ctx))
	w.write(hers, "five")
	epochs, versions = w.rests(hers)
	if !strings.Contains(versions, "doctor#2: 5 in 4") || !strings.Contains(epochs, "4: 1 records, 2 wraps") {
		t.Errorf("after the patient has rotated: %s, %s", epochs, versions)
	}

	must(t, hers.Revoke(w.ctx, doctors))
	r, err := hers.Resting(w.ctx)
	must(t, err)
	if slices.ContainsFunc(r.Epochs, func(e client.RestingEpoch) bool { return e.Number > 1 && slices.Contains(e.Wraps, doctors) }) {
		t.Errorf("revoked, and still wrapped: %+v", r.Epochs)
	}
	w.suspend("acme-insurance")
	r, err = hers.Resting(w.ctx)
	must(t, err)
	for _, v := range r.Versions {
		if v.Attribute.Authority == "acme-insurance" && (v.InForce != 0 || !v.Old()) {
			t.Errorf("suspended: %+v", v)
		}
	}
}
