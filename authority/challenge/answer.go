package challenge

import (
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
)

// Answer judges M3. Every error about M3 is a *Refusal. A right answer is not a session yet: the caller appends
// its Statement to the patient's access chain, then calls Seal.
func (g *Gate) Answer(now time.Time, facts Facts, m3 []byte) (*Verified, error) {
	a, err := ParseAnswer(m3)
	if err != nil {
		return nil, &Refusal{Detail: err}
	}
	p, place := g.find(a.Session)
	if p == nil {
		return nil, &Refusal{Detail: errors.New("no such challenge is open")}
	}
	if err := g.checkAnswer(now, p, a); err != nil {
		return nil, &Refusal{Detail: err, Request: p.request}
	}
	// Only who holds U comes this far, so nobody else can burn the challenge. It is burnt before the tag is looked at: one
	// answer is all there is, right or wrong.
	if err := g.burn(place, a.Session); err != nil {
		return nil, &Refusal{Detail: err, Request: p.request}
	}
	v, err := g.verify(now, facts, p, a, m3)
	if err != nil {
		return nil, refuse(facts, p.gid, p.request, err)
	}
	return v, nil
}

// checkAnswer judges whether an answer may burn its challenge.
func (g *Gate) checkAnswer(now time.Time, p *pending, a *Answer) error {
	var late error
	if now.After(p.expires) {
		late = errors.New("the challenge has expired")
	}
	if err := g.left.must(answerTime, late); err != nil {
		return err
	}
	th3 := transcript3(p.th2, a.Tag, p.gid)
	return g.left.must(answerUser, verifyUser(p.user, labelled("answer", th3[:]), a.SigUser))
}

// verify judges an answer whose challenge is burnt. Whatever was read of the log for the hello is read again.
func (g *Gate) verify(now time.Time, facts Facts, p *pending, a *Answer, m3 []byte) (*Verified, error) {
	if err := g.left.must(answerTag, checkTag(p.keys.client, p.th2, a.Tag)); err != nil {
		return nil, err
	}
	keys, err := facts.Person(p.gid) // before the signature is looked at: if others take their place meanwhile, the session ends
	if err != nil {
		return nil, err
	}
	th3 := transcript3(p.th2, a.Tag, p.gid)
	if err := g.left.must(answerIdentity, verifyPerson(facts, p.gid, signAnswer, th3[:], a.SigID)); err != nil {
		return nil, err
	}
	until, err := entitled(now, facts, p.gid, &p.request)
	if err := g.left.must(answerEntitled, err); err != nil {
		return nil, err
	}
	again := checkRenewal(now, facts, p.renews, p.gid, p.user, &p.request)
	if err := g.left.must(answerRenewal, again); err != nil {
		return nil, err
	}
	expires := now.Add(min(time.Duration(p.request.TTL)*time.Second, ledger.MaxSession))
	if until != 0 && until < expires.UnixMilli() {
		expires = time.UnixMilli(until)
	}
	for i := range p.request.Targets {
		if err := g.checkResolved(facts, &p.request, i, &p.resolved[i]); err != nil {
			return nil, err
		}
	}
	return &Verified{
		session: Session{opened: opened(p, expires), patient: p.request.Patient, key: keys.Sign},
		renews:  !p.renews.IsZero(),
		th4:     transcript4(th3, m3),
		keys:    p.keys,
	}, nil
}

// opened is the session that an answer opens, under the challenge's id, or renews, under its own.
func opened(p *pending, expires time.Time) ledger.SessionOpened {
	o := ledger.SessionOpened{
		Session: p.sid, GID: p.gid, User: p.user, Operation: p.request.Operation, Expires: expires.UnixMilli(),
	}
	if !p.renews.IsZero() {
		o.Session = p.renews
	}
	for _, t := range p.request.Targets {
		o.Compartment, o.Term = t.Compartment, t.Term
	}
	return o
}

// checkResolved judges whether a target's term still means what it meant when it was encapsulated to.
func (g *Gate) checkResolved(facts Facts, r *Request, place int, before *resolved) error {
	_, term, err := findTarget(facts, r, place)
	if err != nil {
		return err
	}
	e, err := facts.Expression(term.Policy)
	if err != nil {
		return err
	}
	var moved error
	if after := resolve(e); !after.equal(before) {
		moved = errors.New("an attribute version or an authority's key has changed")
	}
	return g.left.must(answerResolved, moved)
}

// Seal makes a right answer a session and returns it with M4. Logged is the event that now stands in the log with the body of
// v.Statement; nil for a login. Of the grant, Session and Expires are filled in here.
func (g *Gate) Seal(v *Verified, logged *ledger.Event, grant Grant) (*Session, []byte, error) {
	if err := g.left.must(grantLogged, v.checkLogged(logged)); err != nil {
		return nil, nil, err
	}
	grant.Session, grant.Expires = v.session.opened.Session, v.session.opened.Expires
	sealed, err := seal(g.config.Rand, v.keys.grant, v.th4, grant)
	if err != nil {
		return nil, nil, err
	}
	m4, err := (&SealedGrant{Tag: mac(v.keys.server, v.th4), Sealed: sealed}).Marshal()
	if err != nil {
		return nil, nil, err
	}
	if len(m4) > MaxGrant {
		return nil, nil, fmt.Errorf("a grant of %d bytes is larger than %d", len(m4), MaxGrant)
	}
	session := v.session
	return &session, m4, nil
}

func (v *Verified) checkLogged(e *ledger.Event) error {
	if v.session.patient == "" {
		return nil
	}
	if e == nil || e.Chain != ledger.RecordChain(v.session.patient, ledger.Access) {
		return errors.New("sealing a grant: the session is not logged")
	}
	if !v.states(e.Body) {
		return errors.New("sealing a grant: another session is logged")
	}
	return nil
}
