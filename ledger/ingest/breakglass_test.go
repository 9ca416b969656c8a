package ingest_test

import (
	"testing"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/protocol"
)

// glass is a ward with people for emergencies.
type glass struct {
	*ward
	medic, chief *testnode.Person
}

func newGlass(t testing.TB) *glass {
	t.Helper()
	g := &glass{ward: newWard(t)}
	for _, name := range []string{"emergency", "supervisor"} {
		g.Say(g.hospital.Identity, g.hospital.Chain, &ledger.AttributeDefined{Name: name})
	}
	g.medic, g.chief = g.Representative(g.hospital, "emergency"), g.Representative(g.hospital, "supervisor")
	return g
}

// The parts of an emergency term are what they say, as far as a node can tell: made for the two sides under their own labels, and
// a share that the node opens. A share that it could not open would fail when it is needed.
func TestEmergencyPartsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*testing.T, []protocol.PartData)
		ok     bool
	}{
		{"as they should be", func(*testing.T, []protocol.PartData) {}, true},
		{"a release that is none", func(_ *testing.T, p []protocol.PartData) { p[2].Data = []byte("release") }, false},
		{"a release to another node", func(t *testing.T, p []protocol.PartData) {
			r, err := ledger.ParseRelease(p[2].Data)
			if err != nil {
				t.Fatal(err)
			}
			r.Nodes[0].Node = "aaaabbbbccccddddeeeeffff22223333"
			p[2].Data, _ = r.Marshal()
		}, false},
		{"a release that the node can't open", func(t *testing.T, p []protocol.PartData) {
			r, err := ledger.ParseRelease(p[2].Data)
			if err != nil {
				t.Fatal(err)
			}
			r.Nodes[0].Sealed[200] ^= 1
			p[2].Data, _ = r.Marshal()
		}, false},
		{"the wrap as the approval", func(_ *testing.T, p []protocol.PartData) { p[1].Data = p[0].Data }, false},
		{"the approval as the wrap", func(_ *testing.T, p []protocol.PartData) { p[0].Data = p[1].Data }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGlass(t)
			term := g.EmergencyTerm("emergency@city-hospital", "supervisor@city-hospital")
			named, data := g.patient.Wraps(term)
			tt.change(t, data)
			for i := range named {
				named[i].Hash = hashOf(data[i].Data)
			}
			before := len(g.stored())
			_, err := g.Ingest.Submit(t.Context(), g.Sign(g.patient.Identity, none, g.patient.Health,
				&ledger.PolicySet{Terms: append(g.patient.Terms[:len(g.patient.Terms):len(g.patient.Terms)], term)},
				&ledger.EpochRewrapped{Epoch: 1, Parts: named}), data)
			if (err == nil) != tt.ok {
				t.Errorf("Submit: %v", err)
			}
			if stored := len(g.stored()) - before; stored != 0 && !tt.ok {
				t.Errorf("%d parts are stored of what was refused", stored)
			}
		})
	}
}

// The way in for emergencies takes one event of an emergency, over a login, by its author.
func TestBreakglassService(t *testing.T) {
	g := newGlass(t)
	term := g.patient.AllowEmergency("emergency@city-hospital", "supervisor@city-hospital")
	medic, chief, patient := g.Login(g.medic), g.Login(g.chief), g.Login(&g.patient.Person)
	reading := g.Open(g.doctor, g.patient, ledger.OpWrite, g.term)
	request := func(by *testnode.Person) [][]byte {
		return g.Sign(by.Identity, none, g.patient.Access, g.patient.Requesting(term))
	}
	one := func(events ...[]byte) protocol.Submission { return protocol.Submission{Count: 1, Events: events} }
	for _, tt := range []struct {
		name string
		who  *testnode.Session
		s    protocol.Submission
		code string
	}{
		{"somebody else's event", chief, one(request(g.medic)...), protocol.CodeRefused},
		{"one who has no part", patient, one(request(&g.patient.Person)...), protocol.CodeRefused},
		{"an approver who asks", chief, one(request(g.chief)...), protocol.CodeRefused},
		{"a record", patient, one(g.Sign(g.patient.Identity, none, g.patient.Health, g.patient.Record(g.patient.GID(), []byte("x")))...), protocol.CodeRefused},
		{"over a session on a compartment", reading, one(request(g.doctor)...), protocol.CodeRefused},
		{"two at once", medic, one(append(request(g.medic), request(g.medic)...)...), protocol.CodeBad},
		{"in several requests", medic, protocol.Submission{Count: 2, Events: request(g.medic)}, protocol.CodeBad},
		{"with a part", medic, protocol.Submission{Count: 1, Events: request(g.medic), Parts: []protocol.PartData{{Chain: "x"}}}, protocol.CodeBad},
		{"too large", medic, one(make([]byte, 20<<10)), protocol.CodeBad},
	} {
		if _, err := testnode.Ask[protocol.Receipt](g.Node, tt.who.Conn, protocol.Breakglass, tt.s); testnode.Code(err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
		}
	}
	if _, err := medic.Conn.Request(t.Context(), protocol.Breakglass, []byte{1}); testnode.Code(err) != protocol.CodeBad {
		t.Errorf("garbage: %v", err)
	}
	receipt, err := testnode.Ask[protocol.Receipt](g.Node, medic.Conn, protocol.Breakglass, one(request(g.medic)...))
	if err != nil || !receipt.Committed {
		t.Errorf("a request: %+v, %v", receipt, err)
	}
	g.Desk.End(medic)
	if _, err := testnode.Ask[protocol.Receipt](g.Node, medic.Conn, protocol.Breakglass, one(request(g.medic)...)); testnode.Code(err) != protocol.CodeEnded {
		t.Errorf("after the session: %v", err)
	}
}

// Whoever is not fast enough on a busy chain has not said too much: an emergency does not wait for that.
func TestBreakglassOnABusyChain(t *testing.T) {
	g := newGlass(t)
	term := g.patient.AllowEmergency("emergency@city-hospital", "supervisor@city-hospital")
	medic := g.Login(g.medic)
	for range 40 {
		late := g.Sign(g.medic.Identity, none, g.patient.Access, g.patient.Requesting(term))
		g.Open(g.doctor, g.patient, ledger.OpRead, g.term)
		_, err := testnode.Ask[protocol.Receipt](g.Node, medic.Conn, protocol.Breakglass, protocol.Submission{Count: 1, Events: late})
		if testnode.Code(err) != protocol.CodeConflict {
			t.Fatalf("after another's session: %v", err)
		}
	}
	request := g.Sign(g.medic.Identity, none, g.patient.Access, g.patient.Requesting(term))
	if _, err := testnode.Ask[protocol.Receipt](g.Node, medic.Conn, protocol.Breakglass, protocol.Submission{Count: 1, Events: request}); err != nil {
		t.Error(err)
	}
}
