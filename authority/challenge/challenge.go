// Package challenge is PHR-CR/1, by which a person proves to a node, before a session is opened, that they hold the
// attributes a patient's policy asks for. Both sides are state machines without I/O, clock or goroutines: [Client] and
// [Gate].
//
// A challenge that is merely encrypted under the policy and echoed back falls to a relay: whoever sits between passes the
// challenge on and takes the session. Here the answer is bound to one person, one session key, one gate, one operation and
// one moment.
//
//	M1 hello      C→G   version, suites, gate, N_C, E_C (an ephemeral X-Wing key), U (the public nkey of the session to come),
//	                    GID, request, chain heads that C knows, time, σ_U and σ_id over all of it
//	M2 challenge  G→C   sid, N_G, suite, expiry, ct_E, sealed under ss to E_C: the patient's policy.set, ct_A and the gate's heads;
//	                    σ_G over th2
//	M3 answer     C→G   sid, τ_C = HMAC(k_c, th2), σ_U and σ_id over th3
//	M4 grant      G→C   τ_G = HMAC(k_s, th4), sealed under k_g with th4: NATS user JWT for U, inbox token, heads, key parts
//
// with H = SHA-256, L(x) = "phr-cr/1/" ‖ x ‖ 0, and
//
//	th1 = H(L("th1") ‖ M1)          th2 = H(L("th2") ‖ th1 ‖ M2 without σ_G)
//	th3 = H(L("th3") ‖ th2 ‖ τ_C ‖ GID)      th4 = H(L("th4") ‖ th3 ‖ M3)
//	(z, ct_A) = Encapsulate(expression of the term, namespace "chal", context)
//	context = H(L("context") ‖ [th1, sid, N_G, suite, patient, compartment, term, place in the request, H(policy.set), expiry])
//	ss = 32 bytes exported from an HPKE (X-Wing) context to E_C
//	k_m = HKDF(salt th1, ss)        k_c, k_s, k_g = HKDF(salt th2, z ‖ ss)
//
// A hello may name an open session that is to go on: the same messages then end in a grant for that session, with the same
// id, U and request, instead of one for a new session.
//
// A login has no ct_A and no z: the signature σ_id decides, and gives a person what is their own.
//
// # What it protects
//
// A session opens only for the person whose identity key signed the hello and the answer, whose attribute keys opened ct_A,
// and for the U, gate and request that they signed, once for each answer. Nobody else can open the grant, also later and
// with stolen attribute and identity keys, since E_C is forgotten. Other guests of the node can read M2 and M4 and learn
// from them neither whose policy it is nor what it says.
//
// # What it does not protect
//
// A gate that was robbed of its keys can open sessions; what is written in them still has to satisfy the log's own rules.
// Whoever has a person's unlocked device, or is lent all their keys, is that person. The pairing behind ct_A does not
// withstand a quantum computer; ss and with it the grant do. Chain heads are compared by number, and by hash where the
// numbers are equal: that a longer chain goes through the shorter one's end shows when it is fetched.
package challenge

import (
	"errors"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Version is the version of the protocol, which every hello names.
const Version = 1

// MaxAge is how long a challenge can be answered.
const MaxAge = 30 * time.Second

var (
	// ErrMalformed is wrapped by the errors of the Parse functions.
	ErrMalformed = errors.New("malformed challenge message")

	// ErrChallenge is what every error of a [Client] about a received message comes down to. Which check failed stands in
	// [Failure] alone.
	ErrChallenge = errors.New("the gate's message is not acceptable")

	// ErrRefused is what every [Refusal] comes down to.
	ErrRefused = errors.New("refused")

	// ErrBusy is what a Refusal comes down to that has nothing to do with rights: too much is asked at once, by this person or
	// in all, or the gate has not seen yet what the client has.
	ErrBusy = errors.New("not now: try again in a moment")
)

// Failure is why a client does not go on. Its text is the same for every cause, since whoever could tell the causes apart
// could ask for the attributes of a person. Detail is for the person's own log.
type Failure struct{ Detail error }

// Error implements error. It does not tell the detail.
func (f *Failure) Error() string { return ErrChallenge.Error() }

// Unwrap returns ErrChallenge.
func (f *Failure) Unwrap() error { return ErrChallenge }

// Refusal is why a gate does not go on. Its text is the same for every cause but business. Detail is for the gate's log.
type Refusal struct {
	Detail error

	// Proven is who was refused, once signatures have shown that it is them and the log that they are registered. Empty
	// otherwise: what strangers try is not logged.
	Proven identity.GID

	// Request is what they asked for. Its patient is registered if the request names one and Proven is set.
	Request Request
}

// Error implements error. It does not tell the detail.
func (r *Refusal) Error() string { return r.Unwrap().Error() }

// Unwrap returns ErrBusy or ErrRefused.
func (r *Refusal) Unwrap() error {
	if errors.Is(r.Detail, ErrBusy) {
		return ErrBusy
	}
	return ErrRefused
}

// near tells how far a time is from now, as an error if it is farther than clocks may be apart.
func near(now, t time.Time) error {
	if d := now.Sub(t).Abs(); d > ledger.ClockSkew {
		return errors.New("the clocks are more than a minute apart")
	}
	return nil
}
