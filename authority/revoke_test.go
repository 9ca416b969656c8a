package authority_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

var doctors = policy.Attribute{Name: "doctor", Authority: "city-hospital"}

// reissue gives keys to at most n of those who are owed some, and returns how many are left.
func (w *world) reissue(n int) int {
	w.Helper()
	owed := w.roster.Owed()
	bodies, err := w.hospital.Reissue(rand.Reader, owed[:min(n, len(owed))], w.state.Person)
	if err != nil {
		w.Fatal(err)
	}
	w.sayAll(bodies)
	return len(w.roster.Owed())
}

// holders tells which of some people the log shows to be doctors.
func (w *world) holders(people ...*identity.Identity) (held []bool) {
	for _, p := range people {
		held = append(held, w.state.Holds(p.GID(), doctors))
	}
	return held
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	ana, _ := w.newDoctor()
	ben, _ := w.newDoctor()
	eva, _ := w.newDoctor()
	bodies, err := w.roster.Revoke(ben.GID(), "left", "doctor")
	if err != nil {
		t.Fatal(err)
	}
	w.sayAll(bodies)
	if got := w.holders(ana, ben, eva); slices.Contains(got, true) {
		t.Errorf("after the version moved %v hold it, want nobody", got)
	}
	owed := w.roster.Owed()
	if len(owed) != 2 || slices.ContainsFunc(owed, func(o authority.Owed) bool { return o.GID == ben.GID() || o.Version != 2 }) {
		t.Errorf("Owed = %v, want version 2 for the two that stay", owed)
	}
	for left := 1; left >= 0; left-- { // as if interrupted between any two
		if got := w.reissue(1); got != left {
			t.Fatalf("%d are owed keys, want %d", got, left)
		}
	}
	if got := w.holders(ana, ben, eva); !slices.Equal(got, []bool{true, false, true}) {
		t.Errorf("%v hold it, want the two that stay", got)
	}
	if n := w.roster.Holders("doctor"); n != 2 {
		t.Errorf("Holders = %d", n)
	}
	if _, err := w.roster.Revoke(ben.GID(), ""); err == nil {
		t.Error("revoked twice")
	}
	if _, err := w.roster.Revoke(ana.GID(), "", "doctor", "surgeon"); err == nil {
		t.Error("revoked what she does not hold")
	}
	for _, names := range [][]string{{}, {"surgeon"}} {
		if _, err := w.roster.Rotate("", names...); err == nil {
			t.Errorf("rotated %v", names)
		}
	}
	if _, err := w.roster.Rotate("two\nlines", "doctor"); !errors.Is(err, authority.ErrMalformed) {
		t.Errorf("a reason of two lines: %v, want ErrMalformed", err)
	}
}

// Who can't be found, since their identity is revoked, costs the others nothing.
func TestReissueLeavesOut(t *testing.T) {
	w := newWorld(t)
	ana, _ := w.newDoctor()
	ben, _ := w.newDoctor()
	w.sayAll([]ledger.Body{&ledger.AttributeVersioned{Name: "doctor", Version: 2}})
	away := fmt.Errorf("%w: revoked", authority.ErrRefused)
	lookup := func(gid identity.GID) (*identity.Keys, error) {
		if gid == ana.GID() {
			return nil, away
		}
		return w.state.Person(gid)
	}
	bodies, err := w.hospital.Reissue(rand.Reader, w.roster.Owed(), lookup)
	if err != nil || len(bodies) != 1 || bodies[0].(*ledger.KeyIssued).GID != ben.GID() {
		t.Errorf("Reissue = %v, %v", bodies, err)
	}
	away = errors.New("the node is away")
	if _, err := w.hospital.Reissue(rand.Reader, w.roster.Owed(), lookup); !errors.Is(err, away) {
		t.Errorf("Reissue = %v, want %v", err, away)
	}
}

// Enrolling somebody again who is enrolled takes no key away, and owes them none.
func TestEnrolledAgainOwesNothing(t *testing.T) {
	w := newWorld(t)
	ana, _ := w.newDoctor()
	w.say(w.founder, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeEnrolled{GID: ana.GID(), Attributes: []string{"doctor"}})
	if owed := w.roster.Owed(); len(owed) != 0 || !w.state.Holds(ana.GID(), doctors) {
		t.Errorf("Owed = %v", owed)
	}
}
