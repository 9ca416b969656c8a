package ledger_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

func TestAttack18_AuthorityNameTakenTwice(t *testing.T) {
	w := newWorld(t)
	// A name that is taken is not registered again by somebody else.
	refused(t, w.try(w.signed(w.nobody, ownChain(w.nobody), newRegistration("city-hospital", ledger.Hospital))), ledger.ErrInvalid, "belongs to")

	// Two who asked for a free name: the first one endorsed has it for good, also after being suspended.
	first := w.say(w.nobody, ownChain(w.nobody), newRegistration("new-clinic", ledger.Hospital))
	second := w.say(w.clerk, ownChain(w.clerk), newRegistration("new-clinic", ledger.Hospital))
	phr := ledger.AuthorityChain("phr")
	endorse := func(p *person, e *ledger.Entry) *ledger.Event {
		return w.signed(w.registry, phr, &ledger.AuthorityEndorsed{Name: "new-clinic", Founder: p.GID(), Registration: e.Hash})
	}
	w.fold(endorse(w.nobody, first))
	refused(t, w.try(endorse(w.clerk, second)), ledger.ErrInvalid, "belongs to")
	w.say(w.registry, phr, &ledger.AuthoritySuspended{Name: "new-clinic"})
	refused(t, w.try(endorse(w.clerk, second)), ledger.ErrInvalid, "belongs to")
	refused(t, w.try(w.signed(w.clerk, ownChain(w.clerk), newRegistration("new-clinic", ledger.Hospital))), ledger.ErrInvalid, "belongs to")
	refused(t, w.try(w.signed(w.clerk, ledger.AuthorityChain("new-clinic"), &ledger.AttributeDefined{Name: "doctor"})), ledger.ErrInvalid, "only")
	if a, _ := w.state.Authority("new-clinic"); a.Founder != w.nobody.GID() || a.Active {
		t.Errorf("Authority = %+v", a)
	}

	// A key made for one name is none for another.
	b := newRegistration("evil-clinic", ledger.Hospital)
	b.Name = "other-clinic"
	refused(t, w.try(w.signed(w.nobody, ownChain(w.nobody), b)), ledger.ErrInvalid, "the key is made for")
}

func TestAttack19_AuthorityIssuesForAnother(t *testing.T) {
	w := newWorld(t)
	city, club := ledger.AuthorityChain("city-hospital"), ledger.AuthorityChain("city-club")
	for _, b := range []ledger.Body{
		&ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"doctor"}}, w.issued(w.club, w.nobody, "doctor", 1),
		&ledger.AttributeDefined{Name: "surgeon"}, &ledger.AttributeVersioned{Name: "doctor", Version: 2},
		&ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}},
	} {
		refused(t, w.try(w.signed(w.club, city, b)), ledger.ErrInvalid, "only")
	}
	// On its own chain, the names of its attributes are its own whatever they look like.
	refused(t, w.try(w.signed(w.club, club, &ledger.RepresentativeEnrolled{GID: w.nobody.GID(), Attributes: []string{"doctor@city-hospital"}})),
		ledger.ErrInvalid, "is not a name for an attribute")
	w.say(w.club, club, &ledger.AttributeDefined{Name: "doctor"})
	w.enrol(w.club, w.nobody, "doctor")
	if w.state.Holds(w.nobody.GID(), policy.Attribute{Name: "doctor", Authority: "city-hospital"}) {
		t.Error("the club's doctor is the hospital's")
	}
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.nobody, w.health, ledger.OpWrite, w.byDoctor))), ledger.ErrInvalid, "does not hold")
	// Nor does one patient issue for another.
	own := ledger.GrantAttribute(w.patient.GID(), w.byNobody)
	b := w.issued(w.other, w.clerk, own.Name, 1)
	refused(t, w.try(w.signed(w.other, w.profile, b)), ledger.ErrInvalid, "only")
	w.say(w.other, ledger.RecordChain(w.other.GID(), ledger.Profile), b)
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.clerk, w.health, ledger.OpRead, w.byNobody))), ledger.ErrInvalid, "does not hold")
}

