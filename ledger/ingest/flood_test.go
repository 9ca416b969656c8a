package ingest_test

import (
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

func hashOf(b []byte) ledger.Hash { return sha256.Sum256(b) }

// Fresh identities can register only so fast, and cost those who have a session nothing.
func TestAttack66_RegistrationFlood(t *testing.T) {
	w := newWard(t)
	s := w.Login(&w.patient.Person)
	newcomer := w.Stranger()
	registration := w.Sign(newcomer, none, ledger.PersonChain(newcomer.GID()), testnode.Registration(newcomer))
	var heard, busy atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		guest := w.Guest()
		wg.Go(func() {
			for range 100 {
				_, err := guest.Request(t.Context(), protocol.Register(newcomer.GID()), []byte("not a registration"))
				switch testnode.Code(err) {
				case protocol.CodeBad:
					heard.Add(1)
				case protocol.CodeBusy:
					busy.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	for i := range 10 {
		start := time.Now()
		w.committed(s.Conn, protocol.Ingest(w.patient.Health), w.sign(w.note(fmt.Sprint("note ", i))))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("a submission took %s beside a flood", took)
		}
	}
	wg.Wait()
	if heard.Load() < 200 || busy.Load() == 0 {
		t.Errorf("%d were heard, %d were told to wait", heard.Load(), busy.Load())
	}
	w.Clock.Advance(time.Minute)
	w.committed(w.Guest(), protocol.Register(newcomer.GID()), registration)
}

// An authority that fetches nothing keeps a bounded number of requests, and no other pays for it.
func TestAttack66_EnrolmentFlood(t *testing.T) {
	w := newWard(t)
	clinic := w.Authority("old-clinic", ledger.Hospital, "doctor")
	var waiting []stream.Part
	for i := range 1000 {
		sealed := fmt.Appendf(nil, "request %d", i)
		waiting = append(waiting, stream.Part{Subject: "key.enrol.city-hospital." + hashOf(sealed).String(), Data: sealed})
	}
	if err := w.Ledger().PutParts(t.Context(), waiting...); err != nil {
		t.Fatal(err)
	}
	guest := w.Guest()
	enrol := func(name string, i int) error {
		_, err := testnode.Ask[struct{}](w.Node, guest, "enrol."+name, protocol.Enrolment{Sealed: fmt.Appendf(nil, "one more %d", i)})
		return err
	}
	wantCode(t, enrol("city-hospital", 0), protocol.CodeBusy)
	if err := enrol(string(clinic.Name), 0); err != nil {
		t.Error(err)
	}
	founder := w.Login(&testnode.Person{Identity: w.hospital.Identity})
	_, err := testnode.Ask[protocol.Enrolments](w.Node, founder.Conn, protocol.EnrolNext(w.hospital.Name), protocol.EnrolmentsQuery{
		Done: []ledger.Hash{hashOf(waiting[0].Data)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := enrol("city-hospital", 1); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	wantCode(t, enrol("city-hospital", 2), protocol.CodeBusy)

	for i := range 200 {
		if err = enrol(string(clinic.Name), i); err != nil {
			break
		}
	}
	wantCode(t, err, protocol.CodeBusy) // too many at once
	if n, err := w.Ingest.Collect(t.Context()); n != 0 || err != nil {
		t.Errorf("Collect = %d, %v", n, err)
	}
	w.Clock.Advance(2 * time.Hour)
	if n, err := w.Ingest.Collect(t.Context()); n != 0 || err != nil {
		t.Errorf("what waits for an authority was collected: %d, %v", n, err)
	}
}
