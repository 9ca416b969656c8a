package node_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
)

// world is a node, a hospital with a doctor, and a patient who lets doctors of the hospital write health data.
type world struct {
	*running
	hospital, doctor, patient *person
	master                    *abe.MasterKey // the hospital's
	term                      ledger.Term
	health                    ledger.Chain
}

const (
	hospitalName = policy.Authority("city-hospital")
	doctorName   = "doctor"
)

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, nil)
}

// newWorldWith is newWorld with a clock.
func newWorldWith(t testing.TB, now func() time.Time) *world {
	t.Helper()
	return newWorldOf(t, node.Config{Listen: "127.0.0.1:0", EndorseAll: true, Now: now})
}

// newWorldOf is newWorld with a node as c says.
func newWorldOf(t testing.TB, c node.Config) *world {
	t.Helper()
	c.Dir = t.TempDir()
	w := &world{running: run(t, c)}
	w.hospital, w.doctor, w.patient = w.newPerson(t), w.newPerson(t), w.newPerson(t)
	w.openHospital(t)
	w.enrol(t, w.doctor)
	w.openRecord(t)
	return w
}

// openHospital founds the hospital and defines its attribute.
func (w *world) openHospital(t testing.TB) {
	t.Helper()
	var err error
	if w.master, err = abe.GenerateMasterKey(rand.Reader, hospitalName); err != nil {
		t.Fatal(err)
	}
	w.hospital.register(t, ledger.PersonChain(w.hospital.GID()), &ledger.AuthorityRegistered{
		Name: hospitalName, Role: ledger.Hospital, Key: w.master.PublicKey().Bytes(),
	})
	w.until(t, "the hospital is endorsed", func(s *ledger.State) bool {
		a, ok := s.Authority(hospitalName)
		return ok && a.Active
	})
	w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{&ledger.AttributeDefined{Name: doctorName}})
}

// until waits until the fold shows something.
func (n *running) until(t testing.TB, what string, holds func(*ledger.State) bool) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		moved := n.Fold().Moved()
		var ok bool
		n.Fold().View(func(s *ledger.State) { ok = holds(s) })
		if ok {
			return
		}
		select {
		case <-moved:
		case <-timeout:
			t.Fatalf("in vain waited until %s", what)
		}
	}
}

// enrol makes somebody a doctor.
func (w *world) enrol(t testing.TB, p *person) {
	t.Helper()
	w.hospital.say(t, ledger.AuthorityChain(hospitalName), []ledger.Body{
		&ledger.RepresentativeEnrolled{GID: p.GID(), Attributes: []string{doctorName}, Display: "Dr Ana Ruiz"},
		&ledger.KeyIssued{GID: p.GID(), Attribute: doctorName, Version: 1, Sealed: []byte("sealed")},
	})
	key, err := w.master.Issue(rand.Reader, string(p.GID()), doctorName, 1)
	if err != nil {
		t.Fatal(err)
	}
	p.keys = append(p.keys, key)
}

// openRecord makes the patient one, with a health compartment that doctors may write.
func (w *world) openRecord(t testing.TB) {
	t.Helper()
	w.health = ledger.RecordChain(w.patient.GID(), ledger.Health)
	own, err := abe.GenerateMasterKey(rand.Reader, policy.Authority(w.patient.GID()))
	if err != nil {
		t.Fatal(err)
	}
	w.patient.register(t, ledger.RecordChain(w.patient.GID(), ledger.Profile), &ledger.PatientRegistered{Key: own.PublicKey().Bytes()})
	if w.term.ID, err = ledger.NewTermID(rand.Reader, time.Now()); err != nil {
		t.Fatal(err)
	}
	w.term.Expression, w.term.Write = doctorName+"@"+string(hospitalName), true
	started, parts := w.epoch(t, 1, w.term)
	w.patient.say(t, w.health, []ledger.Body{
		&ledger.CompartmentCreated{Class: ledger.HealthClass}, &ledger.PolicySet{Terms: []ledger.Term{w.term}}, started,
	}, parts...)
}

// revoke takes all terms away.
func (w *world) revoke(t testing.TB) {
	t.Helper()
	var number uint32
	w.Fold().View(func(s *ledger.State) {
		f, _ := s.Compartment(w.health)
		number = f.Epoch.Number + 1
	})
	started, parts := w.epoch(t, number)
	w.patient.say(t, w.health, []ledger.Body{&ledger.PolicySet{}, started}, parts...)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
