package view_test

import (
	"slices"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/web/view"
)

// A record is shown as somebody else sees it: just what they open.
func TestSeeAs(t *testing.T) {
	w := newWorld(t)
	maria, leo, ana := w.patient("Maria"), w.holder("trainer@iron-gym", "Leo"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	w.holder("doctor@city-hospital", "Dr. A. Ruiz")
	maria.writes(maria, ledger.Training, "before")
	maria.writes(maria, ledger.Health, "secret")
	maria.grant(ledger.Health, client.GrantRequest{To: "doctor@city-hospital"})
	maria.grant(ledger.Training, client.GrantRequest{To: "trainer@iron-gym", FromNow: true})
	maria.writes(maria, ledger.Training, "after")
	person := "gid:" + string(ana.GID())
	gone := maria.grant(ledger.Health, client.GrantRequest{To: person}).Term.ID
	must(t, maria.book(maria, ledger.Health).Revoke(w.ctx, gone))
	maria.grant(ledger.Training, client.GrantRequest{To: person, Until: w.clock.now().Add(time.Hour)})

	for _, as := range []string{string(leo.GID()), "trainer@iron-gym"} {
		s := call[view.SeeAs](maria, "seeAs", view.SeeAsQuery{As: as})
		if !slices.Equal(s.Open, []string{"training"}) || len(s.Write) != 0 || !slices.Equal(titles(s.Rows), []string{"after"}) {
			t.Errorf("as %s: %+v; want what came after the grant", as, s)
		}
		if len(s.Sealed) != 2 || s.Sealed[0].Compartment != "health" || s.Sealed[0].Why != "never" || s.Sealed[1].Why != "from-now" || s.Sealed[1].Since == nil {
			t.Errorf("as %s sealed: %+v", as, s.Sealed)
		}
		if !slices.Equal(s.Lacks, []string{"doctor@city-hospital"}) {
			t.Errorf("as %s lacks %q", as, s.Lacks)
		}
	}
	theirs := call[view.Timeline](leo, "timeline", view.TimelineQuery{Patient: string(maria.GID())})
	if !slices.Equal(titles(theirs.Rows), []string{"after"}) {
		t.Errorf("and Leo does see %q", titles(theirs.Rows))
	}
	s := call[view.SeeAs](maria, "seeAs", view.SeeAsQuery{As: person})
	if !slices.Equal(titles(s.Rows), []string{"after", "before"}) || s.Sealed[0].Why != "revoked" || s.Sealed[0].Since == nil {
		t.Errorf("as the person named: %+v", s)
	}
	w.clock.forward(2 * time.Hour)
	s = call[view.SeeAs](maria, "seeAs", view.SeeAsQuery{As: person})
	if len(s.Rows) != 0 || len(s.Open) != 0 || s.Sealed[1].Why != "ended" {
		t.Errorf("later: %+v; want it ended", s)
	}
	for _, bad := range []string{"", string(maria.GID())} {
		_, err := try[view.SeeAs](maria, "seeAs", view.SeeAsQuery{As: bad})
		failing(t, err, view.CodeInput)
	}
	if _, err := try[view.SeeAs](maria, "seeAs", view.SeeAsQuery{As: "doctor@city-hospital or trainer@iron-gym"}); err == nil {
		t.Error("showed it as one or the other")
	}
}