func TestAttack46_SwappedPublicKeyInDirectory(t *testing.T) {
	w := newWorld(t)
	p, thief := newPerson("newcomer"), w.nobody
	first, swapped := p.Inception(), thief.Keys()
	chain := ownChain(p)
	for name, b := range map[string]*ledger.IdentityRegistered{
		"signing key":  {Sign: swapped.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery},
		"sealing key":  {Sign: first.Keys.Sign, Seal: swapped.Seal, Recovery: first.Recovery},
		"recovery key": {Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: thief.RecoveryHash()},
		"all":          {Sign: swapped.Sign, Seal: swapped.Seal, Recovery: thief.RecoveryHash()},
	} {
		t.Run(name, func(t *testing.T) {
			for _, signer := range []*person{p, thief} {
				e := w.draft(p, chain, b)
				w.sign(signer, e)
				if err := w.state.Fork().Fold(w.place(e)...); err == nil {
					t.Error("the GID stands for other keys")
				}
				r := newReader(w)
				if err := r.Learn(w.state.Position().Count+1, w.place(e)[0]); err == nil {
					t.Error("a reader takes them for the GID's")
				}
			}
		})
	}
	// Once it is registered, neither the thief's nor a second registration replaces it.
	w.join(p)
	refused(t, w.try(w.signed(p, chain, &ledger.IdentityRegistered{Sign: first.Keys.Sign, Seal: first.Keys.Seal, Recovery: first.Recovery})),
		ledger.ErrInvalid, "registered once")
	refused(t, w.try(w.signed(thief, chain, rotation(thief, newPerson("next")))), ledger.ErrInvalid, "")
	if keys, err := w.state.Person(p.GID()); err != nil || keys.Sign != first.Keys.Sign {
		t.Errorf("Person = %v, %v", keys, err)
	}
}

