package authority_test

import (
	"crypto/rand"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// TestEnrol takes a person from an invitation to keys, by the real rules of the log.
func TestEnrol(t *testing.T) {
	w := newWorld(t)
	doctor := person(t)
	w.register(doctor)
	offer := authority.Offer{Attributes: []string{"surgeon", "doctor"}}
	request := ask(t, invite(t, w.hospital, offer), doctor, w.founder)
	entries := w.enrol(request)

	var kinds []ledger.Kind
	for _, e := range entries {
		kinds = append(kinds, e.Kind())
	}
	want := []ledger.Kind{"attribute.defined", "attribute.defined", "representative.enrolled", "key.issued", "key.issued"}
	if !slices.Equal(kinds, want) {
		t.Errorf("it says %v, want %v", kinds, want)
	}
	for _, e := range entries[3:] {
		key, err := authority.OpenKey(doctor, e, w.hospital.PublicKey())
		if err != nil {
			t.Fatal(err)
		}
		if key.GID() != string(doctor.GID()) || key.Version() != 1 || !w.state.Holds(doctor.GID(), key.Attribute()) {
			t.Errorf("key of %s for %s, version %d", key.Attribute(), key.GID(), key.Version())
		}
	}

	for range 2 { // as it is fetched again after a crash before it was marked as done
		m, err := w.admit(request)
		if err != nil || !m.Enrolled {
			t.Fatalf("the same request again = %+v, %v, want one that is enrolled", m, err)
		}
		if bodies, err := w.hospital.Enrol(rand.Reader, w.roster, m); len(bodies) != 0 || err != nil {
			t.Errorf("it says %d more events, %v", len(bodies), err)
		}
	}
}

// TestEnrolBringsEarlierVersions wants the keys that older wraps need, too.
func TestEnrolBringsEarlierVersions(t *testing.T) {
	w := newWorld(t)
	w.newDoctor()
	for version := uint32(2); version <= 40; version++ {
		w.say(w.founder, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: version})
	}
	doctor, newest := w.newDoctor()
	key, err := authority.OpenKey(doctor, newest, w.hospital.PublicKey())
	if err != nil || key.Version() != 40 {
		t.Errorf("the newest key has version %d, %v", key.Version(), err)
	}
	if !w.state.Holds(doctor.GID(), policy.Attribute{Name: "doctor", Authority: "city-hospital"}) {
		t.Error("the log does not show that the doctor holds it")
	}
	m := &authority.Admission{GID: doctor.GID(), Keys: doctor.Keys(), Attributes: []string{"doctor"}, Identified: "in person"}
	bodies, err := w.hospital.Enrol(rand.Reader, w.roster, m)
	if err != nil || len(bodies) != 1+33 {
		t.Fatalf("%d events, %v, want an enrolment and the keys of 33 versions", len(bodies), err)
	}
	if first := bodies[1].(*ledger.KeyIssued); first.Version != 8 {
		t.Errorf("the oldest version is %d, want 8", first.Version)
	}
}

func TestEnrolByHand(t *testing.T) {
	w := newWorld(t)
	doctor := person(t)
	w.register(doctor)
	good := authority.Admission{GID: doctor.GID(), Keys: doctor.Keys(), Attributes: []string{"doctor"}, Identified: "in person"}
	for name, change := range map[string]func(m *authority.Admission){
		"no GID":          func(m *authority.Admission) { m.GID = "" },
		"no keys":         func(m *authority.Admission) { m.Keys = nil },
		"unusable keys":   func(m *authority.Admission) { m.Keys = &identity.Keys{} },
		"no attribute":    func(m *authority.Admission) { m.Attributes = nil },
		"another's":       func(m *authority.Admission) { m.Attributes = []string{"doctor@other"} },
		"terminal escape": func(m *authority.Admission) { m.Display = "\x1b]0;x\a" },
		"two lines":       func(m *authority.Admission) { m.Identified = "a\nb" },
	} {
		m := good
		change(&m)
		if bodies, err := w.hospital.Enrol(rand.Reader, w.roster, &m); err == nil || bodies != nil {
			t.Errorf("%s: %d events, %v", name, len(bodies), err)
		}
	}
	bodies, err := w.hospital.Enrol(rand.Reader, w.roster, &good)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		w.say(w.founder, ledger.AuthorityChain("city-hospital"), b)
	}
	if !w.state.Holds(doctor.GID(), policy.Attribute{Name: "doctor", Authority: "city-hospital"}) {
		t.Error("enrolled by hand and does not hold the attribute")
	}
}

