package disclosures_test

import (
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/disclosures"
	"github.com/phrledger/phr/projections/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// looks is a log in which several people look, or try to.
type looks struct {
	*testlog.Log
	patient                 *testlog.Patient
	doctor, friend, nobody  *identity.Identity
	role, personal          ledger.TermID
	open, renewed, closed   ledger.SessionID
	openedAt, closedAt      time.Time
	renewedAt, renewedUntil time.Time
}

func newLooks(t *testing.T) *looks {
	l := &looks{Log: testlog.New(t)}
	hospital, practice := l.Authority("city-hospital", ledger.Hospital, "doctor"), l.Authority("practice", ledger.Hospital, "doctor")
	l.doctor, l.friend, l.nobody = l.Person(), l.Person(), l.Person()
	l.Enrol(hospital, l.doctor.GID(), "doctor", "Dr. A. Roe")
	l.Enrol(practice, l.doctor.GID(), "doctor", "Ada Roe")
	l.Enrol(hospital, l.doctor.GID(), "doctor", "Dr. Ada Roe")
	l.patient = l.Patient()
	l.role = l.Grant(l.patient, "doctor@city-hospital", true)
	l.personal = l.GrantTo(l.patient, l.friend.GID())

	l.open = l.Open(l.patient, l.doctor.GID(), ledger.OpWrite, l.role)
	l.openedAt = l.Now()
	l.closed = l.Open(l.patient, l.doctor.GID(), ledger.OpRead, l.role)
	l.Append(l.Node, l.patient.Access, &ledger.SessionClosed{Session: l.closed, Reason: "signed out"})
	l.closedAt = l.Now()
	l.renewed = l.Open(l.patient, l.friend.GID(), ledger.OpRead, l.personal)
	l.renewedAt = l.Now()
	l.renewedUntil = l.Now().Add(14 * time.Minute)
	l.Append(l.Node, l.patient.Access, &ledger.SessionRenewed{Session: l.renewed, Expires: l.renewedUntil.UnixMilli()})
	l.Append(l.Node, l.patient.Access, &ledger.SessionRefused{
		GID: l.nobody.GID(), Operation: ledger.OpRead, Compartment: ledger.Health, Reason: "no term", Count: 4,
	})
	other := l.Patient()
	l.Open(other, l.doctor.GID(), ledger.OpRead, l.Grant(other, "doctor@city-hospital", false))
	return l
}

func TestPage(t *testing.T) {
	l := newLooks(t)
	d := disclosures.New(l.Tables(t, disclosures.Projection{}))
	page, err := d.Page(t.Context(), disclosures.Query{Patient: l.patient.GID()})
	if err != nil || len(page) != 4 {
		t.Fatalf("Page = %+v, %v", page, err)
	}
	names := []disclosures.Name{{Authority: "city-hospital", Display: "Dr. Ada Roe"}, {Authority: "practice", Display: "Ada Roe"}}
	for i, want := range []disclosures.Disclosure{
		{GID: l.nobody.GID(), Operation: ledger.OpRead, Refused: 4, Reason: "no term"},
		{GID: l.friend.GID(), Operation: ledger.OpRead, Session: l.renewed, Term: l.personal, At: l.renewedAt, Ends: l.renewedUntil},
		{
			GID: l.doctor.GID(), Operation: ledger.OpRead, Session: l.closed, Term: l.role, Ends: l.closedAt, Closed: true,
			Reason: "signed out", Names: names,
		},
		{
			GID: l.doctor.GID(), Operation: ledger.OpWrite, Session: l.open, Term: l.role, At: l.openedAt,
			Ends: l.openedAt.Add(10*time.Minute - time.Second), Names: names,
		},
	} {
		got := page[i]
		if got.GID != want.GID || got.Operation != want.Operation || got.Session != want.Session || got.Term != want.Term ||
			got.Refused != want.Refused || got.Reason != want.Reason || got.Closed != want.Closed || !got.Ends.Equal(want.Ends) ||
			got.Patient != l.patient.GID() || got.Compartment != ledger.Health || !slices.Equal(got.Names, want.Names) ||
			!want.At.IsZero() && !got.At.Equal(want.At) {
			t.Errorf("disclosure %d is %+v, want %+v", i, got, want)
		}
	}
}

func TestPagesAddUp(t *testing.T) {
	l := newLooks(t)
	d := disclosures.New(l.Tables(t, disclosures.Projection{}))
	for _, limit := range []int{1, 3, 4} {
		q := disclosures.Query{Patient: l.patient.GID(), Limit: limit}
		var sessions []ledger.SessionID
		for {
			page, err := d.Page(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, disclosure := range page {
				sessions = append(sessions, disclosure.Session)
			}
			if len(page) < limit {
				break
			}
			q.Before = page[len(page)-1].Sequence
		}
		if want := []ledger.SessionID{{}, l.renewed, l.closed, l.open}; !slices.Equal(sessions, want) {
			t.Errorf("pages of %d give %v", limit, sessions)
		}
	}
}

func TestLasts(t *testing.T) {
	at := time.UnixMilli(1767225600000)
	session := disclosures.Disclosure{At: at, Ends: at.Add(10 * time.Minute)}
	refusal := disclosures.Disclosure{At: at, Refused: 2}
	for _, tt := range []struct {
		name string
		d    disclosures.Disclosure
		now  time.Time
		want time.Duration
	}{
		{"still open", session, at.Add(time.Minute), time.Minute},
		{"over", session, at.Add(time.Hour), 10 * time.Minute},
		{"seen by a clock that is behind", session, at.Add(-time.Minute), 0},
		{"refused", refusal, at.Add(time.Hour), 0},
	} {
		if got := tt.d.Lasts(tt.now); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A session that had run out before the node closed it did not last longer.
func TestClosedAfterExpiry(t *testing.T) {
	l := newLooks(t)
	l.Sleep(time.Hour)
	l.Append(l.Node, l.patient.Access, &ledger.SessionClosed{Session: l.open, Reason: "expired"})
	d := disclosures.New(l.Tables(t, disclosures.Projection{}))
	page, err := d.Page(t.Context(), disclosures.Query{Patient: l.patient.GID()})
	if err != nil {
		t.Fatal(err)
	}
	if got := page[3]; got.Closed || got.Reason != "expired" || got.Lasts(l.Now()) >= 10*time.Minute {
		t.Errorf("it is %+v", got)
	}
}

// Sessions of somebody who acts for the patient, and those in an emergency, are marked, also once their term is gone; others are not.
func TestHow(t *testing.T) {
	l := newLooks(t)
	hospital := l.Authority("general", ledger.Hospital, "emergency", "supervisor")
	son, medic, chief := l.Person(), l.Person(), l.Person()
	l.Enrol(hospital, medic.GID(), "emergency", "")
	l.Enrol(hospital, chief.GID(), "supervisor", "")
	acting := l.Open(l.patient, son.GID(), ledger.OpWrite, l.Proxy(l.patient, son.GID()))
	term := l.AllowEmergency(l.patient, "emergency@general", "supervisor@general")
	l.BreakGlass(l.patient, term, medic, chief)
	urgent := l.Open(l.patient, medic.GID(), ledger.OpRead, term)
	later := l.Open(l.patient, l.doctor.GID(), ledger.OpRead, l.role)
	want := map[ledger.SessionID]disclosures.How{
		acting: disclosures.AsProxy, urgent: disclosures.InEmergency,
		l.open: disclosures.ByGrant, l.closed: disclosures.ByGrant, l.renewed: disclosures.ByGrant, later: disclosures.ByGrant, {}: disclosures.ByGrant,
	}
	check := func(when string) {
		t.Helper()
		db := l.Tables(t, disclosures.Projection{})
		page, err := disclosures.New(db).Page(t.Context(), disclosures.Query{Patient: l.patient.GID()})
		if err != nil || len(page) != len(want) {
			t.Fatalf("%s: %d lines, %v", when, len(page), err)
		}
		for _, d := range page {
			if d.How != want[d.Session] {
				t.Errorf("%s: session %s of %s is %q, want %q", when, d.Session, d.GID, d.How, want[d.Session])
			}
		}
	}
	check("while the terms are in force")
	l.Revoke(l.patient)
	check("afterwards")
}

// Who looked at a record that is erased is in the log, for its owner, and no longer here.
func TestErasedRecord(t *testing.T) {
	l := newLooks(t)
	l.Append(l.patient, l.patient.Health, &ledger.CompartmentErased{})
	l.Append(l.patient, l.patient.Profile, &ledger.PatientErased{})
	l.Append(l.Node, l.patient.Access, &ledger.SessionClosed{Session: l.open, Reason: "erased"})
	d := disclosures.New(l.Tables(t, disclosures.Projection{}))
	page, err := d.Page(t.Context(), disclosures.Query{Patient: l.patient.GID()})
	if err != nil || len(page) > 0 {
		t.Errorf("%d lines, %v", len(page), err)
	}
}
