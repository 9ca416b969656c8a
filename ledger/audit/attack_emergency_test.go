package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/internal/testnode"
)

// glass is a ward whose patient lets the hospital open health in an emergency.
type glass struct {
	*ward
	medic, chief *testnode.Person
	term         ledger.Term
}

func newGlass(t testing.TB) *glass {
	t.Helper()
	g := &glass{ward: newWard(t)}
	for _, name := range []string{"emergency", "supervisor"} {
		g.Say(g.hospital.Identity, g.hospital.Chain, &ledger.AttributeDefined{Name: name})
	}
	g.medic, g.chief = g.Representative(g.hospital, "emergency"), g.Representative(g.hospital, "supervisor")
	g.term = g.patient.AllowEmergency("emergency@city-hospital", "supervisor@city-hospital")
	return g
}

// session is one of somebody's by the emergency term.
func (g *glass) session(p *testnode.Person) *ledger.SessionOpened {
	g.Helper()
	return &ledger.SessionOpened{
		Session: newSessionID(g), GID: p.GID(), User: "U", Operation: ledger.OpRead, Compartment: ledger.Health, Term: g.term.ID,
		Expires: g.Now().Add(10 * time.Minute).UnixMilli(),
	}
}

// An audit tells of every emergency, and finds those that nobody has reviewed in time, by the log's own time.
func TestEmergenciesAreAudited(t *testing.T) {
	g := newGlass(t)
	id := g.patient.BreakGlass(g.term, g.medic, g.chief)
	g.mustSay(g.patient.Access, g.session(g.medic))
	audited := func() *audit.Report { return g.history().audit(t, audit.Options{Now: g.Now}) }
	r := audited()
	if !r.Sound() || len(r.Emergencies) != 1 {
		t.Fatalf("%d emergencies, findings %+v", len(r.Emergencies), r.Findings)
	}
	if m := r.Emergencies[0]; m.Request != id || m.Requester != g.medic.GID() || m.Approver != g.chief.GID() || m.Ended || m.Reviews != 0 ||
		m.Overdue || !m.Due.Equal(m.Opened.Add(72*time.Hour)) || m.Compartment != ledger.Health {
		t.Errorf("it is told as %+v", m)
	}
	g.Clock.Advance(71 * time.Hour)
	g.mustSay(ledger.NodeChain(g.Self.GID()), &ledger.Incident{Text: "nothing"})
	if r := audited(); !r.Sound() {
		t.Errorf("after 71 hours: %+v", r.Findings)
	}
	g.Clock.Advance(2 * time.Hour)
	g.mustSay(ledger.NodeChain(g.Self.GID()), &ledger.Incident{Text: "nothing"})
	r = audited()
	if len(r.Findings) != 1 || r.Findings[0].Problem != audit.Unreviewed || !r.Emergencies[0].Overdue ||
		r.Findings[0].Sequence != r.Emergencies[0].Sequence {
		t.Errorf("after 73 hours: %+v", r.Findings)
	}
	g.Say(g.patient.Identity, g.patient.Access, &ledger.BreakglassReviewed{Request: id, Finding: "late, and all well"})
	if r := audited(); !r.Sound() || r.Emergencies[0].Reviews != 1 || r.Emergencies[0].Overdue {
		t.Errorf("once reviewed: %+v", r.Findings)
	}
}

// A node that was robbed of its keys, alone or together with who asks, opens nothing that counts, and an audit finds what it tried.
func TestAttack52_NodeWithoutApproval(t *testing.T) {
	g := newGlass(t)
	insured := g.EmergencyTerm("emergency@city-hospital", "agent@acme-insurance")
	asked := g.Sign(g.medic.Identity, none, g.patient.Access, g.patient.Requesting(g.term))
	g.Submit(asked)
	request, err := ledger.ParseEvent(asked[0])
	if err != nil {
		t.Fatal(err)
	}
	opened := func(approver *testnode.Person) *ledger.BreakglassOpened {
		return &ledger.BreakglassOpened{
			Request: request.ID, Requester: g.medic.GID(), Approver: approver.GID(), Expires: request.Body.(*ledger.BreakglassRequested).Expires,
		}
	}
	unheard := opened(g.chief)
	unheard.Request[0] ^= 1
	g.Halt()
	base := g.history()
	for _, tt := range []struct {
		name    string
		encoded []byte
		want    audit.Problem
		says    string
	}{
		{"a session without an emergency", g.Sign(g.Self, none, g.patient.Access, g.session(g.medic))[0], audit.Session, "no emergency was open"},
		{"a session of who might have approved", g.Sign(g.Self, none, g.patient.Access, g.session(g.chief))[0], audit.Session, "no emergency was open"},
		{"opened, and not approved", g.Sign(g.Self, none, g.patient.Access, opened(g.chief))[0], audit.Emergency, "nobody has approved"},
		{"opened in one person's name", g.Sign(g.Self, none, g.patient.Access, opened(g.medic))[0], audit.Emergency, "nobody has approved"},
		{"opened, and not asked for", g.Sign(g.Self, none, g.patient.Access, unheard)[0], audit.Emergency, "nobody made there"},
		{"opened by who asked", g.Sign(g.medic.Identity, none, g.patient.Access, opened(g.chief))[0], audit.Emergency, "not a node"},
		{"approved by who asked", g.Sign(g.medic.Identity, none, g.patient.Access, &ledger.BreakglassApproved{
			Request: request.ID, Share: []byte("share"), Epoch: 1,
		})[0], audit.Emergency, "asked for themselves"},
		{"an insurer who approves", g.Sign(g.patient.Identity, none, g.patient.Health, &ledger.PolicySet{
			Terms: append(g.patient.Terms[:len(g.patient.Terms):len(g.patient.Terms)], insured),
		})[0], audit.Emergency, "agent@acme-insurance a part in emergencies"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := base.clone()
			h.place(t, len(h.entries), tt.encoded)
			r := h.audit(t, audit.Options{Now: later})
			wantFindings(t, r, found{tt.want, uint64(len(h.entries)), 0})
			if len(r.Findings) > 0 && !strings.Contains(r.Findings[0].What, tt.says) {
				t.Errorf("it says %q, want %q", r.Findings[0].What, tt.says)
			}
		})
	}
}
