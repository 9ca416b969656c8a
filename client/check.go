package client

// check is one thing that a client makes sure of about the node's log before it goes on.
type check uint

// The checks, in the order in which they are made.
const (
	logStays       check = iota // a log that had a tree has one still
	logExtends                  // it goes on from the newest checkpoint that was seen
	logWitnessed                // as many have cosigned it as the home's policy wants
	headSealed                  // the checkpoint event that names the map of heads is in that tree
	headSigned                  // a node that the root describes has signed it
	headMapped                  // where a chain ends is proven by the map
	headReached                 // the chain as it was read goes through there
	headFresh                   // that is not long ago, for what gives others keys
	authorityAwake              // who vouches for others has been heard of lately
)

// checks is a set of checks that are left out. It is empty but in tests, which show that each check is needed.
type checks uint

// must returns err, the outcome of c, unless c is left out.
func (left checks) must(c check, err error) error {
	if left&(1<<c) != 0 {
		return nil
	}
	return err
}
