package client_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// issued returns how often each person was issued which version of an attribute by an authority.
func (w *world) issued(at *client.Client, name string, version uint32) map[string]int {
	w.t.Helper()
	a, err := at.Home().Authority()
	must(w.t, err)
	times := make(map[string]int)
	beside := w.connect(at.Home()) // the authority's own client serves meanwhile
	defer beside.Close()
	must(w.t, beside.Say(w.ctx, ledger.AuthorityChain(a.Name()), func(entries []*ledger.Entry) ([]ledger.Body, error) {
		for _, e := range entries {
			if b, ok := e.Body.(*ledger.KeyIssued); ok && b.Attribute == name && b.Version == version {
				times[string(b.GID)]++
			}
		}
		return nil, nil
	}))
	return times
}

// awaitIssued waits until somebody was issued a version of an attribute.
func (w *world) awaitIssued(at *client.Client, name string, version uint32) {
	w.t.Helper()
	for len(w.issued(at, name, version)) == 0 {
		select { // each look is a login, and nobody may log in too often
		case <-w.ctx.Done():
			w.t.Fatal(w.ctx.Err())
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// Before somebody is removed the authority sees who loses what, who gets new keys, and which compartments will be stale; then
// it happens like that, and a writer notices nothing.
func TestRevoke(t *testing.T) {
	w := newWorld(t)
	hospital, maria := w.authority("city-hospital"), w.patient()
	ruiz, kim := w.the("doctor@city-hospital"), w.person()
	w.enrol(kim, "doctor@city-hospital", "nurse@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	grant := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(w.book(maria, maria, ledger.Training), client.GrantRequest{To: "nurse@city-hospital"})
	his, former := w.book(ruiz, maria, ledger.Health), w.book(kim, maria, ledger.Health)
	w.write(his, "one")
	w.reads("who is to leave", former, "one")

	r := client.Revocation{GID: kim.GID(), Attributes: []string{"doctor"}, Reason: "left"}
	p, err := hospital.Impact(w.ctx, r)
	must(t, err)
	if p.Member == nil || p.Member.GID != kim.GID() || p.Holders != 1 || len(p.Attributes) != 1 || p.Attributes[0] != (client.Moving{Name: "doctor", Version: 2, Holders: 1}) {
		t.Errorf("Impact = %+v", p)
	}
	want := client.Touched{Patient: maria.GID(), Compartment: ledger.Health, Term: grant.Term.ID}
	if len(p.Touched) != 1 || p.Touched[0] != want {
		t.Errorf("touched is %+v, want %+v", p.Touched, want)
	}
	if why, _, err := hers.Stale(w.ctx); why != "" || err != nil {
		t.Errorf("Stale = %q, %v after the preview", why, err)
	}

	heard := 0
	done, err := hospital.Revoke(w.ctx, r, func(n, total int) { heard = n * total })
	must(t, err)
	if done.Issued != heard || len(done.Invitations) != 1 {
		t.Errorf("Revoke = %+v, and %d was heard", done, heard)
	}
	// If this took long, the program that serves was faster; either way it is one key.
	if times := w.issued(hospital, "doctor", 2); len(times) != 1 || times[string(ruiz.GID())] != 1 {
		t.Errorf("issued %v, want one key for who stays", times)
	}
	w.barred("who has left", former)
	why, since, err := hers.Stale(w.ctx)
	must(t, err)
	if why == "" || since.IsZero() || since.After(w.clock.now()) {
		t.Errorf("Stale = %q since %v", why, since)
	}
	if p, err = hospital.Impact(w.ctx, client.Revocation{Attributes: []string{"doctor"}}); err != nil || !p.Touched[0].Since.Equal(since) {
		t.Errorf("the hospital is told %+v, %v; want stale since %v", p, err, since)
	}
	w.write(his, "two")
	w.epoch(hers, 2)
	w.reads("who stays", his, "one", "two")
	if why, _, err := hers.Stale(w.ctx); why != "" || err != nil {
		t.Errorf("Stale = %q, %v after a writer rotated", why, err)
	}
	// What was not taken stays.
	w.reads("the nurse", w.book(kim, maria, ledger.Training))
	if _, err := hospital.Impact(w.ctx, r); err == nil {
		t.Error("it would be taken twice")
	}
	if _, err := hospital.Revoke(w.ctx, r, nil); err == nil {
		t.Error("it was taken twice")
	}
}

// A revocation that was cut off after the versions moved is finished by the program that serves, and by whoever asks; everybody
// gets one key.
func TestReissueResumes(t *testing.T) {
	w := newWorld(t)
	hospital, ruiz, maria := w.authority("city-hospital"), w.the("doctor@city-hospital"), w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	for version := uint32(2); version <= 3; version++ {
		w.say(hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: version})
		if version == 3 {
			_, err := hospital.Reissue(w.ctx, nil)
			must(t, err)
		}
		w.awaitIssued(hospital, "doctor", version)
		if n := w.issued(hospital, "doctor", version)[string(ruiz.GID())]; n != 1 {
			t.Errorf("%d keys of version %d were issued, want one", n, version)
		}
		w.write(hers, "new")
	}
	w.reads("the doctor", w.book(ruiz, maria, ledger.Health), "new", "new")
}

// Only who founded an authority is told what rests on its attributes.
func TestTouchedIsForFounders(t *testing.T) {
	w := inTown(t)
	hospital, club, maria := w.authority("city-hospital"), w.authority("iron-gym"), w.patient()
	for _, c := range []*client.Client{club, maria, w.the("doctor@city-hospital")} {
		_, err := c.TouchedBy(w.ctx, "doctor@city-hospital", "")
		if c := code(err); c != protocol.CodeRefused && c != stream.CodeDenied { // the latter, who founded nothing
			t.Errorf("asked by another: %v, want %s or %s", err, protocol.CodeRefused, stream.CodeDenied)
		}
	}
	for _, text := range []string{"", "doctor", "*@city-hospital", "doctor@city-hospital#1"} {
		if _, err := hospital.TouchedBy(w.ctx, text, ""); code(err) != protocol.CodeBad {
			t.Errorf("asked about %q: %v, want %s", text, err, protocol.CodeBad)
		}
	}
	if _, err := hospital.TouchedBy(w.ctx, "doctor@city-hospital", "zzz"); err != nil {
		t.Error(err)
	}
}

// The replacement of a master key goes on from wherever it was cut off: each step is done in a home as it was saved.
func TestRekey(t *testing.T) {
	w := newWorld(t)
	hospital, ruiz, maria := w.authority("city-hospital"), w.the("doctor@city-hospital"), w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(ruiz, maria, ledger.Health)
	w.write(his, "before")
	old, err := hospital.Authority(w.ctx, "city-hospital")
	must(t, err)
	stolen, err := hospital.Home().Authority()
	must(t, err)

	first, err := hospital.Rekey(w.ctx, nil) // the registry of a test endorses at once, and the program that serves goes on
	must(t, err)
	if first.Endorsed || first.Fingerprint == (authority.Fingerprint{}) {
		t.Fatalf("Rekey = %+v", first)
	}
	w.awaitIssued(hospital, "doctor", 2)
	fact, err := hospital.Authority(w.ctx, "city-hospital")
	must(t, err)
	kept, err := hospital.Home().Authority()
	must(t, err)
	if fact.Key.Hash() == old.Key.Hash() || kept.PublicKey().Hash() != fact.Key.Hash() || kept.Replacing() {
		t.Fatal("the old key is in force or in use")
	}
	if bytes.Contains(kept.Bytes(), stolen.Bytes()[60:120]) {
		t.Error("the old master key is kept")
	}
	why, _, err := hers.Stale(w.ctx)
	must(t, err)
	if why == "" {
		t.Error("wraps that name the old key are not stale")
	}
	w.reads("the doctor, what was wrapped under the old key", his, "before")
	w.write(his, "after")
	w.epoch(hers, 2)
	w.reads("the doctor", his, "before", "after")
	w.reads("the patient", hers, "before", "after")
	if unfinished, err := hospital.Unfinished(w.ctx); unfinished || err != nil {
		t.Errorf("Unfinished = %v, %v", unfinished, err)
	}
	// A new doctor is given the new keys alone: what was sealed before, the links lead back to.
	late := w.person()
	w.enrol(late, "doctor@city-hospital")
	if n := versions(late); n != 1 {
		t.Errorf("a new doctor holds %d keys, want one", n)
	}
	w.reads("a new doctor", w.book(late, maria, ledger.Health), "before", "after")
}
