package ingest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// send sends one request of a submission.
func (w *ward) send(c *stream.Conn, subject string, s *protocol.Submission) (*protocol.Receipt, error) {
	w.Helper()
	if s.Count == 0 {
		s.Count = 1
	}
	return testnode.Ask[protocol.Receipt](w.Node, c, subject, s)
}

// committed sends a submission in one request, which must be accepted, and waits until the fold shows it.
func (w *ward) committed(c *stream.Conn, subject string, events [][]byte) {
	w.Helper()
	r, err := w.send(c, subject, &protocol.Submission{Events: events})
	if err != nil || !r.Committed {
		w.Fatalf("not committed: %+v, %v", r, err)
	}
	w.CatchUp()
}

// What a session may submit is its holder's own: in a write session events that name it, after a login what stands on
// chains of the holder's own. The rest is refused before it is judged.
func TestIngestService(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	write := w.Open(w.doctor, w.patient, ledger.OpWrite, w.term)
	read := w.Open(w.doctor, w.patient, ledger.OpRead, w.term)
	login := w.Login(&w.patient.Person)
	founder := w.Login(&testnode.Person{Identity: w.hospital.Identity})
	over := w.Login(w.doctor)
	w.Desk.End(over)

	byDoctor := func(in ledger.SessionID, p *testnode.Patient) [][]byte {
		return w.Sign(w.doctor.Identity, in, p.Health, p.Record(w.doctor.GID(), []byte("seen")))
	}
	subject := protocol.Ingest(w.patient.Health)
	w.committed(write.Conn, subject, byDoctor(write.ID(), w.patient))
	w.committed(login.Conn, subject, w.sign(w.note("by the patient")))
	w.committed(founder.Conn, protocol.IngestOwner(string(w.hospital.Name)),
		w.Sign(w.hospital.Identity, none, w.hospital.Chain, &ledger.AttributeDefined{Name: "nurse"}))

	foreign := w.Sign(w.doctor.Identity, none, w.hospital.Chain, &ledger.AttributeDefined{Name: "surgeon"})
	for _, tt := range []struct {
		name   string
		s      *testnode.Session
		events [][]byte
		code   string
	}{
		{"somebody else's event", write, w.sign(w.note("x")), protocol.CodeRefused},
		{"naming no session", write, byDoctor(none, w.patient), protocol.CodeRefused},
		{"naming another session", write, byDoctor(read.ID(), w.patient), protocol.CodeRefused},
		{"another patient", write, byDoctor(write.ID(), other), protocol.CodeRefused},
		{"own chain in a session on another", write, w.Sign(w.doctor.Identity, none, ledger.PersonChain(w.doctor.GID()), &ledger.IdentityRevoked{}), protocol.CodeRefused},
		{"reading session", read, byDoctor(read.ID(), w.patient), protocol.CodeRefused},
		{"login on another's record", w.Login(w.doctor), byDoctor(none, w.patient), protocol.CodeRefused},
		{"login on another's authority", w.Login(w.doctor), foreign, protocol.CodeRefused},
		{"access log by the patient", login, w.Sign(w.patient.Identity, none, w.patient.Access, &ledger.SessionClosed{Session: read.ID()}), protocol.CodeInvalid},
		{"ended", over, byDoctor(none, w.patient), protocol.CodeEnded},
		{"not an event", write, [][]byte{{1, 2, 3}}, protocol.CodeBad},
		{"no events", write, nil, protocol.CodeBad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.send(tt.s.Conn, subject, &protocol.Submission{Events: tt.events})
			wantCode(t, err, tt.code)
		})
	}
	_, err := write.Conn.Request(t.Context(), subject, []byte("not a submission"))
	wantCode(t, err, protocol.CodeBad)
}

