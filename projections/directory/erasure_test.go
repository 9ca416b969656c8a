package directory_test

import (
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/directory"
	"github.com/phrledger/phr/projections/internal/testlog"
)

// Nothing is found of a compartment or a record that is erased, but that it is.
func TestErasure(t *testing.T) {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor")
	doctor := l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "Dr. Ada Roe")
	gone, stays := l.Patient(), l.Patient()
	for _, p := range []*testlog.Patient{gone, stays} {
		l.Grant(p, "doctor@city-hospital", false)
		l.GrantTo(p, doctor.GID())
	}
	tables := func() *directory.Directory { return directory.New(l.Tables(t, directory.Projection{})) }
	if terms, _ := mine(t, tables(), l, doctor.GID()); len(terms) != 4 {
		t.Fatalf("the doctor has %d terms", len(terms))
	}
	l.Append(gone, gone.Health, &ledger.CompartmentErased{})
	if terms, _ := mine(t, tables(), l, doctor.GID()); len(terms) != 2 {
		t.Errorf("the doctor has %d terms after a compartment was erased", len(terms))
	}
	l.Append(gone, gone.Profile, &ledger.PatientErased{})
	d := tables()
	keys, err := d.Keys(t.Context(), doctor.GID(), 0)
	if err != nil || len(keys.Entries) != 2 {
		t.Errorf("%d keys of the doctor's are listed: %v", len(keys.Entries), err)
	}
	n := newNewcomer(t, l)
	n.learn(d.Node(t.Context()))
	if facts := n.learn(d.Identity(t.Context(), gone.GID())); facts != 2 {
		t.Errorf("%d facts about somebody whose record is erased", facts)
	}
	n.learn(d.Identity(t.Context(), stays.GID()))
	if !n.state.PatientErased(gone.GID()) || n.state.PatientErased(stays.GID()) {
		t.Error("who is erased is not to be learnt")
	}
	if _, ok := n.state.Patient(stays.GID()); !ok {
		t.Error("the other patient is forgotten")
	}
}
