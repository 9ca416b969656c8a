package ledger_test

import (
	"testing"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

func TestAuthorities(t *testing.T) {
	phr, city := ledger.AuthorityChain("phr"), ledger.AuthorityChain("city-hospital")
	for _, tt := range []struct {
		name string
		say  func(*world) said
		text string
	}{
		{"a name that is none", func(w *world) said {
			b := newRegistration("new-clinic", ledger.Hospital)
			b.Name = "New Clinic"
			return said{author: w.nobody, chain: ownChain(w.nobody), body: b}
		}, "is not a name for an authority"},
		{"a person's name", func(w *world) said {
			b := &ledger.AuthorityRegistered{Name: policy.Authority(w.nobody.GID()), Role: ledger.Hospital, Key: w.patient.master.PublicKey().Bytes()}
			return said{author: w.nobody, chain: ownChain(w.nobody), body: b}
		}, "is not a name for an authority"},
		{"a kind that is none", func(w *world) said {
			return said{author: w.nobody, chain: ownChain(w.nobody), body: newRegistration("new-clinic", "bank")}
		}, `unknown kind of authority "bank"`},
		{"another registry", func(w *world) said {
			return said{author: w.nobody, chain: ownChain(w.nobody), body: newRegistration("new-clinic", ledger.Registry)}
		}, `is called "phr"`},
		{"phr as a hospital", func(w *world) said {
			return said{author: w.registry, chain: ownChain(w.registry), body: newRegistration("phr", ledger.Hospital)}
		}, `is called "phr"`},
		{"a key that is none", func(w *world) said {
			b := newRegistration("new-clinic", ledger.Hospital)
			b.Key = b.Key[:40]
			return said{author: w.nobody, chain: ownChain(w.nobody), body: b}
		}, "malformed"},
		{"a key without its proof", func(w *world) said {
			b := newRegistration("new-clinic", ledger.Hospital)
			b.Key[len(b.Key)-1] ^= 1
			return said{author: w.nobody, chain: ownChain(w.nobody), body: b}
		}, "malformed"},
		{"another kind than before", func(w *world) said {
			return said{author: w.insurer, chain: ownChain(w.insurer), body: newRegistration("acme-insurance", ledger.Hospital)}
		}, `of the kind insurer and stays so`},
		{"a registration that is not there", func(w *world) said {
			return said{author: w.registry, chain: phr, body: &ledger.AuthorityEndorsed{Name: "new-clinic", Founder: w.nobody.GID(), Registration: ledger.Hash{1}}}
		}, "no registration 0100"},
		{"endorsed under another name", func(w *world) said {
			e := w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital))
			return said{author: w.registry, chain: phr, body: &ledger.AuthorityEndorsed{Name: "best-clinic", Founder: w.nobody.GID(), Registration: e.Hash}}
		}, "another name or founder"},
		{"endorsed for another founder", func(w *world) said {
			e := w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital))
			return said{author: w.registry, chain: phr, body: &ledger.AuthorityEndorsed{Name: "new-clinic", Founder: w.doctor.GID(), Registration: e.Hash}}
		}, "another name or founder"},
		{"suspended twice", func(w *world) said {
			w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "city-club"})
			return said{author: w.registry, chain: phr, body: &ledger.AuthoritySuspended{Name: "city-club"}}
		}, "no authority"},
		{"the registry suspended", func(w *world) said {
			return said{author: w.registry, chain: phr, body: &ledger.AuthoritySuspended{Name: "phr"}}
		}, "no authority"},
		{"a head elsewhere", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AuthorityHead{Number: 1, Hash: ledger.Hash{1}}}
		}, "it says that the chain ended at event 1"},
		{"defined twice", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeDefined{Name: "doctor"}}
		}, "is defined already"},
		{"an attribute that is none", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeDefined{Name: "doctor@old-clinic"}}
		}, "is not a name for an attribute"},
		{"an attribute in capitals", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeDefined{Name: "Surgeon"}}
		}, "is not a name for an attribute"},
		{"the same version", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeVersioned{Name: "doctor", Version: 1}}
		}, "is at version 1, the next is not 1"},
		{"a version skipped", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeVersioned{Name: "doctor", Version: 3}}
		}, "is at version 1, the next is not 3"},
		{"a version of nothing", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.AttributeVersioned{Name: "surgeon", Version: 1}}
		}, "is at version 0"},
		{"enrolled for nothing", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.RepresentativeEnrolled{GID: w.nobody.GID()}}
		}, "enrolled for no attribute"},
		{"enrolled for what is not defined", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"surgeon"}}}
		}, "is not defined"},
		{"a stranger enrolled", func(w *world) said {
			b := &ledger.RepresentativeEnrolled{GID: newPerson("stranger").GID(), Attributes: []string{"doctor"}}
			return said{author: w.hospital, chain: city, body: b}
		}, "is not registered"},
		{"removed from nothing", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.RepresentativeRemoved{GID: w.doctor.GID()}}
		}, "removed from no attribute"},
		{"removed from what they don't hold", func(w *world) said {
			return said{author: w.hospital, chain: city, body: &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"nurse"}}}
		}, "does not hold nurse@city-hospital"},
		{"issued without enrolment", func(w *world) said {
			return said{author: w.hospital, chain: city, body: w.issued(w.hospital, w.nobody, "doctor", 1)}
		}, "is not enrolled"},
		{"issued after removal", func(w *world) said {
			w.say(w.hospital, city, &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}})
			return said{author: w.hospital, chain: city, body: w.issued(w.hospital, w.doctor, "doctor", 1)}
		}, "is not enrolled"},
		{"issued in version 0", func(w *world) said {
			b := w.issued(w.hospital, w.doctor, "doctor", 1)
			b.Version = 0
			return said{author: w.hospital, chain: city, body: b}
		}, "has no version 0"},
		{"issued in a version to come", func(w *world) said {
			return said{author: w.hospital, chain: city, body: w.issued(w.hospital, w.doctor, "doctor", 2)}
		}, "has no version 2"},
		{"said while suspended", func(w *world) said {
			w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "city-hospital"})
			return said{author: w.hospital, chain: city, body: &ledger.AttributeDefined{Name: "surgeon"}}
		}, `"city-hospital" is suspended`},
		{"said before it is endorsed", func(w *world) said {
			w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital))
			return said{author: w.nobody, chain: ledger.AuthorityChain("new-clinic"), body: &ledger.AttributeDefined{Name: "doctor"}}
		}, `no authority "new-clinic" is endorsed`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			refused(t, w.try(tt.say(w).event(w)), ledger.ErrInvalid, tt.text)
		})
	}
}

