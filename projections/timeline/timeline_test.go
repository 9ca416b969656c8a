package timeline_test

import (
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/internal/testlog"
	"github.com/phrledger/phr/projections/timeline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// visit is a log in which a doctor writes into a patient's record.
type visit struct {
	*testlog.Log
	patient *testlog.Patient
	session ledger.SessionID
	last    *ledger.Entry // of the run the doctor wrote
	refers  *ledger.Entry
}

func newVisit(t *testing.T) *visit {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor")
	doctor := l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "Dr. Ada Roe")
	v := &visit{Log: l, patient: l.Patient()}
	term := l.Grant(v.patient, "doctor@city-hospital", true)
	v.session = l.Open(v.patient, doctor.GID(), ledger.OpWrite, term)
	v.last = l.AppendIn(v.session, doctor, v.patient.Health, v.patient.Records(3)...)
	v.refers = l.Append(v.patient, v.patient.Health, &ledger.RecordRetracted{
		Content: v.patient.Record(64).Content, Refers: v.last.ID,
	})
	leaf := v.last.Body.(*ledger.RecordWritten).Content.Leaf
	l.Append(v.patient, v.patient.Health, &ledger.RecordErased{
		Epoch: 1, Records: []ledger.EventID{v.last.ID}, Leaves: [][6]byte{leaf}, Shred: ledger.Hash{6},
	})
	l.Revoke(v.patient)
	l.Append(v.patient, v.patient.Health, v.patient.Record(1024))
	other := l.Patient()
	l.Append(other, other.Health, other.Record(128))
	return v
}