// A submission that comes in several requests is committed with the last one, in whatever order they come and whatever
// comes between.
func TestStaging(t *testing.T) {
	w := newWard(t)
	s := w.Login(&w.patient.Person)
	subject := protocol.IngestOwner(string(w.patient.GID()))
	part := func(id byte, index, count uint32, events ...[]byte) (*protocol.Receipt, error) {
		return w.send(s.Conn, subject, &protocol.Submission{ID: ledger.SubmissionID{id}, Index: index, Count: count, Events: events})
	}
	staged := func(r *protocol.Receipt, err error) {
		t.Helper()
		if err != nil || r.Committed {
			t.Fatalf("not staged: %+v, %v", r, err)
		}
	}
	events := w.sign(w.patient.Records(3, 100)...)
	before := w.number()
	staged(part(1, 2, 3, events[2]))
	staged(part(1, 2, 3, events[2])) // again: passed over
	staged(part(2, 0, 2, w.sign(w.note("of another submission"))...))
	staged(part(1, 0, 3, events[0]))
	_, err := part(1, 0, 2, events[0])
	wantCode(t, err, protocol.CodeBad) // they do not agree on how many they are
	if w.number() != before {
		t.Fatal("something was committed before the last request")
	}
	if r, err := part(1, 1, 3, events[1]); err != nil || !r.Committed {
		t.Fatalf("not committed: %+v, %v", r, err)
	}
	_, err = part(2, 1, 2, w.sign(w.note("too late"))...)
	wantCode(t, err, protocol.CodeConflict) // the other one was signed for a place that is taken

	for _, bad := range []struct{ index, count uint32 }{{0, 0}, {1, 1}, {2, 2}, {0, 1 << 20}} {
		_, err := w.Ingest.Submit(t.Context(), nil, nil)
		wantCode(t, err, protocol.CodeBad)
		data, err := canonical.Marshal(protocol.Submission{Index: bad.index, Count: bad.count, Events: events})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Conn.Request(t.Context(), subject, data)
		wantCode(t, err, protocol.CodeBad)
	}
}

// What is begun and not finished is bounded for each person, and forgotten after a while.
func TestStagingIsBounded(t *testing.T) {
	w := newWard(t)
	s, other := w.Login(&w.patient.Person), w.Login(w.doctor)
	subject := protocol.IngestOwner(string(w.patient.GID()))
	begin := func(s *testnode.Session, id byte, index uint32, size int) error {
		_, err := w.send(s.Conn, subject, &protocol.Submission{
			ID: ledger.SubmissionID{id}, Index: index, Count: 1000, Events: [][]byte{make([]byte, size)},
		})
		return err
	}
	for id := range byte(4) {
		if err := begin(s, id+1, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, begin(s, 5, 0, 1), protocol.CodeBusy)
	if err := begin(other, 5, 0, 1); err != nil {
		t.Errorf("somebody else is held up: %v", err)
	}
	var err error
	for i := uint32(1); i < 100 && err == nil; i++ {
		err = begin(s, 1, i, 500<<10)
	}
	wantCode(t, err, protocol.CodeBad) // 32 MiB are exceeded
	w.Clock.Advance(61 * time.Second)
	for id := range byte(4) {
		if err := begin(s, id+10, 0, 1); err != nil {
			t.Fatalf("what was begun a minute ago is still in the way: %v", err)
		}
	}
}

func TestRegisterService(t *testing.T) {
	w := newWard(t)
	guest := w.Guest()
	id := w.Stranger()
	subject := protocol.Register(id.GID())
	person := ledger.PersonChain(id.GID())
	registration := w.Sign(id, none, person, testnode.Registration(id))
	w.committed(guest, subject, registration)

	stranger := w.Stranger()
	swapped := testnode.Registration(stranger)
	swapped.Seal = id.Keys().Seal
	for _, tt := range []struct {
		name    string
		subject string
		s       protocol.Submission
		code    string
	}{
		{"again", subject, protocol.Submission{Events: registration}, protocol.CodeConflict},
		{"under another's subject", subject, protocol.Submission{Events: w.Sign(stranger, none, ledger.PersonChain(stranger.GID()), testnode.Registration(stranger))}, protocol.CodeRefused},
		{"another's keys", protocol.Register(stranger.GID()), protocol.Submission{Events: w.Sign(stranger, none, ledger.PersonChain(stranger.GID()), swapped)}, protocol.CodeInvalid},
		{"a kind that needs a session", subject, protocol.Submission{Events: w.Sign(id, none, ledger.RecordChain(id.GID(), ledger.Health), &ledger.CompartmentCreated{Class: ledger.HealthClass})}, protocol.CodeRefused},
		{"on another's chain", subject, protocol.Submission{Events: w.Sign(id, none, w.patient.Profile, &ledger.PatientRegistered{})}, protocol.CodeInvalid},
		{"in several requests", subject, protocol.Submission{Count: 2, Events: registration}, protocol.CodeBad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.send(guest, tt.subject, &tt.s)
			wantCode(t, err, tt.code)
		})
	}
}

