package client_test

import (
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

func TestPatientAlone(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	health := w.book(maria, maria, ledger.Health)
	w.write(health, "one", "two")
	w.write(health, "three")
	w.reads("the patient", health, "one", "two", "three")

	must(t, w.stop())
	must(t, w.start())
	again := w.connect(maria.Home())
	w.reads("the patient, after a restart,", w.book(again, again, ledger.Health), "one", "two", "three")
}

// A login in which somebody became a patient reaches their record.
func TestRegisteredLogin(t *testing.T) {
	w := inTown(t)
	home, _ := createHome(t)
	maria := w.connect(home)
	must(t, maria.RegisterPatient(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	login, err := hers.Hold(w.ctx, ledger.OpLogin)
	must(t, err)
	again := w.bookOf(w.connect(home), maria.GID(), ledger.Health)
	w.write(again, "from another program")
	w.reads("the patient", hers, "from another program")
	select {
	case <-login.Ended():
		t.Error("the login did not do for reading")
	default:
	}
}

func TestGrantReadWriteRevoke(t *testing.T) {
	w := inTown(t)
	ruiz := w.the("doctor@city-hospital")
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	w.write(hers, "before")

	his := w.book(ruiz, maria, ledger.Health)
	w.barred("the doctor without a grant", his)
	granted := w.grant(hers, client.GrantRequest{To: "PATIENT@PHR or DOCTOR@CITY-HOSPITAL", Write: true})
	if !granted.Dropped || granted.Term.Expression != "doctor@city-hospital" {
		t.Errorf("granted %+v, want the branch that everybody satisfies left out", granted)
	}
	w.write(his, "from the doctor")
	w.reads("the doctor", his, "before", "from the doctor")
	w.reads("the patient", hers, "before", "from the doctor")

	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	w.write(hers, "after")
	w.barred("the doctor after the revocation", his)
	w.refused("the doctor after the revocation", his)
	w.reads("the patient", hers, "before", "from the doctor", "after")
}

// What a node is, it says to people without keys, as its root has signed it. Under another root's name it is nobody.
func TestDescription(t *testing.T) {
	w := newWorld(t)
	config := w.config(nil)
	node, err := client.Description(w.ctx, config)
	if must(t, err); node.GID == "" || node.Log == [32]byte{} {
		t.Errorf("it describes itself as %+v", node)
	}
	config.Node.Root = w.patient().GID()
	if node, err := client.Description(w.ctx, config); err == nil {
		t.Errorf("under another root's name it is %s", node.GID)
	}
}