// An authority replaces its key by registering again; the registry has to endorse that anew.
func TestAuthorityReplacesItsKey(t *testing.T) {
	w := newWorld(t)
	before, _ := w.state.Authority("city-hospital")
	e := w.say(w.hospital, ownChain(w.hospital), newRegistration("city-hospital", ledger.Hospital))
	if a, _ := w.state.Authority("city-hospital"); a.Key.Hash() != before.Key.Hash() {
		t.Error("a key that is not endorsed is in force")
	}
	w.endorse(w.hospital, e)
	if a, _ := w.state.Authority("city-hospital"); a.Key.Hash() == before.Key.Hash() || !a.Active || a.Founder != w.hospital.GID() {
		t.Errorf("Authority = %+v", a)
	}
}

// A key of an earlier version opens old wraps and gives no right.
func TestEarlierVersionsCountForNothing(t *testing.T) {
	w := newWorld(t)
	doctor := policy.Attribute{Name: "doctor", Authority: "city-hospital"}
	city := ledger.AuthorityChain("city-hospital")
	w.say(w.hospital, city, &ledger.AttributeVersioned{Name: "doctor", Version: 2, Reason: "a key was lost"})
	if v, _ := w.state.Version(doctor); v != 2 || w.state.Holds(w.doctor.GID(), doctor) {
		t.Errorf("at version %d the key of version 1 still counts", v)
	}
	w.say(w.hospital, city, &ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"doctor"}})
	w.say(w.hospital, city, w.issued(w.hospital, w.nobody, "doctor", 1))
	if w.state.Holds(w.nobody.GID(), doctor) {
		t.Error("an earlier version counts")
	}
	w.say(w.hospital, city, w.issued(w.hospital, w.nobody, "doctor", 2))
	w.say(w.hospital, city, w.issued(w.hospital, w.nobody, "doctor", 1))
	if !w.state.Holds(w.nobody.GID(), doctor) {
		t.Error("an earlier version issued later takes the attribute away")
	}
	w.say(w.hospital, city, &ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"doctor", "nurse"}})
	if !w.state.Holds(w.nobody.GID(), doctor) {
		t.Error("enrolling again takes the attribute away")
	}
}

