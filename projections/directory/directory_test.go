package directory_test

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/directory"
	"github.com/phrledger/phr/projections/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newcomer is a client that knows the root's GID alone.
type newcomer struct {
	*testing.T
	state *ledger.State
}

func newNewcomer(t *testing.T, l *testlog.Log) newcomer {
	return newcomer{t, ledger.NewState(l.Root.GID(), ledger.SomeChains)}
}

// learn takes the answer of the directory in, as a client would.
func (n newcomer) learn(evidence *protocol.Evidence, err error) int {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
	for _, f := range evidence.Facts {
		e, err := ledger.ParseEntry(f.Entry)
		if err != nil {
			n.Fatal(err)
		}
		if f.Count == 0 {
			err = n.state.Fold(e)
		} else {
			err = n.state.Learn(f.Count, e)
		}
		if err != nil {
			n.Fatalf("fact %d, %s on %s: %v", f.Count, e.Kind(), e.Chain, err)
		}
	}
	return len(evidence.Facts)
}

func TestNodeIsEnoughToBegin(t *testing.T) {
	l := testlog.New(t)
	l.Authority("city-hospital", ledger.Hospital, "doctor")
	d := directory.New(l.Tables(t, directory.Projection{}))
	n := newNewcomer(t, l)
	if facts := n.learn(d.Node(t.Context())); facts != 5 { // root, node, founder, description, registration
		t.Errorf("%d facts", facts)
	}
	if _, ok := n.state.Node(l.Node.GID()); !ok {
		t.Error("the node is not described")
	}
	if got, ok := n.state.Authority(ledger.RegistryName); !ok || !got.Active {
		t.Errorf("the registry is %+v", got)
	}
	if _, err := n.state.Person(l.Node.GID()); err != nil {
		t.Error(err)
	}
	other := newcomer{t, ledger.NewState(l.Node.GID(), ledger.SomeChains)}
	evidence, err := d.Node(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	refused := false
	for _, f := range evidence.Facts {
		e, err := ledger.ParseEntry(f.Entry)
		if err != nil {
			t.Fatal(err)
		}
		refused = refused || other.state.Learn(f.Count, e) != nil
	}
	if !refused {
		t.Error("whoever pins another root believes it too")
	}
}

func TestIdentity(t *testing.T) {
	l := testlog.New(t)
	p, doctor := l.Patient(), l.Person()
	revoked := l.Person()
	l.Append(revoked, ledger.PersonChain(revoked.GID()), &ledger.IdentityRevoked{Reason: "lost"})
	d := directory.New(l.Tables(t, directory.Projection{}))
	n := newNewcomer(t, l)

	if facts := n.learn(d.Identity(t.Context(), p.GID())); facts != 2 {
		t.Errorf("%d facts of a patient", facts)
	}
	if key, ok := n.state.Patient(p.GID()); !ok || key.Authority() != policy.Authority(p.GID()) {
		t.Error("the patient's own authority is not there")
	}
	if facts := n.learn(d.Identity(t.Context(), doctor.GID())); facts != 1 {
		t.Errorf("%d facts of a person", facts)
	}
	if keys, err := n.state.Person(doctor.GID()); err != nil || keys.Sign != doctor.Keys().Sign {
		t.Errorf("the person's keys: %v", err)
	}
	n.learn(d.Identity(t.Context(), revoked.GID()))
	if _, err := n.state.Person(revoked.GID()); err == nil {
		t.Error("a revoked identity is in force")
	}
	if facts := n.learn(d.Identity(t.Context(), identity.GID("nobody"))); facts != 0 {
		t.Errorf("%d facts of nobody", facts)
	}
}

// forger signs with its own key in somebody else's name.
type forger struct {
	*identity.Identity
	victim identity.GID
}

func (f forger) GID() identity.GID { return f.victim }

// A directory can withhold keys, but not put others in their place.
func TestAttack46_SwappedKey(t *testing.T) {
	l := testlog.New(t)
	mallory, victim := l.Person(), l.Stranger()
	forged := l.Events(ledger.SessionID{}, forger{mallory, victim.GID()}, ledger.PersonChain(victim.GID()),
		&ledger.IdentityRegistered{Sign: mallory.Keys().Sign, Seal: mallory.Keys().Seal, Recovery: mallory.RecoveryHash()})
	honest := l.Events(ledger.SessionID{}, victim, ledger.PersonChain(victim.GID()),
		&ledger.IdentityRegistered{Sign: victim.Keys().Sign, Seal: victim.Keys().Seal, Recovery: victim.RecoveryHash()})
	n := newNewcomer(t, l)
	count := l.State.Position().Count + 1
	if err := n.state.Learn(count, forged[0]); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("swapped keys: %v", err)
	}
	if err := n.state.Learn(count, honest[0]); err != nil {
		t.Errorf("the true ones: %v", err)
	}
}

