package authority_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// machine is an authority that crashes, forgets what it did not save, and works from rosters that lag behind, beside the
// chain that only takes what follows its head.
type machine struct {
	founder *identity.Identity
	people  []*identity.Identity
	live    *authority.Authority
	saved   []byte
	chain   []*ledger.Entry
	codes   []authority.Code
	asked   [][]byte // requests, which come again and again
	uses    map[authority.InvitationID]int
	now     time.Time
}

// roster returns the fold of the chain's first n entries.
func (m *machine) roster(t *rapid.T, n int) *authority.Roster {
	r := authority.NewRoster("city-hospital")
	for _, e := range m.chain[:n] {
		if err := r.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// append adds an event made from a roster, unless the chain has moved on.
func (m *machine) append(t *rapid.T, r *authority.Roster, b ledger.Body) {
	number, prev := r.Head()
	if int(number) != len(m.chain) {
		return
	}
	e := &ledger.Event{Chain: ledger.AuthorityChain("city-hospital"), Number: number + 1, Prev: prev, Body: b}
	hash := ledger.HashEvent([]byte{byte(number), byte(number >> 8)})
	m.chain = append(m.chain, &ledger.Entry{Event: e, Hash: hash, LogTime: m.now})
}

func (m *machine) invite(t *rapid.T) {
	uses := rapid.IntRange(1, 2).Draw(t, "uses")
	offer := authority.Offer{Attributes: []string{"doctor"}, Uses: uses, Expires: m.now.Add(time.Hour)}
	code, inv, err := m.live.Invite(rand.Reader, m.now, offer)
	if err != nil {
		t.Fatal(err)
	}
	m.saved = m.live.Bytes()
	m.codes = append(m.codes, code)
	m.uses[inv.ID] = uses
}

func (m *machine) ask(t *rapid.T) {
	if len(m.codes) == 0 {
		t.Skip("no code yet")
	}
	code := rapid.SampledFrom(m.codes).Draw(t, "code")
	who := rapid.SampledFrom(m.people).Draw(t, "who")
	sealed, err := authority.NewRequest(code, who, "", m.founder.Keys())
	if err != nil {
		t.Fatal(err)
	}
	m.asked = append(m.asked, sealed)
}

// admit judges a request by a roster that may lag, saves or not, and appends or not.
func (m *machine) admit(t *rapid.T) {
	if len(m.asked) == 0 {
		t.Skip("no request yet")
	}
	sealed := m.asked[rapid.IntRange(0, len(m.asked)-1).Draw(t, "request")]
	lag := rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "lag")
	roster := m.roster(t, max(0, len(m.chain)-lag))
	in, err := m.live.Admit(m.now, m.founder, roster, phone(m.people...), sealed)
	if err != nil {
		if !errors.Is(err, authority.ErrRefused) {
			t.Fatal(err)
		}
		return
	}
	if rapid.Bool().Draw(t, "save") {
		m.saved = m.live.Bytes()
	}
	if in.Enrolled {
		return
	}
	if rapid.IntRange(1, 4).Draw(t, "crash") == 1 {
		m.crash(t)
		return
	}
	m.append(t, roster, &ledger.RepresentativeEnrolled{GID: in.GID, Attributes: in.Attributes, Identified: in.Identified})
}

func (m *machine) crash(t *rapid.T) {
	if m.live != nil && bytes.Equal(m.live.Bytes(), m.saved) {
		return
	}
	a, err := authority.Parse(m.saved)
	if err != nil {
		t.Fatal(err)
	}
	m.live = a
}

func (m *machine) remove(t *rapid.T) {
	roster := m.roster(t, len(m.chain))
	members := roster.Members()
	if len(members) == 0 {
		t.Skip("no member")
	}
	gone := rapid.SampledFrom(members).Draw(t, "member")
	m.append(t, roster, &ledger.RepresentativeRemoved{GID: gone.GID, Attributes: []string{"doctor"}})
}

// check counts on the log: nobody came in twice by an invitation, and no more than it is for.
func (m *machine) check(t *rapid.T) {
	type use struct {
		identified string
		gid        identity.GID
	}
	seen := make(map[use]bool)
	count := make(map[string]int)
	for _, e := range m.chain {
		if b, ok := e.Body.(*ledger.RepresentativeEnrolled); ok {
			if seen[use{b.Identified, b.GID}] {
				t.Fatalf("%s came in twice by %s", b.GID, b.Identified)
			}
			seen[use{b.Identified, b.GID}] = true
			count[b.Identified]++
		}
	}
	for id, uses := range m.uses {
		if n := count["invitation "+id.String()]; n > uses {
			t.Fatalf("%d came in by an invitation for %d", n, uses)
		}
	}
}

// TestInvitationsUnderCrashes does anything in any order, and counts what the log shows.
func TestInvitationsUnderCrashes(t *testing.T) {
	founder := person(t)
	people := []*identity.Identity{person(t), person(t), person(t), person(t)}
	empty := found(t, founder, "city-hospital").Bytes()
	rapid.Check(t, func(t *rapid.T) {
		m := &machine{founder: founder, people: people, saved: empty, uses: make(map[authority.InvitationID]int), now: start}
		m.crash(t)
		t.Repeat(map[string]func(*rapid.T){
			"":       m.check,
			"invite": m.invite,
			"ask":    m.ask,
			"admit":  m.admit,
			"again":  m.admit,
			"crash":  m.crash,
			"remove": m.remove,
			"wait":   func(*rapid.T) { m.now = m.now.Add(15 * time.Minute) },
		})
	})
}