func TestAdmitErrors(t *testing.T) {
	w := newWorld(t)
	doctor, other := person(t), person(t)
	sealed := ask(t, invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}}), doctor, w.founder)

	if _, err := w.hospital.Admit(start, other, w.roster, phone(doctor), sealed); err == nil || errors.Is(err, authority.ErrRefused) {
		t.Errorf("as another founder: %v, want an error that is not final", err)
	}
	roster := authority.NewRoster("other")
	if _, err := w.hospital.Admit(start, w.founder, roster, phone(doctor), sealed); err == nil || errors.Is(err, authority.ErrRefused) {
		t.Errorf("by another roster: %v, want an error that is not final", err)
	}
	before := string(w.hospital.Bytes())
	if _, err := w.admit(sealed); err == nil || errors.Is(err, authority.ErrRefused) {
		t.Errorf("without a directory: %v, want an error that is not final", err)
	}
	if before != string(w.hospital.Bytes()) {
		t.Error("a request that could not be judged took a seat")
	}
	w.register(doctor)
	if m, err := w.admit(sealed); err != nil || m.Display != "Dr Ana Ruiz" || !slices.Equal(m.Attributes, []string{"doctor"}) {
		t.Errorf("Admit = %+v, %v", m, err)
	}
	if inv := w.hospital.Invitations(); len(inv) != 1 || !slices.Equal(inv[0].Taken, []identity.GID{doctor.GID()}) {
		t.Errorf("invitations = %+v, want the doctor's seat", inv)
	}
}

func TestNewRequestRefusesDisplay(t *testing.T) {
	code := invite(t, found(t, person(t), "city-hospital"), authority.Offer{Attributes: []string{"doctor"}})
	for _, display := range []string{" Ana", "Ana\n", "\x1b[31mAna", "A\u202ena", "\xff"} {
		if _, err := authority.NewRequest(code, person(t), display, person(t).Keys()); !errors.Is(err, authority.ErrMalformed) {
			t.Errorf("%q: %v, want ErrMalformed", display, err)
		}
	}
}