func TestAuthority(t *testing.T) {
	l := testlog.New(t)
	squatter := l.Person()
	l.Register(squatter, "city-hospital", ledger.Hospital) // asks for the name first, and is not endorsed
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor", "nurse")
	l.Append(hospital, hospital.Chain, &ledger.AttributeVersioned{Name: "doctor", Version: 2})
	club := l.Authority("club", ledger.HealthClub)
	l.Suspend(club)
	d := directory.New(l.Tables(t, directory.Projection{}))
	n := newNewcomer(t, l)
	n.learn(d.Node(t.Context()))

	if facts := n.learn(d.Authority(t.Context(), "city-hospital")); facts != 6 {
		t.Errorf("%d facts", facts)
	}
	fact, ok := n.state.Authority("city-hospital")
	if !ok || !fact.Active || fact.Founder != hospital.GID() || fact.Role != ledger.Hospital {
		t.Errorf("city-hospital is %+v", fact)
	}
	if version, _ := n.state.Version(policy.Attribute{Name: "doctor", Authority: "city-hospital"}); version != 2 {
		t.Errorf("doctor is at version %d", version)
	}
	n.learn(d.Authority(t.Context(), "club"))
	if fact, ok := n.state.Authority("club"); !ok || fact.Active {
		t.Errorf("the suspended club is %+v", fact)
	}
	if facts := n.learn(d.Authority(t.Context(), "nobody")); facts != 0 {
		t.Errorf("%d facts of nobody", facts)
	}
	if n.learn(d.Authority(t.Context(), ledger.RegistryName)) != 5 {
		t.Error("the registry is not what Node returns")
	}
	p := policy.Leaf(policy.Attribute{Name: "doctor", Authority: "city-hospital"})
	if _, err := n.state.Expression(p); err != nil {
		t.Errorf("the facts are not enough to wrap a key: %v", err)
	}
}

// The endorsed registration that replaces an authority's key comes along; one that is not endorsed yet does not.
func TestAuthorityReplacesKey(t *testing.T) {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital)
	first, _ := l.State.Authority("city-hospital")
	renewed := l.Register(hospital.Identity, "city-hospital", ledger.Hospital)
	before := directory.New(l.Tables(t, directory.Projection{}))
	l.Endorse(renewed)
	after := directory.New(l.Tables(t, directory.Projection{}))
	for _, tt := range []struct {
		name string
		d    *directory.Directory
		same bool
	}{{"before", before, true}, {"after", after, false}} {
		n := newNewcomer(t, l)
		n.learn(tt.d.Node(t.Context()))
		n.learn(tt.d.Authority(t.Context(), "city-hospital"))
		fact, _ := n.state.Authority("city-hospital")
		if got := fact.Key.Hash() == first.Key.Hash(); got != tt.same {
			t.Errorf("%s it is endorsed, the first key is in force: %t", tt.name, got)
		}
	}
}

func TestKeys(t *testing.T) {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor", "nurse")
	doctor, other := l.Person(), l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "Dr. Ada Roe")
	l.Enrol(hospital, other.GID(), "nurse", "")
	l.GrantTo(l.Patient(), doctor.GID())
	d := directory.New(l.Tables(t, directory.Projection{}))

	for _, tt := range []struct {
		gid  identity.GID
		skip int
		want []string
	}{
		{doctor.GID(), 0, []string{"auth.city-hospital", "phr"}},
		{doctor.GID(), 1, []string{"phr"}},
		{doctor.GID(), 2, nil},
		{other.GID(), 0, []string{"auth.city-hospital"}},
		{hospital.GID(), 0, nil},
	} {
		keys, err := d.Keys(t.Context(), tt.gid, tt.skip)
		if err != nil {
			t.Fatal(err)
		}
		if len(keys.Entries) != len(tt.want) {
			t.Errorf("%d keys after %d, want %d", len(keys.Entries), tt.skip, len(tt.want))
			continue
		}
		for i, entry := range keys.Entries {
			e, err := ledger.ParseEntry(entry)
			if err != nil {
				t.Fatal(err)
			}
			if b := e.Body.(*ledger.KeyIssued); b.GID != tt.gid || e.Chain.String()[:len(tt.want[i])] != tt.want[i] {
				t.Errorf("key %d is for %s on %s", i, b.GID, e.Chain)
			}
		}
	}
}

