package ingest_test

import (
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// none is the session of those who need none.
var none ledger.SessionID

// wantCode fails unless err is what a service answers with this code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var told *stream.Error
	if !errors.As(err, &told) || told.Code != code {
		t.Fatalf("error %v, want one of code %q", err, code)
	}
}

// ward is a node with a hospital, a doctor who may write, and a patient.
type ward struct {
	*testnode.Node
	hospital *testnode.Authority
	doctor   *testnode.Person
	patient  *testnode.Patient
	term     ledger.TermID
}

func newWard(t testing.TB) *ward {
	t.Helper()
	w := &ward{Node: testnode.Start(t)}
	w.hospital = w.Authority("city-hospital", ledger.Hospital, "doctor")
	w.doctor = w.Representative(w.hospital, "doctor")
	w.patient = w.Patient()
	w.term = w.patient.Grant("doctor@city-hospital", true)
	return w
}

// note is a record by the patient.
func (w *ward) note(text string) *testnode.Prepared {
	w.Helper()
	return w.patient.Record(w.patient.GID(), []byte(text))
}

// sign makes the next events of the patient's health chain, by the patient.
func (w *ward) sign(bodies ...ledger.Body) [][]byte {
	w.Helper()
	return w.Sign(w.patient.Identity, none, w.patient.Health, bodies...)
}

// number is where the patient's health chain ends.
func (w *ward) number() uint64 { return w.Head(w.patient.Health).Number }

// parse reads the entries of the log.
func parse(t testing.TB, raw []stream.Entry) []*ledger.Entry {
	t.Helper()
	entries := make([]*ledger.Entry, len(raw))
	for i, r := range raw {
		var err error
		if entries[i], err = ledger.ParseEntry(r.Data); err != nil {
			t.Fatal(err)
		}
	}
	return entries
}

// until waits for something that the fold will show.
func (w *ward) until(done func() bool) {
	w.Helper()
	for {
		moved := w.Fold.Moved()
		if done() {
			return
		}
		select {
		case <-moved:
		case <-w.Context().Done():
			w.Fatal("the test ended before it came")
		}
	}
}
