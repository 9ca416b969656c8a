package challenge_test

import (
	"errors"
	"testing"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// noticed says, for every check, which scenario notices that it is left out.
var noticed = map[challenge.Check]struct {
	name     string
	scenario func(*world) error
}{
	challenge.HelloAddressed: {"hello addressed", forwardedHello},
	challenge.HelloTime:      {"hello time", clocksApart},
	challenge.HelloUser:      {"hello σ_U", exploration(0)},
	challenge.HelloIdentity:  {"hello σ_id", exploration(0)},
	challenge.HelloRenewal:   {"hello renewal", othersRenewal},
	challenge.HelloSuite:     {"hello suite", noSuite},
	challenge.HelloForeign:   {"hello foreign heads", foreignHeads},
	challenge.HelloBehind:    {"hello behind", gateBehind},
	challenge.HelloEntitled:  {"hello entitled", uselessHellos},
	challenge.HelloReplay:    {"hello replay", exploration(0)},
	challenge.HelloRate:      {"hello rate", impatience},
	challenge.HelloPending:   {"hello pending", fullRoom},

	challenge.ChallengeOnce:       {"challenge once", answeredTwice},
	challenge.ChallengeNode:       {"challenge node", expiredNode},
	challenge.ChallengeGate:       {"challenge σ_G", exploration(0)},
	challenge.ChallengeSuite:      {"challenge suite", otherSuite},
	challenge.ChallengeTime:       {"challenge time", lateChallenge},
	challenge.ChallengeHeads:      {"challenge heads", clientBehind},
	challenge.ChallengeTargets:    {"challenge targets", strippedPolicy},
	challenge.ChallengeSet:        {"challenge policy.set", unsignedPolicy},
	challenge.ChallengeTerm:       {"challenge term", readAsWrite},
	challenge.ChallengeExpression: {"challenge expression", otherExpression},
	challenge.ChallengeLabel:      {"challenge label", wrapAsChallenge},

	challenge.AnswerTime:     {"answer time", lateAnswer},
	challenge.AnswerUser:     {"answer σ_U", burning},
	challenge.AnswerBurn:     {"answer burn", exploration(0)},
	challenge.AnswerTag:      {"answer τ_C", keyless},
	challenge.AnswerIdentity: {"answer σ_id", exploration(0)},
	challenge.AnswerEntitled: {"answer entitled", removedDoctor},
	challenge.AnswerRenewal:  {"answer renewal", closedInBetween},
	challenge.AnswerResolved: {"answer resolved", movedVersion},

	challenge.GrantLogged: {"grant logged", unlogged},
	challenge.GrantTag:    {"grant τ_G", exploration(0)},
}

// TestEveryCheckIsNeeded leaves out one check after the other, on both sides: each time something must go wrong that does not
// go wrong with it, as the tests of the scenarios show.
func TestEveryCheckIsNeeded(t *testing.T) {
	for c := range challenge.CheckCount {
		by, ok := noticed[c]
		if !ok {
			t.Errorf("nothing notices when check %d is left out", c)
			continue
		}
		t.Run(by.name, func(t *testing.T) {
			err := by.scenario(newWorld(c))
			if err == nil {
				t.Fatal("nobody notices that it is left out")
			}
			t.Log(err)
		})
	}
}

func TestMoreScenarios(t *testing.T) { holds(t, answeredTwice, keyless, unlogged) }

// answeredTwice gives a client two challenges for its one hello, the second by the gate after a restart.
func answeredTwice(w *world) error {
	at := w.nodes[0]
	c := w.client(w.ruiz, at, login)
	x, err := w.upTo(3, c, w.gate(at), at, noon)
	if err != nil {
		return err
	}
	again, err := w.gate(at).Hello(noon, w.log, x.m1)
	if err != nil {
		return err
	}
	if _, err := c.Answer(noon, again); !errors.Is(err, challenge.ErrChallenge) {
		return violation("a client answers twice for one hello: %v", err)
	}
	return nil
}

// keyless is somebody whom the log shows to hold an attribute, and who does not have its key.
func keyless(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	fact, _ := w.log.Node(at.GID())
	c := w.clientOf(w.ruiz, challenge.ClientConfig{
		Node: *fact, Request: w.reading(w.review),
		Decapsulate: func(*abe.Header, []byte, []byte) ([32]byte, error) { return [32]byte{1}, nil },
	})
	x, err := w.upTo(3, c, g, at, noon)
	if err != nil {
		return err
	}
	_, err = g.Answer(noon, w.log, x.m3)
	if err := refused("an answer without attribute keys", err); err != nil {
		return err
	}
	if r := new(challenge.Refusal); !errors.As(err, &r) || r.Proven != w.ruiz.GID() {
		return violation("the refusal does not name who is behind it: %+v", r)
	}
	_, err = g.Answer(noon, w.log, x.m3)
	return refused("the same answer again", err)
}

// unlogged asks for a grant when the log does not show the session, shows another one, or shows it to another patient.
func unlogged(w *world) error {
	at, g := w.nodes[0], w.gate(w.nodes[0])
	x, err := w.upTo(3, w.client(w.ruiz, at, w.reading(w.review)), g, at, noon)
	if err != nil {
		return err
	}
	v, err := g.Answer(noon, w.log, x.m3)
	if err != nil {
		return err
	}
	longer := v.Opened()
	longer.Expires++
	access, elsewhere := ledger.RecordChain(w.maria.GID(), ledger.Access), ledger.RecordChain(w.juan.GID(), ledger.Access)
	for name, e := range map[string]*ledger.Event{
		"not":                {Chain: access, Body: &ledger.SessionClosed{}},
		"with another end":   {Chain: access, Body: longer},
		"to another patient": {Chain: elsewhere, Body: v.Opened()},
		"nowhere":            nil,
		"as a renewal":       {Chain: access, Body: &ledger.SessionRenewed{Session: v.Opened().Session, Expires: v.Opened().Expires}},
	} {
		if _, m4, err := g.Seal(v, e, grantFor(v)); err == nil || m4 != nil {
			return violation("a grant for a session that is logged %s", name)
		}
	}
	return nil
}