func TestAttack47_ForgedRotation(t *testing.T) {
	w := newWorld(t)
	reads := w.open(w.agent, w.health, ledger.OpRead, w.byAgent)
	visit := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	swap := func(b *ledger.EpochStarted) { b.Parts[3].Hash, b.Parts[4].Hash = b.Parts[4].Hash, b.Parts[3].Hash }
	for _, tt := range []struct {
		name string
		by   *person
		in   ledger.SessionID
		edit func(*ledger.EpochStarted)
		err  error
		text string
	}{
		{"by a reader", w.agent, reads, nil, ledger.ErrInvalid, "is for reading"},
		{"by a stranger", w.nobody, ledger.SessionID{}, nil, ledger.ErrInvalid, "without a session"},
		{"by a stranger in a doctor's session", w.nobody, visit, nil, ledger.ErrInvalid, "belongs to someone else"},
		{"by another patient", w.other, ledger.SessionID{}, nil, ledger.ErrInvalid, "without a session"},
		{"that leaves the insurer out", w.doctor, visit, func(b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.WrapName(w.byAgent)) }, ledger.ErrStale, "is missing"},
		{"that leaves the patient out", w.doctor, visit, func(b *ledger.EpochStarted) { b.Parts = drop(b.Parts, ledger.PartOwner) }, ledger.ErrStale, "is missing"},
		{"that lets more in", w.doctor, visit, func(b *ledger.EpochStarted) {
			b.Parts = append(b.Parts, w.wrap(ledger.Term{ID: w.newTerm(), Expression: "hr@initech"}))
		}, ledger.ErrStale, "is not in force"},
		{"with a wider policy", w.doctor, visit, func(b *ledger.EpochStarted) {
			p := w.wrap(ledger.Term{ID: w.byAgent, Expression: "agent@acme-insurance or hr@initech"})
			b.Parts = append(drop(b.Parts, ledger.WrapName(w.byAgent)), p)
		}, ledger.ErrInvalid, "not made for its term"},
		{"to e+2", w.doctor, visit, func(b *ledger.EpochStarted) { b.Epoch++ }, ledger.ErrStale, "the next epoch is 2, not 3"},
		{"to the same epoch", w.doctor, visit, func(b *ledger.EpochStarted) { b.Epoch-- }, ledger.ErrStale, "the next epoch is 2, not 1"},
		{"to the keys that the revoked have", w.doctor, visit, func(b *ledger.EpochStarted) {
			f, _ := w.state.Compartment(w.health)
			b.KID, b.HID = f.Epoch.KID, f.Epoch.HID
		}, ledger.ErrInvalid, "keys of its own"},
		{"with the versions of another term", w.doctor, visit, func(b *ledger.EpochStarted) { b.Parts[3].Keys = b.Parts[4].Keys }, ledger.ErrStale, "is not the one a wrap names"},
		{"as called for", w.doctor, visit, nil, nil, ""},
		// Which of two hashes belongs to which part the log can't tell: see the wraps below.
		{"with swapped hashes", w.doctor, visit, swap, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := w.start(w.health)
			if tt.edit != nil {
				tt.edit(b)
			}
			err := w.state.Fork().Fold(w.place(w.signed(tt.by, w.health, b, in(tt.in)))...)
			if tt.err != nil {
				refused(t, err, tt.err, tt.text)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("two at once", func(t *testing.T) {
		a, b := w.signed(w.doctor, w.health, w.start(w.health), in(visit)), w.signed(w.patient, w.health, w.start(w.health))
		w.fold(a)
		refused(t, w.try(b), ledger.ErrConflict, "moved on")
		refused(t, w.try(w.signed(w.patient, w.health, b.Body)), ledger.ErrStale, "the next epoch is 3, not 2")
	})
}

// The bytes of a wrap are made for its term, in the versions in force, and nothing else is stored in its place.
func TestAttack47_GarbageAndSwappedParts(t *testing.T) {
	w := newWorld(t)
	wrapFor := func(expression string, label abe.Label) []byte {
		x := must(w.state.Expression(must(policy.Parse(expression))))
		_, ciphertext := must2(x.Encapsulate(w.rand, label, must(ledger.WrapContext(w.health, 1, ledger.Hash{1}, w.byAgent))))
		return must((&ledger.Wrap{Ciphertext: ciphertext, Sealed: []byte{1}}).Marshal())
	}
	good := wrapFor("agent@acme-insurance", abe.Wrap)
	part := w.wrap(w.terms[w.health][1])
	for _, tt := range []struct {
		name string
		c    ledger.Chain
		part func(*ledger.Part)
		data []byte
		ok   bool
	}{
		{"made for it", w.health, nil, good, true},
		{"another term's", w.health, nil, wrapFor("doctor@city-hospital", abe.Wrap), false},
		{"a wider one", w.health, nil, wrapFor("agent@acme-insurance or hr@initech", abe.Wrap), false},
		{"a challenge", w.health, nil, wrapFor("agent@acme-insurance", abe.Challenge), false},
		{"cut short", w.health, nil, good[:len(good)-1], false},
		{"with a byte more", w.health, nil, append(slices.Clone(good), 0), false},
		{"garbage", w.health, nil, wrapFor("agent@acme-insurance", abe.Wrap)[:40], false},
		{"nothing", w.health, nil, nil, false},
		{"for a term that is not there", w.health, func(p *ledger.Part) { p.Term = w.newTerm() }, good, false},
		{"for another compartment", w.training, nil, good, false},
		{"for no compartment", ledger.RecordChain(w.nobody.GID(), ledger.Health), nil, good, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := part
			if tt.part != nil {
				tt.part(&p)
			}
			if err := w.state.CheckWrap(tt.c, &p, tt.data); (err == nil) != tt.ok {
				t.Errorf("CheckWrap = %v", err)
			}
		})
	}
	w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.AttributeVersioned{Name: "doctor", Version: 2})
	old := must(policy.Parse("doctor@city-hospital"))
	x := must(abe.NewExpression(old, func(policy.Attribute) (uint32, bool) { return 1, true }, w.hospital.master.PublicKey()))
	_, ciphertext := must2(x.Encapsulate(w.rand, abe.Wrap, nil))
	p := w.wrap(w.terms[w.health][0])
	if err := w.state.CheckWrap(w.health, &p, must((&ledger.Wrap{Ciphertext: ciphertext}).Marshal())); err == nil {
		t.Error("a wrap that those who were removed can open is stored")
	}
}

