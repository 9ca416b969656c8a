package ledger

// rule is one thing that a State makes sure of before an entry counts, whatever it says.
type rule uint

// The rules, in the order in which they are made sure of.
const (
	ruleRun       rule = iota // what is not signed itself belongs to a run that is
	ruleNext                  // it is the next event of its chain, and follows the last
	ruleOrder                 // it was logged no earlier than the event before it
	ruleAhead                 // its author's clock is not ahead of the log's
	ruleBack                  // it is judged by no less of the log than the event before it
	ruleSkew                  // it was logged no earlier than others before it, but for the skew of clocks
	ruleHistory               // it is judged by control entries of this log
	ruleID                    // its id is new on its chain
	ruleSignature             // the author's keys at its place have signed it
	ruleCritical              // this version understands all that must be understood
	ruleSpace                 // its kind belongs on the chain, and its author may speak there
	ruleSession               // who does not own the record writes in a session that is open to them
	ruleTerm                  // whose term the log shows them to satisfy
	ruleLeaf                  // its key was not used for another record

	ruleCount
)

// rules is a set of rules that are left out. It is empty but in tests, which show that each rule is needed.
type rules uint32

func (left rules) has(r rule) bool { return left&(1<<r) != 0 }
