package client_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

func TestPatientAlone(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	health := w.book(maria, maria, ledger.Health)
	w.write(health, note("one"), note("two"))
	w.write(health, note("three"))
	if got, want := w.texts(health), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}

	w.stop()
	w.start()
	again := w.connect(maria.Home())
	if got, want := w.texts(w.book(again, again, ledger.Health)), []string{"one", "two", "three"}; !slices.Equal(got, want) {
		t.Errorf("after a restart read %q, want %q", got, want)
	}
}

func TestGrantReadWriteRevoke(t *testing.T) {
	w := newWorld(t)
	hospital := w.authority("city-hospital", ledger.Hospital)
	ruiz := w.member(hospital, "doctor")
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, note("before"))

	his := w.book(ruiz, maria, ledger.Health)
	if _, err := his.Records(w.ctx); !errors.Is(err, client.ErrNotShared) {
		t.Fatalf("reading without a grant: %v, want ErrNotShared", err)
	}
	granted := w.grant(hers, client.GrantRequest{To: "PATIENT@PHR or DOCTOR@CITY-HOSPITAL", Write: true})
	if !granted.Dropped || granted.Term.Expression != "doctor@city-hospital" {
		t.Errorf("granted %+v, want the branch that everybody satisfies left out", granted)
	}
	w.write(his, note("from the doctor"))
	want := []string{"before", "from the doctor"}
	if got := w.texts(his); !slices.Equal(got, want) {
		t.Errorf("the doctor reads %q, want %q", got, want)
	}
	if got := w.texts(hers); !slices.Equal(got, want) {
		t.Errorf("the patient reads %q, want %q", got, want)
	}

	if err := hers.Revoke(w.ctx, granted.Term.ID); err != nil {
		t.Fatal(err)
	}
	w.write(hers, note("after"))
	if got, err := his.Records(w.ctx); !errors.Is(err, client.ErrNotShared) {
		t.Errorf("reading after the revocation: %d records, %v; want ErrNotShared", len(got), err)
	}
	if _, err := his.Write(w.ctx, []client.Draft{note("too late")}, nil); !errors.Is(err, client.ErrNotShared) {
		t.Errorf("writing after the revocation: %v, want ErrNotShared", err)
	}
}
