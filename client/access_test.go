package client_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// The patient sees who opened what, who was refused, and when it was over, by name where an authority gave one.
func TestAccessLog(t *testing.T) {
	w := inTown(t)
	maria, ruiz, trainer := w.patient(), w.the("doctor@city-hospital"), w.the("trainer@iron-gym")
	hers := w.book(maria, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(ruiz, maria, ledger.Health)
	w.texts(his)
	w.write(his, "one")
	w.barred("the trainer", w.book(trainer, maria, ledger.Health))
	must(t, hers.Revoke(w.ctx, granted.Term.ID))

	want := []string{
		fmt.Sprintf("session.opened %s read health", ruiz.GID()), fmt.Sprintf("session.opened %s write health", ruiz.GID()),
		fmt.Sprintf("session.closed %s read health", ruiz.GID()), fmt.Sprintf("session.closed %s write health", ruiz.GID()),
	}
	slices.Sort(want)
	var log []client.Access
	for len(log) < len(want) { // a session's end is written down a moment after it
		var err error
		log, err = maria.AccessLog(w.ctx)
		must(t, err)
	}
	var got []string
	for _, a := range log {
		got = append(got, fmt.Sprintf("%s %s %s %s", a.Kind, a.GID, a.Operation, a.Compartment))
		if a.Display != "Dr doctor of city-hospital" || a.Term != granted.Term.ID || a.Time.IsZero() {
			t.Errorf("%+v", a)
		}
		if (a.Kind == ledger.SessionClosedKind) != (a.Reason != "") {
			t.Errorf("%s for the reason %q", a.Kind, a.Reason)
		}
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("access log %q, want %q", got, want)
	}
}

// code returns the code of a service's error.
func code(err error) string {
	var told *stream.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// Who asks the gate for what they may not is refused, and the patient is told once an hour how often.
func TestAccessLogRefused(t *testing.T) {
	w := inTown(t)
	maria, trainer := w.patient(), w.the("trainer@iron-gym")
	term, err := ledger.NewTermID(rand.Reader, w.clock.now())
	must(t, err)
	for range 3 {
		if err := w.book(trainer, maria, ledger.Health).Force(w.ctx, ledger.OpRead, term); code(err) != protocol.CodeRefused {
			t.Fatalf("the gate: %v, want a refusal", err)
		}
	}
	var log []client.Access
	for len(log) == 0 {
		var err error
		log, err = maria.AccessLog(w.ctx)
		must(t, err)
	}
	a := log[0]
	if len(log) != 1 || a.Kind != ledger.SessionRefusedKind || a.GID != trainer.GID() || a.Count != 1 || a.Compartment != ledger.Health ||
		a.Operation != ledger.OpRead || a.Reason == "" || a.Display != "Dr trainer of iron-gym" {
		t.Errorf("access log %+v", log)
	}
}
