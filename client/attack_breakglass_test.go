package client_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// loot is all that the node keeps of the current epoch of a ward's compartment, and the emergency term.
type loot struct {
	fact  ledger.CompartmentFact
	term  ledger.TermID
	parts map[string][]byte
}

func (d *ward) rob() *loot {
	d.t.Helper()
	l := new(loot)
	var err error
	l.fact, err = d.hers.Fact(d.ctx)
	must(d.t, err)
	for _, t := range l.fact.Terms {
		if t.Emergency() {
			l.term = t.ID
		}
	}
	l.parts, err = d.hers.Parts(d.ctx)
	must(d.t, err)
	return l
}

// share opens a share that is sealed to somebody's attributes.
func (d *ward) share(c *client.Client, l *loot, name string) (*epoch.Share, error) {
	d.t.Helper()
	return d.book(c, d.maria, ledger.Health).Share(d.ctx, l.fact, l.term, name, l.parts[name])
}

// nodeShare opens the node's share with the key that lies on its disk.
func (d *ward) nodeShare(l *loot) *epoch.Share {
	d.t.Helper()
	secret, err := os.ReadFile(filepath.Join(d.dir, "keys", "node.identity"))
	must(d.t, err)
	node, err := identity.Parse(secret)
	must(d.t, err)
	r, err := ledger.ParseRelease(l.parts[ledger.ReleaseName(l.term)])
	must(d.t, err)
	sealed, ok := r.For(node.GID())
	if !ok {
		d.t.Fatal("nothing is sealed to the node")
	}
	at := epoch.Place{Patient: string(d.maria.GID()), Compartment: string(ledger.Health), Epoch: l.fact.Epoch.Number}
	share, err := epoch.OpenRelease(node, at, l.fact.Epoch.KID, l.term.String(), sealed)
	must(d.t, err)
	return share
}

func guess() *epoch.Share { return epoch.ShareOf([32]byte{}) }

// Who holds both attributes can't approve what they ask for, and with a copy of all that the node keeps they lack its share.
func TestAttack52_OnePerson(t *testing.T) {
	d := newWard(newWorld(t))
	both := d.person()
	d.enrol(both, mayOpen, mayApprove)
	e, err := d.ask(both)
	must(t, err)
	seen, err := both.AskEmergencies(d.ctx, protocol.EmergencyQuery{Patient: d.maria.GID()})
	must(t, err)
	if len(seen.Requests) != 1 || seen.Requests[0].Approval != nil {
		t.Error("the node shows the approvers' share to who asked")
	}
	head := ledger.Head{Number: seen.Number, Hash: seen.Hash}
	body := &ledger.BreakglassApproved{Request: e.ID(), Share: []byte("own share"), Epoch: 1}
	if err := both.SayInEmergency(d.ctx, e.Requested.Chain, head, body); err == nil {
		t.Error("one person asks and approves")
	}
	l := d.rob()
	own, err := d.share(both, l, ledger.WrapName(l.term))
	must(t, err)
	approver, err := d.share(both, l, ledger.ApprovalName(l.term))
	must(t, err)
	theirs := d.book(both, d.maria, ledger.Health)
	if err := theirs.OpenShares(l.fact, l.term, l.parts[ledger.WrapName(l.term)], own, approver, guess()); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("without the node: %v", err)
	}
	if err := theirs.OpenShares(l.fact, l.term, l.parts[ledger.WrapName(l.term)], own, approver, d.nodeShare(l)); err != nil {
		t.Errorf("with the node's share, too: %v", err) // the test would otherwise show nothing
	}
	d.barred("who asked and would approve", theirs)
}

// Who may approve opens nothing with that, whatever they have copied.
func TestAttack52_ApproverAlone(t *testing.T) {
	d := newWard(newWorld(t))
	if _, err := d.ask(d.chief); !errors.Is(err, client.ErrNotShared) {
		t.Errorf("an approver asks: %v", err)
	}
	l := d.rob()
	if _, err := d.share(d.chief, l, ledger.WrapName(l.term)); !errors.Is(err, abe.ErrNotSatisfied) {
		t.Errorf("the requester's share: %v", err)
	}
	approver, err := d.share(d.chief, l, ledger.ApprovalName(l.term))
	must(t, err)
	theirs := d.book(d.chief, d.maria, ledger.Health)
	if err := theirs.OpenShares(l.fact, l.term, l.parts[ledger.WrapName(l.term)], guess(), approver, d.nodeShare(l)); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("approver and node without who asks: %v", err)
	}
	_, opened := d.open()
	d.reads("the medic", opened, "allergic to penicillin")
	if err := theirs.Force(d.ctx, ledger.OpRead, l.term); err == nil {
		t.Error("who approved is let in")
	}
}