func TestAttack51_InsurerAndEmployerWrite(t *testing.T) {
	w := newWorld(t)
	for _, who := range []struct {
		*person
		c          ledger.Chain
		expression string
		term       ledger.TermID
	}{{w.agent, w.health, "agent@acme-insurance", w.byAgent}, {w.clerk, w.training, "hr@initech", w.byClerk}} {
		// The patient can't let them write, nor make a right to read into one to write.
		widened := w.set(who.c)
		widened.Terms = slices.Clone(widened.Terms)
		for i := range widened.Terms {
			widened.Terms[i].Write = true
		}
		for _, b := range []*ledger.PolicySet{
			widened,
			w.set(who.c, ledger.Term{ID: w.newTerm(), Expression: who.expression, Write: true}),
			w.set(who.c, ledger.Term{ID: w.newTerm(), Expression: must(policy.Parse("doctor@city-hospital or " + who.expression)).String(), Write: true}),
			w.set(who.c, ledger.Term{ID: w.newTerm(), Expression: must(policy.Parse("trainer@city-club and " + who.expression)).String(), Write: true}),
		} {
			refused(t, w.try(w.signed(w.patient, who.c, b)), ledger.ErrInvalid, "never write")
		}
		// The gate can't give them a session to write.
		for _, term := range []ledger.TermID{who.term, w.byDoctor, w.byTrainer, w.newTerm()} {
			if _, err := w.state.Entitled(who.GID(), who.c, ledger.OpWrite, term, w.now); err == nil {
				t.Errorf("%s may write by %s", who.expression, term)
			}
			if err := w.try(w.signed(w.node, w.access, w.opened(who.person, who.c, ledger.OpWrite, term))); err == nil {
				t.Errorf("%s has a session to write by %s", who.expression, term)
			}
		}
		// And whatever they sign does not count.
		reads := w.open(who.person, who.c, ledger.OpRead, who.term)
		for _, s := range []ledger.SessionID{{}, {9}, reads} {
			for _, b := range []ledger.Body{
				w.record(who.c), w.start(who.c), &ledger.EpochDisputed{Epoch: 1, Part: ledger.PartOwner}, &ledger.EpochConfirmed{Epoch: 1}, w.set(who.c),
				&ledger.RecordRetracted{Content: w.content(who.c), Refers: w.first.ID}, w.erasure(w.first),
			} {
				refused(t, w.try(w.signed(who.person, who.c, b, in(s))), ledger.ErrInvalid, "session")
			}
		}
	}
}

// With the gate's key a thief says what the gate says. It opens no pen.
func TestAttack59_StolenGateKeyAndInsurer(t *testing.T) {
	w := newWorld(t)
	for _, term := range []ledger.TermID{w.byDoctor, w.byAgent, w.byNobody, w.newTerm()} {
		minted := w.opened(w.agent, w.health, ledger.OpWrite, term)
		opened := w.signed(w.node, w.access, minted)
		record := w.signed(w.agent, w.health, w.record(w.health), in(minted.Session))
		refused(t, w.try(opened), ledger.ErrInvalid, "")
		refused(t, w.try(record), ledger.ErrInvalid, "not opened on this compartment")
	}
	// A real doctor's session is of no use to the insurer, nor is one that the thief extends after the doctor has left.
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	refused(t, w.try(w.signed(w.agent, w.health, w.record(w.health), in(s))), ledger.ErrInvalid, "belongs to someone else")
	w.say(w.hospital, ledger.AuthorityChain("city-hospital"), &ledger.RepresentativeRemoved{GID: w.doctor.GID(), Attributes: []string{"doctor"}})
	renewed := &ledger.SessionRenewed{Session: s, Expires: w.now.Add(ledger.MaxSession).UnixMilli()}
	refused(t, w.try(w.signed(w.node, w.access, renewed)), ledger.ErrInvalid, "does not hold")
	refused(t, w.try(w.signed(w.doctor, w.health, w.record(w.health), in(s))), ledger.ErrInvalid, "does not hold")
	// The thief can't sign as the doctor either.
	e := w.draft(w.doctor, w.health, w.record(w.health))
	e.Session = s
	w.sign(w.node, e)
	refused(t, w.try(e), ledger.ErrInvalid, identity.ErrSignature.Error())
	// A node that the root did not describe has no word at all.
	refused(t, w.try(w.signed(w.insurer, w.access, w.opened(w.agent, w.health, ledger.OpRead, w.byAgent))), ledger.ErrInvalid, "not a node")
}

// A log in which a term to write by an insurer stands all the same, by some fault, still lets no insurer write.
func TestAttack51_TermThatSlippedIn(t *testing.T) {
	w := newWorld(t)
	w.state.Widen(w.health, w.byAgent)
	if _, err := w.state.Entitled(w.agent.GID(), w.health, ledger.OpRead, w.byAgent, w.now); err != nil {
		t.Error(err)
	}
	if _, err := w.state.Entitled(w.agent.GID(), w.health, ledger.OpWrite, w.byAgent, w.now); err == nil {
		t.Error("the gate would let an insurer write")
	}
	refused(t, w.try(w.signed(w.node, w.access, w.opened(w.agent, w.health, ledger.OpWrite, w.byAgent))), ledger.ErrInvalid, "does not hold")
}