// mine asks page after page.
func mine(t *testing.T, d *directory.Directory, l *testlog.Log, gid identity.GID) (terms []ledger.TermID, pages int) {
	t.Helper()
	after := ""
	for {
		answer, err := d.Mine(t.Context(), gid, after, func(c ledger.Chain, id ledger.TermID) bool {
			_, err := l.State.Entitled(gid, c, ledger.OpRead, id, l.Now())
			return err == nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.Terms) == 0 {
			return terms, pages
		}
		pages++
		for _, term := range answer.Terms {
			e, err := ledger.ParseEntry(term.Set)
			if err != nil {
				t.Fatal(err)
			}
			if e.Chain.String() != term.Chain || !slices.ContainsFunc(e.Body.(*ledger.PolicySet).Terms, func(t ledger.Term) bool {
				return t.ID == term.Term
			}) {
				t.Errorf("term %s is not in its set", term.Term)
			}
			terms = append(terms, term.Term)
			after = term.Chain
		}
	}
}

func TestMine(t *testing.T) {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor", "nurse")
	insurer := l.Authority("insurer", ledger.Insurer, "agent")
	doctor, agent, former, friend := l.Person(), l.Person(), l.Person(), l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "")
	l.Enrol(hospital, former.GID(), "doctor", "")
	l.Enrol(insurer, agent.GID(), "agent", "")
	l.Append(hospital, hospital.Chain, &ledger.RepresentativeRemoved{GID: former.GID(), Attributes: []string{"doctor"}})

	p, q, r := l.Patient(), l.Patient(), l.Patient()
	doctors := l.Grant(p, "doctor@city-hospital", true)
	both := l.Grant(p, "agent@insurer and doctor@city-hospital", false)
	either := l.Grant(q, "agent@insurer or doctor@city-hospital", false)
	personal := l.GrantTo(q, friend.GID())
	l.Grant(r, "doctor@city-hospital", true)
	l.Revoke(r)
	d := directory.New(l.Tables(t, directory.Projection{}))

	for _, tt := range []struct {
		name string
		gid  identity.GID
		want []ledger.TermID
	}{
		{"doctor", doctor.GID(), []ledger.TermID{doctors, either}},
		{"agent", agent.GID(), []ledger.TermID{either}},
		{"friend", friend.GID(), []ledger.TermID{personal}},
		{"former doctor", former.GID(), nil},
		{"the patient", p.GID(), nil},
	} {
		got, _ := mine(t, d, l, tt.gid)
		sortTerms(got)
		sortTerms(tt.want)
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if slices.Contains(got, both) {
			t.Errorf("%s: half of what a term asks for is enough", tt.name)
		}
	}
}

func sortTerms(ids []ledger.TermID) {
	slices.SortFunc(ids, func(a, b ledger.TermID) int { return slices.Compare(a[:], b[:]) })
}

// A doctor whose role is granted by many patients gets all of them, in answers of bounded size.
func TestMineInPages(t *testing.T) {
	l := testlog.New(t)
	hospital := l.Authority("city-hospital", ledger.Hospital, "doctor")
	doctor := l.Person()
	l.Enrol(hospital, doctor.GID(), "doctor", "")
	const patients = 4
	for range patients {
		p := l.Patient()
		l.Grant(p, "doctor@city-hospital", false)
		l.Append(p, p.Health, p.Policy(make([]byte, 200<<10))) // a note that fills most of an answer
	}
	d := directory.New(l.Tables(t, directory.Projection{}))
	terms, pages := mine(t, d, l, doctor.GID())
	if len(terms) != patients || pages != patients/2 {
		t.Errorf("%d terms in %d answers", len(terms), pages)
	}
}
