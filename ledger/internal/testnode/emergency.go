package testnode

import (
	"crypto/rand"
	"crypto/sha256"
	"time"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// EmergencyTerm makes a term for emergencies that is in no policy yet.
func (n *Node) EmergencyTerm(open, approve string) ledger.Term {
	n.Helper()
	t := n.Term(open, false)
	t.Approval = approve
	return t
}

// Wraps gives the epoch's keys to those who satisfy a term: for emergencies in three parts.
func (p *Patient) Wraps(t ledger.Term) ([]ledger.Part, []protocol.PartData) {
	p.n.Helper()
	if !t.Emergency() {
		part, data := p.Wrap(t)
		return []ledger.Part{part}, []protocol.PartData{data}
	}
	own, wrap := p.encapsulate(ledger.WrapName(t.ID), t.ID, t.Expression, abe.Wrap)
	under, approval := p.encapsulate(ledger.ApprovalName(t.ID), t.ID, t.Approval, abe.Approval)
	approver, err := epoch.DrawShare(rand.Reader)
	p.n.must(err)
	node, err := epoch.DrawShare(rand.Reader)
	p.n.must(err)
	key, err := epoch.EmergencyKey(epoch.ShareOf(own), approver, node)
	p.n.must(err)
	sealed, err := epoch.SealWrap(rand.Reader, key, p.place(), t.ID.String(), p.keys, true)
	p.n.must(err)
	kept, err := epoch.SealApproval(rand.Reader, under, p.place(), p.keys.KID(), t.ID.String(), approver)
	p.n.must(err)
	released, err := epoch.SealRelease(p.n.Self.Keys(), p.place(), p.keys.KID(), t.ID.String(), node)
	p.n.must(err)
	release, err := (&ledger.Release{Nodes: []ledger.Released{{Node: p.n.Self.GID(), Sealed: released}}}).Marshal()
	p.n.must(err)
	parts := []ledger.Part{wrap.Part, approval.Part, {Name: ledger.ReleaseName(t.ID), Term: t.ID}}
	var data []protocol.PartData
	for i, b := range [][]byte{wrap.with(p, sealed), approval.with(p, kept), release} {
		parts[i].Hash = sha256.Sum256(b)
		data = append(data, p.part(parts[i].Name, b))
	}
	return parts, data
}

// begun is a part whose contents are still to be sealed.
type begun struct {
	ledger.Part
	ciphertext []byte
}

func (p *Patient) encapsulate(name string, term ledger.TermID, expression string, label abe.Label) ([32]byte, *begun) {
	p.n.Helper()
	parsed, err := policy.Parse(expression)
	p.n.must(err)
	var x *abe.Expression
	p.n.Fold.View(func(s *ledger.State) { x, err = s.Expression(parsed) })
	p.n.must(err)
	context, err := ledger.WrapContext(p.Health, p.epoch, p.keys.KID(), term)
	p.n.must(err)
	key, ciphertext, err := x.Encapsulate(rand.Reader, label, context)
	p.n.must(err)
	b := &begun{ledger.Part{Name: name, Term: term, Expression: expression, Versions: x.Versions()}, ciphertext}
	for _, h := range x.KeyHashes() {
		b.Keys = append(b.Keys, h)
	}
	return key, b
}

func (b *begun) with(p *Patient, sealed []byte) []byte {
	p.n.Helper()
	data, err := (&ledger.Wrap{Ciphertext: b.ciphertext, Sealed: sealed}).Marshal()
	p.n.must(err)
	return data
}

// AllowEmergency lets the health compartment be opened in an emergency.
func (p *Patient) AllowEmergency(open, approve string) ledger.Term {
	p.n.Helper()
	t := p.n.EmergencyTerm(open, approve)
	events, parts := p.Granting(t)
	p.n.Submit(events, parts...)
	return t
}

// Requesting is a request for an hour by a term for emergencies.
func (p *Patient) Requesting(t ledger.Term) *ledger.BreakglassRequested {
	return &ledger.BreakglassRequested{
		Compartment: ledger.Health, Term: t.ID, Reason: "unconscious after a fall, nobody to ask", Expires: p.n.Now().Add(time.Hour).UnixMilli(),
	}
}

// BreakGlass opens the health compartment to a person by the approval of another, and returns the id of the request.
func (p *Patient) BreakGlass(t ledger.Term, requester, approver *Person) ledger.EventID {
	p.n.Helper()
	asked := p.n.Sign(requester.Identity, ledger.SessionID{}, p.Access, p.Requesting(t))
	p.n.Submit(asked)
	e, err := ledger.ParseEvent(asked[0])
	p.n.must(err)
	p.n.Say(approver.Identity, p.Access, &ledger.BreakglassApproved{Request: e.ID, Share: []byte("not opened in tests"), Epoch: p.epoch})
	_, err = p.n.Ingest.Say(p.n.Context(), p.Access, &ledger.BreakglassOpened{
		Request: e.ID, Requester: requester.GID(), Approver: approver.GID(), Expires: e.Body.(*ledger.BreakglassRequested).Expires,
	})
	p.n.must(err)
	return e.ID
}