// TestFounderRotated wants requests sealed to the founder's former keys to be read.
func TestFounderRotated(t *testing.T) {
	w := newWorld(t)
	doctor := person(t)
	w.register(doctor)
	sealed := ask(t, invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}}), doctor, w.founder)
	next, err := identity.GenerateRecovery(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if w.founder, err = w.founder.Rotate(rand.Reader, next.Hash()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.admit(sealed); err != nil {
		t.Errorf("Admit = %v", err)
	}
}

func TestIssueGrant(t *testing.T) {
	patient, friend := person(t), person(t)
	master, err := abe.GenerateMasterKey(rand.Reader, policy.Authority(patient.GID()))
	if err != nil {
		t.Fatal(err)
	}
	term, err := ledger.NewTermID(rand.Reader, start)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.register(patient)
	w.register(friend)
	profile := ledger.RecordChain(patient.GID(), ledger.Profile)
	w.say(patient, profile, &ledger.PatientRegistered{Key: master.PublicKey().Bytes()})
	body, err := authority.IssueGrant(rand.Reader, master, friend.GID(), friend.Keys(), term)
	if err != nil {
		t.Fatal(err)
	}
	key, err := authority.OpenKey(friend, w.say(patient, profile, body), master.PublicKey())
	if err != nil || key.Attribute() != ledger.GrantAttribute(patient.GID(), term) {
		t.Errorf("OpenKey = %v, %v", key.Attribute(), err)
	}
	if !w.state.Holds(friend.GID(), key.Attribute()) {
		t.Error("the log does not show the grant")
	}

	hospital, err := abe.GenerateMasterKey(rand.Reader, "city-hospital")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := authority.IssueGrant(rand.Reader, hospital, friend.GID(), friend.Keys(), term); err == nil {
		t.Error("a hospital granted what is a patient's")
	}
}

func TestRoster(t *testing.T) {
	w := newWorld(t)
	chain := ledger.AuthorityChain("city-hospital")
	defined := w.state.Position().Count
	for _, b := range w.roster.Definitions("nurse", "doctor") {
		w.say(w.founder, chain, b)
	}
	if got := w.roster.Definitions("nurse", "doctor"); got != nil {
		t.Errorf("%d are to be defined again", len(got))
	}
	ana, last := w.newDoctor()
	ben, _ := w.newDoctor()
	number, hash := w.roster.Head()
	if head, _ := w.state.Head(chain); number != head.Number || hash != head.Hash || number != last.Number+2 {
		t.Errorf("Head = %d %s, want %+v", number, hash, head)
	}
	moved := w.state.Position().Count
	w.say(w.founder, chain, &ledger.AttributeVersioned{Name: "doctor", Version: 2})
	w.say(w.founder, chain, &ledger.RepresentativeEnrolled{GID: ben.GID(), Attributes: []string{"nurse"}, Display: "Ben"})
	w.say(w.founder, chain, &ledger.RepresentativeRemoved{GID: ana.GID(), Attributes: []string{"doctor"}})

	members := w.roster.Members()
	if len(members) != 1 || members[0].GID != ben.GID() || members[0].Display != "Ben" || !members[0].Since.Equal(start) {
		t.Fatalf("members = %+v, want Ben", members)
	}
	want := []authority.Held{{Name: "doctor", Version: 1, Since: moved}, {Name: "nurse", Since: defined}}
	if !slices.Equal(members[0].Attributes, want) {
		t.Errorf("attributes = %+v, want %+v", members[0].Attributes, want)
	}
	if v, ok := w.roster.Version("doctor"); v != 2 || !ok {
		t.Errorf("Version = %d, %v", v, ok)
	}
	if _, ok := w.roster.Version("porter"); ok {
		t.Error("an attribute that is not defined has a version")
	}
}

func TestRosterRefusesGaps(t *testing.T) {
	w := newWorld(t)
	_, last := w.newDoctor()
	for name, r := range map[string]*authority.Roster{
		"a gap":           authority.NewRoster("city-hospital"),
		"another's chain": authority.NewRoster("other"),
		"an entry twice":  w.roster,
	} {
		before, _ := r.Head()
		if err := r.Apply(last); err == nil {
			t.Errorf("%s goes unnoticed", name)
		}
		if after, _ := r.Head(); after != before {
			t.Errorf("%s moved the head", name)
		}
	}
}

func TestExpiryIsExact(t *testing.T) {
	founder, doctor := person(t), person(t)
	a := found(t, founder, "city-hospital")
	code := invite(t, a, authority.Offer{Attributes: []string{"doctor"}, Expires: start.Add(time.Minute)})
	sealed := ask(t, code, doctor, founder)
	admit := func(at time.Time) error {
		_, err := a.Admit(at, founder, authority.NewRoster(a.Name()), phone(doctor), sealed)
		return err
	}
	if err := admit(start.Add(time.Minute)); !errors.Is(err, authority.ErrRefused) {
		t.Errorf("at its expiry: %v, want ErrRefused", err)
	}
	if err := admit(start.Add(time.Minute - 1)); err != nil {
		t.Errorf("just before: %v", err)
	}
	if err := admit(start.Add(time.Hour)); err != nil {
		t.Errorf("again, by the one who has the seat: %v", err)
	}
}