func page(t *testing.T, tl *timeline.Timeline, q timeline.Query) []timeline.Line {
	t.Helper()
	lines, err := tl.Page(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func TestPage(t *testing.T) {
	v := newVisit(t)
	tl := timeline.New(v.Tables(t, timeline.Projection{}))
	lines := page(t, tl, timeline.Query{Patient: v.patient.GID(), Compartment: ledger.Health})
	var kinds []ledger.Kind
	for _, l := range lines {
		kinds = append(kinds, l.Kind)
		if l.Patient != v.patient.GID() || l.Compartment != ledger.Health {
			t.Errorf("a line of %s, %s", l.Patient, l.Compartment)
		}
	}
	want := []ledger.Kind{
		ledger.RecordWrittenKind, ledger.EpochStartedKind, ledger.PolicySetKind, ledger.RecordErasedKind, ledger.RecordRetractedKind,
		ledger.RecordWrittenKind, ledger.RecordWrittenKind, ledger.RecordWrittenKind, ledger.EpochRewrappedKind,
		ledger.PolicySetKind, ledger.EpochStartedKind, ledger.CompartmentCreatedKind,
	}
	if !slices.Equal(kinds, want) {
		t.Fatalf("kinds %v, want %v", kinds, want)
	}

	written := lines[5]
	if written.Event != v.last.ID || written.Author != v.last.Author || written.Session != v.session || written.Number != v.last.Number ||
		written.Epoch != 1 || written.Media != "fhir" || written.Bucket != 256 || !written.Erased ||
		!written.Logged.Equal(v.last.LogTime) || !written.Claimed.Equal(v.last.Time) {
		t.Errorf("the doctor's record is %+v", written)
	}
	retracted := lines[4]
	if retracted.Refers != v.last.ID || retracted.Author != v.patient.GID() || !retracted.Session.IsZero() || retracted.Erased {
		t.Errorf("the retraction is %+v", retracted)
	}
	if newest := lines[0]; newest.Epoch != 2 || newest.Bucket != 1024 {
		t.Errorf("the newest is %+v", newest)
	}
}

// What somebody writes for the patient says by which term they did.
func TestActing(t *testing.T) {
	v := newVisit(t)
	son := v.Person()
	term := v.Proxy(v.patient, son.GID())
	session := v.Open(v.patient, son.GID(), ledger.OpWrite, term)
	written := v.AppendIn(session, son, v.patient.Health, v.patient.Record(64))
	for _, l := range page(t, timeline.New(v.Tables(t, timeline.Projection{})), timeline.Query{Patient: v.patient.GID()}) {
		want := ledger.TermID{}
		if l.Event == written.ID {
			want = term
		}
		if l.Acting != want {
			t.Errorf("the line of %s by %s says that its author acted by %q, want %q", l.Kind, l.Author, l.Acting, want)
		}
	}
}

func TestPagesAddUp(t *testing.T) {
	v := newVisit(t)
	tl := timeline.New(v.Tables(t, timeline.Projection{}))
	whole := page(t, tl, timeline.Query{Patient: v.patient.GID()})
	if len(whole) != 13 { // with the registration, which stands in the profile
		t.Errorf("%d lines", len(whole))
	}
	for _, limit := range []int{1, 4, 13, 5000} {
		var got []timeline.Line
		q := timeline.Query{Patient: v.patient.GID(), Limit: limit}
		for {
			lines := page(t, tl, q)
			if got = append(got, lines...); len(lines) < limit {
				break
			}
			q.Before = lines[len(lines)-1].Sequence
		}
		if !slices.Equal(got, whole) {
			t.Errorf("pages of %d give %d lines", limit, len(got))
		}
	}
}

func TestVolumes(t *testing.T) {
	v := newVisit(t)
	tl := timeline.New(v.Tables(t, timeline.Projection{}))
	volumes, err := tl.Volumes(t.Context(), v.patient.GID())
	if err != nil || len(volumes) != 2 {
		t.Fatalf("Volumes = %+v, %v", volumes, err)
	}
	health := volumes[0]
	if health.Compartment != ledger.Health || health.Events != 12 || health.Records != 5 || health.Bytes != 3*256+64+1024 ||
		health.Erased != 1 || health.Epoch != 2 || health.Newest.After(v.Now()) {
		t.Errorf("health is %+v", health)
	}
	total, err := tl.Total(t.Context())
	if err != nil || total.Patients != 2 || total.Records != 6 || total.Bytes != health.Bytes+128 || !total.Newest.Equal(v.Now()) {
		t.Errorf("Total = %+v, %v", total, err)
	}
}

func TestNothingYet(t *testing.T) {
	l := testlog.New(t)
	tl := timeline.New(l.Tables(t, timeline.Projection{}))
	if total, err := tl.Total(t.Context()); err != nil || total != (timeline.Total{}) {
		t.Errorf("Total = %+v, %v", total, err)
	}
	if lines := page(t, tl, timeline.Query{Patient: l.Node.GID()}); len(lines) != 0 {
		t.Errorf("%d lines", len(lines))
	}
	if volumes, err := tl.Volumes(t.Context(), l.Node.GID()); err != nil || len(volumes) != 0 {
		t.Errorf("Volumes = %+v, %v", volumes, err)
	}
}

// Of what is erased as a whole, the page shows only that it is.
func TestErasedAsAWhole(t *testing.T) {
	v := newVisit(t)
	v.Append(v.patient, v.patient.Health, &ledger.CompartmentErased{Reason: "moved"})
	kindsOf := func(q timeline.Query) (kinds []ledger.Kind) {
		t.Helper()
		for _, l := range page(t, timeline.New(v.Tables(t, timeline.Projection{})), q) {
			kinds = append(kinds, l.Kind)
		}
		return kinds
	}
	want := []ledger.Kind{ledger.CompartmentErasedKind, ledger.PatientRegisteredKind}
	if got := kindsOf(timeline.Query{Patient: v.patient.GID()}); !slices.Equal(got, want) {
		t.Errorf("kinds %v, want %v", got, want)
	}
	v.Append(v.patient, v.patient.Profile, &ledger.PatientErased{})
	if got := kindsOf(timeline.Query{Patient: v.patient.GID()}); !slices.Equal(got, []ledger.Kind{ledger.PatientErasedKind}) {
		t.Errorf("kinds %v, want that it is erased", got)
	}
}
