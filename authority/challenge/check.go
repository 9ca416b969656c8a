package challenge

// check is one thing that a side makes sure of before it goes on.
type check uint

// The checks, in the order in which they are made.
const (
	helloAddressed check = iota // the hello is for this gate
	helloTime                   // it was made just now
	helloUser                   // σ_U
	helloIdentity               // σ_id, by keys of someone registered and not revoked
	helloRenewal                // the session that it renews is open, and the same one
	helloSuite                  // there is a suite that both sides know
	helloForeign                // it names heads of chains only that its sender may know
	helloBehind                 // the gate knows at least as much of these chains as the sender
	helloEntitled               // the log shows the sender's right
	helloReplay                 // it came for the first time
	helloRate                   // its sender does not ask too often
	helloPending                // there is room for another challenge

	challengeOnce       // the client has not answered yet
	challengeNode       // the node's description is still valid
	challengeGate       // σ_G
	challengeSuite      // the suite is one that was offered
	challengeTime       // it can still be answered, and was made just now
	challengeHeads      // the gate knows at least as much of the chains as the client
	challengeTargets    // it is for what was asked
	challengeSet        // the policy.set is the patient's, on that compartment
	challengeTerm       // the term asked for stands in it and grants the operation
	challengeExpression // ct_A asks for the attributes that the term names
	challengeLabel      // ct_A is a challenge in the suite, not a wrap

	answerTime     // the challenge has not expired
	answerUser     // σ_U
	answerBurn     // the challenge was not answered before
	answerTag      // τ_C
	answerIdentity // σ_id, by keys in force now
	answerEntitled // the log shows the sender's right, still
	answerRenewal  // the session that it renews is open, still
	answerResolved // attribute versions and authority keys are what they were

	grantLogged // session.opened or session.renewed stands in the log
	grantTag    // τ_G

	checkCount
)

// checks is a set of checks that are left out. It is empty but in tests, which show that each check is needed.
type checks uint64

// must returns err, the outcome of c, unless c is left out.
func (left checks) must(c check, err error) error {
	if left.has(c) {
		return nil
	}
	return err
}

func (left checks) has(c check) bool { return left&(1<<c) != 0 }