func TestNodes(t *testing.T) {
	w := newWorld(t)
	second := newPerson("second node")
	w.join(second)
	refused(t, w.try(w.signed(second, ledger.NodeChain(second.GID()), &ledger.Incident{Text: "?"})), ledger.ErrInvalid, "not a node")
	refused(t, w.try(w.signed(second, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))), ledger.ErrInvalid, "not a node")
	describe := func(n *person, b *ledger.NodeDescribed) error {
		return w.try(w.signed(w.root, ledger.NodeChain(n.GID()), b))
	}
	refused(t, describe(second, &ledger.NodeDescribed{Sequence: 1, Registry: ledger.Hash{1}}), ledger.ErrInvalid, "for good")
	if err := describe(second, &ledger.NodeDescribed{Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	w.say(second, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))
	refused(t, describe(w.node, &ledger.NodeDescribed{Sequence: 1}), ledger.ErrInvalid, "is not above 1")
	if err := describe(w.node, &ledger.NodeDescribed{Sequence: 7, Gate: [32]byte{7}}); err != nil {
		t.Fatal(err)
	}
	if n, ok := w.state.Node(w.node.GID()); !ok || n.Gate != [32]byte{7} || n.GID != w.node.GID() {
		t.Errorf("Node = %v, %v", n, ok)
	}
	refused(t, w.try(w.signed(w.node, ledger.NodeChain(w.node.GID()), &ledger.Rejected{Chain: "phr.>"})), ledger.ErrInvalid, "malformed")
}

// The first description of a node names the registry, before or after it is registered; nothing else does.
func TestFirstDescription(t *testing.T) {
	for _, describeFirst := range []bool{true, false} {
		w := &world{people: cast(), rand: stream(t.Name()), now: firstDay, positions: make([]ledger.Position, 1)}
		w.state = ledger.NewState(w.root.GID(), ledger.WholeLog)
		w.join(w.root)
		w.join(w.registry)
		w.phr = w.signed(w.registry, ownChain(w.registry), registration(w.registry, ledger.Registry))
		node := ledger.NodeChain(w.node.GID())
		refused(t, w.try(w.signed(w.root, node, &ledger.NodeDescribed{Sequence: 1})), ledger.ErrInvalid, "names the registration of the registry")
		described := w.signed(w.root, node, &ledger.NodeDescribed{Sequence: 1, Registry: ledger.HashEvent(must(w.phr.Marshal()))})
		if describeFirst {
			w.fold(described)
			w.fold(w.phr)
		} else {
			w.fold(w.phr)
			if a, ok := w.state.Authority("phr"); ok {
				t.Errorf("a registry that nobody named: %v", a)
			}
			w.fold(described)
		}
		if a, _ := w.state.Authority("phr"); !a.Active || a.Founder != w.registry.GID() {
			t.Errorf("Authority(phr) = %+v", a)
		}
		w.define(w.registry, "patient")
	}
}