// Parts are given to who has a session on their compartment, and to the patient.
func TestKeysService(t *testing.T) {
	w := newWard(t)
	other := w.Patient()
	all := []string{ledger.PartOwner, ledger.PartShred, ledger.WrapName(w.term), ledger.PartLink, "no such part"}
	ask := func(s *testnode.Session, c ledger.Chain, epoch uint32, names ...string) ([]string, error) {
		answer, err := testnode.Ask[protocol.Parts](w.Node, s.Conn, protocol.KeyParts(c), protocol.PartsQuery{Epoch: epoch, Names: names})
		if err != nil {
			return nil, err
		}
		var got []string
		for _, p := range answer.Parts {
			if p.Chain != c.String() || p.Epoch != epoch || len(p.Data) == 0 {
				t.Errorf("part %s of %s %d with %d bytes", p.Name, p.Chain, p.Epoch, len(p.Data))
			}
			got = append(got, p.Name)
		}
		slices.Sort(got)
		return got, nil
	}
	want := []string{ledger.PartOwner, ledger.PartShred, ledger.WrapName(w.term)}
	read := w.Open(w.doctor, w.patient, ledger.OpRead, w.term)
	login := w.Login(&w.patient.Person)
	for name, s := range map[string]*testnode.Session{"read": read, "login": login} {
		if got, err := ask(s, w.patient.Health, 1, append(all, all...)...); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: parts %v, %v; want %v", name, got, err, want)
		}
		if got, err := ask(s, w.patient.Health, 2, all...); err != nil || len(got) != 0 {
			t.Errorf("%s: parts %v, %v of an epoch that is not there", name, got, err)
		}
		_, err := ask(s, other.Health, 1, all...)
		wantCode(t, err, protocol.CodeRefused)
		_, err = ask(s, w.patient.Health, 1, slices.Repeat(all, 60)...)
		wantCode(t, err, protocol.CodeBad)
	}
	_, err := ask(read, ledger.RecordChain(w.patient.GID(), ledger.Training), 1, all...)
	wantCode(t, err, protocol.CodeRefused)
	_, err = ask(w.Login(w.doctor), w.patient.Health, 1, all...)
	wantCode(t, err, protocol.CodeRefused)
	w.Desk.End(read)
	_, err = ask(read, w.patient.Health, 1, all...)
	wantCode(t, err, protocol.CodeEnded)
	_, err = login.Conn.Request(t.Context(), "keys.x.y", nil)
	wantCode(t, err, stream.CodeUnavailable) // no import has that form
}

// Requests to join wait for the authority, the oldest first, until it has said that it is done with them.
func TestEnrolService(t *testing.T) {
	w := newWard(t)
	guest := w.Guest()
	enrol := func(name string, sealed []byte) error {
		_, err := testnode.Ask[struct{}](w.Node, guest, "enrol."+name, protocol.Enrolment{Sealed: sealed})
		return err
	}
	next := func(s *testnode.Session, done ...ledger.Hash) (*protocol.Enrolments, error) {
		return testnode.Ask[protocol.Enrolments](w.Node, s.Conn, protocol.EnrolNext(w.hospital.Name), protocol.EnrolmentsQuery{Done: done})
	}
	const waiting = 25
	for i := range waiting {
		if err := enrol("city-hospital", fmt.Appendf(nil, "request %02d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := enrol("city-hospital", []byte("request 00")); err != nil { // again
		t.Fatal(err)
	}
	founder := w.Login(&testnode.Person{Identity: w.hospital.Identity})
	var got []string
	for {
		answer, err := next(founder, hashes(got)...)
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Waiting) == 0 {
			break
		}
		got = nil
		for _, e := range answer.Waiting {
			got = append(got, string(e.Sealed))
		}
		if !slices.IsSorted(got) || len(got) > 20 {
			t.Errorf("fetched %q", got)
		}
	}
	if len(got) != waiting-20 {
		t.Errorf("%d were left for the second time, want %d", len(got), waiting-20)
	}
	_, err := next(w.Login(w.doctor))
	wantCode(t, err, protocol.CodeRefused)
	_, err = next(founder, make([]ledger.Hash, 101)...)
	wantCode(t, err, protocol.CodeBad)
	wantCode(t, enrol("nowhere", []byte("x")), protocol.CodeNotFound)
	wantCode(t, enrol("city-hospital", nil), protocol.CodeBad)
	wantCode(t, enrol("city-hospital", make([]byte, 17<<10)), protocol.CodeBad)
	w.Say(w.Registry.Identity, w.Registry.Chain, &ledger.AuthoritySuspended{Name: "city-hospital"})
	wantCode(t, enrol("city-hospital", []byte("x")), protocol.CodeNotFound)
}

func hashes(sealed []string) []ledger.Hash {
	var all []ledger.Hash
	for _, s := range sealed {
		all = append(all, hashOf([]byte(s)))
	}
	return all
}