// Who asks, with the node's own key in hand, lacks the approver; so does the node.
func TestAttack52_RequesterWithNode(t *testing.T) {
	d := newWard(newWorld(t))
	_, err := d.ask(d.medic)
	must(t, err)
	l := d.rob()
	own, err := d.share(d.medic, l, ledger.WrapName(l.term))
	must(t, err)
	if _, err := d.share(d.medic, l, ledger.ApprovalName(l.term)); !errors.Is(err, abe.ErrNotSatisfied) {
		t.Errorf("the approvers' share: %v", err)
	}
	node := d.nodeShare(l)
	theirs := d.book(d.medic, d.maria, ledger.Health)
	for name, shares := range map[string][2]*epoch.Share{"with the node": {own, node}, "the node alone": {guess(), node}} {
		err := theirs.OpenShares(l.fact, l.term, l.parts[ledger.WrapName(l.term)], shares[0], guess(), shares[1])
		if !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := theirs.Force(d.ctx, ledger.OpRead, l.term); err == nil {
		t.Error("who asked is let in without an approval")
	}
}

// A share that was passed on for one request is of no use for another, though the log can't tell.
func TestAttack52_OtherRequest(t *testing.T) {
	d := newWard(newWorld(t))
	first, _ := d.open()
	approved := first.Approved.Body.(*ledger.BreakglassApproved)
	_, err := d.medic.EndEmergency(d.ctx, d.maria.GID(), first.ID(), "done")
	must(t, err)
	next, err := d.ask(d.medic)
	must(t, err)
	seen, err := d.second.AskEmergencies(d.ctx, protocol.EmergencyQuery{Patient: d.maria.GID()})
	must(t, err)
	copied := *approved
	copied.Request = next.ID()
	head := ledger.Head{Number: seen.Number, Hash: seen.Hash}
	must(t, d.second.SayInEmergency(d.ctx, next.Requested.Chain, head, &copied))
	_, err = d.medic.AwaitEmergency(d.ctx, d.maria.GID(), next.ID(), nil)
	must(t, err)
	// In a program that remembers nothing of the first one.
	fresh := d.connect(d.medic.Home())
	d.reads("the medic, with a share for another request", d.book(fresh, d.maria, ledger.Health), "?")
}

// Whoever has no part in an emergency can't find out whether there is such a patient, compartment, term or request.
func TestAttack52_NoOracle(t *testing.T) {
	d := newWard(newWorld(t))
	plain, stranger := d.patient(), d.person()
	agent := d.the("agent@acme-insurance")
	e, err := d.ask(d.medic)
	must(t, err)
	nobody := newHome(t).Identity().GID()
	for _, q := range []protocol.EmergencyQuery{
		{},
		{Patient: d.maria.GID()},
		{Patient: d.maria.GID(), Compartment: ledger.Health},
		{Patient: plain.GID(), Compartment: ledger.Health},
		{Patient: nobody, Compartment: ledger.Health},
		{Patient: "*", Compartment: ">"},
	} {
		got, err := agent.AskEmergencies(d.ctx, q)
		must(t, err)
		if !reflect.DeepEqual(got, new(protocol.Emergencies)) {
			t.Errorf("%+v is answered with %+v", q, got)
		}
	}
	must(t, stranger.RegisterIdentity(d.ctx))
	request := func(term ledger.TermID, c ledger.Compartment) ledger.Body {
		return &ledger.BreakglassRequested{Compartment: c, Term: term, Reason: why, Expires: d.clock.now().Add(time.Hour).UnixMilli()}
	}
	head := ledger.Head{Number: 1, Hash: ledger.Hash{1}}
	var told []string
	for _, say := range []struct {
		patient identity.GID
		body    ledger.Body
	}{
		{d.maria.GID(), request(e.Term(), ledger.Health)},
		{d.maria.GID(), request(e.Term(), "nothing")},
		{plain.GID(), request(e.Term(), ledger.Health)},
		{nobody, request(e.Term(), ledger.Health)},
		{d.maria.GID(), &ledger.BreakglassApproved{Request: e.ID(), Share: []byte{1}, Epoch: 1}},
		{plain.GID(), &ledger.BreakglassApproved{Request: e.ID(), Share: []byte{1}, Epoch: 1}},
		{d.maria.GID(), &ledger.BreakglassEnded{Request: e.ID()}},
		{d.maria.GID(), &ledger.BreakglassReviewed{Request: e.ID(), Finding: "x"}},
		{d.maria.GID(), &ledger.RecordWritten{}},
	} {
		for _, who := range []*client.Client{agent, stranger} {
			err := who.SayInEmergency(d.ctx, ledger.RecordChain(say.patient, ledger.Access), head, say.body)
			if err == nil {
				t.Fatalf("%T counts", say.body)
			}
			told = append(told, err.Error())
		}
	}
	for _, text := range told {
		if text != told[0] {
			t.Errorf("told %q, and %q otherwise", text, told[0])
		}
	}
}
