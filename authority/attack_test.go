package authority_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// TestAttack17_DerivedKey registers an authority under the hospital's own key with another name on it: who has made neither
// secret can't prove to know it.
func TestAttack17_DerivedKey(t *testing.T) {
	w := newWorld(t)
	rogue := person(t)
	w.register(rogue)
	var fields []any
	if err := canonical.Unmarshal(w.hospital.PublicKey().Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	fields[1] = "rogue-hospital"
	derived, err := canonical.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	raw := w.sign(rogue, ledger.PersonChain(rogue.GID()),
		&ledger.AuthorityRegistered{Name: "rogue-hospital", Role: ledger.Hospital, Key: derived})
	if _, err := w.append(raw); !errors.Is(err, abe.ErrMalformed) {
		t.Errorf("registered with %v, want abe.ErrMalformed", err)
	}
	registration, err := ledger.NewEntry(raw, start, w.state.Position())
	if err != nil {
		t.Fatal(err)
	}
	_, err = authority.Endorse("rogue-hospital", authority.FingerprintOf(registration.Hash), registration)
	if !errors.Is(err, abe.ErrMalformed) {
		t.Errorf("Endorse = %v, want abe.ErrMalformed", err)
	}
}

// TestAttack18_NameTwice has two people register one name: the registry endorses the one whose fingerprint it was told, and
// nobody else after.
func TestAttack18_NameTwice(t *testing.T) {
	w := newWorld(t)
	honest, rogue := person(t), person(t)
	w.register(honest)
	w.register(rogue)
	first := w.say(rogue, ledger.PersonChain(rogue.GID()), found(t, rogue, "acme").Registration())
	second := w.say(honest, ledger.PersonChain(honest.GID()), found(t, honest, "acme").Registration())
	told := authority.FingerprintOf(second.Hash)
	if _, err := authority.Endorse("acme", told, first); err == nil {
		t.Error("another registration of the name was endorsed")
	}
	if _, err := authority.Endorse("city-hospital", told, second); err == nil {
		t.Error("another name was endorsed")
	}
	body, err := authority.Endorse("acme", told, second)
	if err != nil {
		t.Fatal(err)
	}
	registry := ledger.AuthorityChain(ledger.RegistryName)
	w.say(w.root, registry, body)
	if a, ok := w.state.Authority("acme"); !ok || a.Founder != honest.GID() {
		t.Errorf("acme is %+v", a)
	}
	late, err := authority.Endorse("acme", authority.FingerprintOf(first.Hash), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.append(w.sign(w.root, registry, late)); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("the name endorsed again: %v, want ErrInvalid", err)
	}
	if _, err := w.append(w.sign(rogue, ledger.PersonChain(rogue.GID()), found(t, rogue, "acme").Registration())); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("the name registered again: %v, want ErrInvalid", err)
	}
}

// TestAttack18_TwoKeys has an authority show one public key and issue under another.
func TestAttack18_TwoKeys(t *testing.T) {
	w := newWorld(t)
	shown := found(t, w.founder, "city-hospital").PublicKey()
	doctor := person(t)
	w.register(doctor)
	w.hospital = found(t, w.founder, "city-hospital")
	entries := w.enrol(ask(t, invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}}), doctor, w.founder))
	issued := entries[len(entries)-1]
	if key, err := authority.OpenKey(doctor, issued, shown); !errors.Is(err, authority.ErrKey) || !errors.Is(err, abe.ErrKeyMismatch) || key != nil {
		t.Errorf("OpenKey = %v, want ErrKey", err)
	}
	registered, _ := w.state.Authority("city-hospital")
	if _, err := authority.OpenKey(doctor, issued, registered.Key); !errors.Is(err, authority.ErrKey) {
		t.Errorf("under the key on the log: %v, want ErrKey", err)
	}
}

// TestAttack19_ForeignAttribute has an authority give what another one's is, on every way there is.
func TestAttack19_ForeignAttribute(t *testing.T) {
	w := newWorld(t)
	founder, doctor := person(t), person(t)
	w.register(founder)
	w.register(doctor)
	rogue := found(t, founder, "rogue-clinic")
	w.endorse(founder, rogue)

	if _, _, err := rogue.Invite(rand.Reader, start, authority.Offer{Attributes: []string{"doctor@city-hospital"}}); err == nil {
		t.Error("invited for another's attribute")
	}
	code := invite(t, rogue, authority.Offer{Attributes: []string{"doctor"}})
	m, err := rogue.Admit(start, founder, authority.NewRoster("rogue-clinic"), w.state.Person, ask(t, code, doctor, founder))
	if err != nil {
		t.Fatal(err)
	}
	bodies, err := rogue.Enrol(rand.Reader, authority.NewRoster("rogue-clinic"), m)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range bodies {
		if _, err := w.append(w.sign(founder, ledger.AuthorityChain("city-hospital"), b)); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s on another's chain: %v, want ErrInvalid", b.Kind(), err)
		}
	}
	// Even where the log is not judged, the key does not open as another's.
	body := bodies[len(bodies)-1]
	for _, c := range []ledger.Chain{ledger.AuthorityChain("city-hospital"), ledger.PersonChain(founder.GID())} {
		e := &ledger.Entry{Event: &ledger.Event{Chain: c, Body: body}}
		for _, pk := range []*abe.PublicKey{w.hospital.PublicKey(), rogue.PublicKey()} {
			if _, err := authority.OpenKey(doctor, e, pk); !errors.Is(err, authority.ErrKey) {
				t.Errorf("opened on %s under the key of %s: %v, want ErrKey", c, pk.Authority(), err)
			}
		}
	}
}

// TestAttack20_Retargeted gives a key that was issued to one person to another.
func TestAttack20_Retargeted(t *testing.T) {
	w := newWorld(t)
	doctor, e := w.newDoctor()
	thief := person(t)
	issued := e.Body.(*ledger.KeyIssued)
	key, err := authority.OpenKey(doctor, e, w.hospital.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	// sealed puts bytes where the log would have a key, with all that binds them made right.
	sealed := func(gid identity.GID, keys *identity.Keys, attribute string, version uint32, inside []byte) *ledger.KeyIssued {
		aad, err := ledger.IssueAAD(e.Chain, gid, attribute, version)
		if err != nil {
			t.Fatal(err)
		}
		b, err := keys.SealTo(ledger.IssueInfo, aad, inside)
		if err != nil {
			t.Fatal(err)
		}
		return &ledger.KeyIssued{GID: gid, Attribute: attribute, Version: version, Sealed: b}
	}
	var fields []any
	if err := canonical.Unmarshal(key.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	fields[1] = string(thief.GID())
	renamed, err := canonical.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		who  *identity.Identity
		body ledger.Body
	}{
		{"opened by another", thief, issued},
		{"the event renamed", thief, &ledger.KeyIssued{GID: thief.GID(), Attribute: "doctor", Version: 1, Sealed: issued.Sealed}},
		{"sealed anew", thief, sealed(thief.GID(), thief.Keys(), "doctor", 1, key.Bytes())},
		{"sealed anew, renamed inside", thief, sealed(thief.GID(), thief.Keys(), "doctor", 1, renamed)},
		{"another attribute", doctor, &ledger.KeyIssued{GID: doctor.GID(), Attribute: "chief", Version: 1, Sealed: issued.Sealed}},
		{"another attribute, sealed anew", doctor, sealed(doctor.GID(), doctor.Keys(), "chief", 1, key.Bytes())},
		{"another version", doctor, &ledger.KeyIssued{GID: doctor.GID(), Attribute: "doctor", Version: 2, Sealed: issued.Sealed}},
		{"another version, sealed anew", doctor, sealed(doctor.GID(), doctor.Keys(), "doctor", 2, key.Bytes())},
		{"no key inside", doctor, sealed(doctor.GID(), doctor.Keys(), "doctor", 1, []byte("key"))},
		{"not an issuance", doctor, &ledger.AttributeDefined{Name: "doctor"}},
	} {
		changed := &ledger.Entry{Event: &ledger.Event{Chain: e.Chain, Body: c.body}}
		if key, err := authority.OpenKey(c.who, changed, w.hospital.PublicKey()); !errors.Is(err, authority.ErrKey) || key != nil {
			t.Errorf("%s: %v, want ErrKey", c.name, err)
		}
	}
}

// TestAttack21_RemovedComesBack lets a removed representative try every invitation from before the removal again, all of which
// have seats.
func TestAttack21_RemovedComesBack(t *testing.T) {
	w := newWorld(t)
	doctor := person(t)
	w.register(doctor)
	code := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor", "surgeon"}, Uses: 5})
	other := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}, Uses: 5})
	nurses := invite(t, w.hospital, authority.Offer{Attributes: []string{"nurse"}})
	first, waiting := ask(t, code, doctor, w.founder), ask(t, other, doctor, w.founder)
	w.enrol(first)
	bodies, err := w.roster.Revoke(doctor.GID(), "left")
	if err != nil {
		t.Fatal(err)
	}
	shut := w.hospital.Shut(w.roster, doctor.GID(), "doctor", "surgeon")
	if len(shut) != 1 || shut[0].ID != code.Invitation() {
		t.Errorf("Shut = %v, want the invitation that was used", shut)
	}
	w.sayAll(bodies)
	for name, sealed := range map[string][]byte{
		"the first request again":            first,
		"by the same invitation":             ask(t, code, doctor, w.founder),
		"by another that waited meanwhile":   waiting,
		"by another from before the removal": ask(t, other, doctor, w.founder),
	} {
		if m, err := w.admit(sealed); !errors.Is(err, authority.ErrRefused) || m != nil {
			t.Errorf("%s: Admit = %+v, %v, want ErrRefused", name, m, err)
		}
	}
	// Who was not removed comes in by what is left open, and the one removed as something else, or by a new invitation.
	colleague := person(t)
	w.register(colleague)
	w.enrol(ask(t, other, colleague, w.founder))
	w.enrol(ask(t, nurses, doctor, w.founder))
	number, _ := w.roster.Head()
	w.enrol(ask(t, invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}, After: number}), doctor, w.founder))
}

// TestAttack21_InvitationsOfBackups has the authority's state set back to before it shut the invitation: the log still shows who came in by
// it and was removed.
func TestAttack21_InvitationsOfBackups(t *testing.T) {
	w := newWorld(t)
	doctor := person(t)
	w.register(doctor)
	code := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor", "surgeon"}, Uses: 5})
	w.enrol(ask(t, code, doctor, w.founder))
	w.say(w.founder, ledger.AuthorityChain("city-hospital"),
		&ledger.RepresentativeRemoved{GID: doctor.GID(), Attributes: []string{"surgeon"}})
	if m, err := w.admit(ask(t, code, doctor, w.founder)); !errors.Is(err, authority.ErrRefused) || m != nil {
		t.Errorf("Admit = %+v, %v, want ErrRefused", m, err)
	}
}

// secrets are what must not stand in any output.
func secrets(a *authority.Authority, code authority.Code) []string {
	text := strings.TrimPrefix(code.Text(), "city-hospital-")
	return []string{text, strings.ToLower(text), text[:9], string(a.Bytes()[80:100])}
}

func TestAttack54_NothingSecretPrints(t *testing.T) {
	a := found(t, person(t), "city-hospital")
	code, inv, err := a.Invite(rand.Reader, start, authority.Offer{Attributes: []string{"doctor"}})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, nil))
	for _, v := range []any{a, *a, code, &code, inv, a.Invitations()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("shown", "value", v)
		if err := json.NewEncoder(&out).Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	for _, secret := range secrets(a, code) {
		if strings.Contains(out.String(), secret) || strings.Contains(out.String(), fmt.Sprintf("%x", secret)) {
			t.Errorf("%q shows in %q", secret, out.String())
		}
	}
	if got := fmt.Sprint(a, code); got != "redacted redacted" {
		t.Errorf("they print as %q", got)
	}
}

// wireRequest is a request as it is encoded, for forging some.
type wireRequest struct {
	Authority  policy.Authority       `cbor:"1,keyasint"`
	Invitation authority.InvitationID `cbor:"2,keyasint"`
	GID        identity.GID           `cbor:"3,keyasint"`
	Display    string                 `cbor:"4,keyasint,omitempty"`
	Proof      []byte                 `cbor:"5,keyasint,omitempty"`
	Signature  []byte                 `cbor:"6,keyasint,omitempty"`
}

// forge signs a request as a person, whatever it holds, and seals it to the founder.
func forge(t testing.TB, r wireRequest, who, founder *identity.Identity) []byte {
	t.Helper()
	r.Signature = nil
	for range 2 {
		b, err := canonical.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if r.Signature == nil {
			r.Signature = who.Sign("enrol/1", b)
			continue
		}
		sealed, err := founder.Keys().SealTo("phr/enrol/1", []byte("city-hospital"), b)
		if err != nil {
			t.Fatal(err)
		}
		return sealed
	}
	return nil
}

func openRequest(t testing.TB, founder *identity.Identity, sealed []byte) wireRequest {
	t.Helper()
	b, err := founder.Open("phr/enrol/1", []byte("city-hospital"), sealed)
	if err != nil {
		t.Fatal(err)
	}
	var r wireRequest
	if err := canonical.Unmarshal(b, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAttack56_Guessed tries thousands of codes and proofs: one error, no seat, and nobody is looked up for them.
func TestAttack56_Guessed(t *testing.T) {
	founder, thief := person(t), person(t)
	a := found(t, founder, "city-hospital")
	code := invite(t, a, authority.Offer{Attributes: []string{"doctor"}, Uses: authority.MaxUses})
	before := a.Bytes()
	asked := func(identity.GID) (*identity.Keys, error) {
		t.Error("looked somebody up for a guess")
		return thief.Keys(), nil
	}
	refuse := func(name string, sealed []byte) {
		t.Helper()
		m, err := a.Admit(start, founder, authority.NewRoster(a.Name()), asked, sealed)
		if err != authority.ErrRefused || m != nil {
			t.Fatalf("%s: %v, want the bare ErrRefused", name, err)
		}
	}
	for i := range 2000 {
		guess := wireRequest{Authority: a.Name(), GID: thief.GID(), Proof: make([]byte, 32)}
		rand.Read(guess.Invitation[:])
		rand.Read(guess.Proof)
		if i%2 == 0 {
			guess.Invitation = code.Invitation() // it stands on the log once somebody came in
		}
		refuse("a guess", forge(t, guess, thief, founder))
	}
	other := found(t, founder, "city-hospital") // of the same name and founder, with an invitation of its own
	refuse("another authority's code", ask(t, invite(t, other, authority.Offer{Attributes: []string{"doctor"}}), thief, founder))
	refuse("sealed to another", ask(t, code, thief, thief))
	refuse("nothing", nil)
	refuse("a megabyte", make([]byte, 1<<20))
	empty := wireRequest{Authority: a.Name(), GID: thief.GID()}
	refuse("an empty proof for no invitation", forge(t, empty, thief, founder))
	if !bytes.Equal(before, a.Bytes()) {
		t.Error("a guess changed the authority")
	}
}

// TestAttack56_Reused has two people use a code for one.
func TestAttack56_Reused(t *testing.T) {
	w := newWorld(t)
	doctor, second := person(t), person(t)
	w.register(doctor)
	w.register(second)
	code := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}})
	saved := w.hospital.Bytes()
	theirs := ask(t, code, second, w.founder)
	refused := func(when string) {
		t.Helper()
		if m, err := w.admit(theirs); !errors.Is(err, authority.ErrRefused) || m != nil {
			t.Errorf("%s: %+v, %v, want ErrRefused", when, m, err)
		}
	}
	if _, err := w.admit(ask(t, code, doctor, w.founder)); err != nil {
		t.Fatal(err)
	}
	refused("while the seat is only taken")
	w.enrol(ask(t, code, doctor, w.founder))
	refused("when the log shows it")
	var err error
	if w.hospital, err = authority.Parse(saved); err != nil {
		t.Fatal(err)
	}
	refused("when the log shows it and the seat was not saved")
}

// TestAttack56_ForgottenSeat gives a seat away twice: by a roster that lags behind, after a crash that forgot who had it. The
// log settles it.
func TestAttack56_ForgottenSeat(t *testing.T) {
	w := newWorld(t)
	doctor, second := person(t), person(t)
	w.register(doctor)
	w.register(second)
	code := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}})
	saved, late := w.hospital.Bytes(), authority.NewRoster("city-hospital")
	w.enrol(ask(t, code, doctor, w.founder))
	var err error
	if w.hospital, err = authority.Parse(saved); err != nil {
		t.Fatal(err)
	}
	theirs := ask(t, code, second, w.founder)
	if _, err := w.hospital.Admit(start, w.founder, late, w.state.Person, theirs); err != nil {
		t.Fatal(err) // nothing that is made from this roster can be appended
	}
	if m, err := w.admit(theirs); !errors.Is(err, authority.ErrRefused) {
		t.Errorf("caught up: %+v, %v, want ErrRefused", m, err)
	}
}

// TestAttack56_HiddenEnd shows the authority an old end of its chain: a seat that was saved holds.
func TestAttack56_HiddenEnd(t *testing.T) {
	w := newWorld(t)
	doctor, second := person(t), person(t)
	w.register(doctor)
	w.register(second)
	code := invite(t, w.hospital, authority.Offer{Attributes: []string{"doctor"}})
	w.enrol(ask(t, code, doctor, w.founder))
	restarted, err := authority.Parse(w.hospital.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	old := authority.NewRoster("city-hospital")
	_, err = restarted.Admit(start, w.founder, old, w.state.Person, ask(t, code, second, w.founder))
	if !errors.Is(err, authority.ErrRefused) {
		t.Errorf("Admit = %v, want ErrRefused", err)
	}
}

// TestAttack56_Bound takes requests apart and puts them together for another person.
func TestAttack56_Bound(t *testing.T) {
	founder, doctor, thief := person(t), person(t), person(t)
	a := found(t, founder, "city-hospital")
	code := invite(t, a, authority.Offer{Attributes: []string{"doctor"}})
	good := openRequest(t, founder, ask(t, code, doctor, founder))
	for name, change := range map[string]func(r *wireRequest){
		"another person":     func(r *wireRequest) { r.GID = thief.GID() },
		"another display":    func(r *wireRequest) { r.Display = "Dr Thief" },
		"another authority":  func(r *wireRequest) { r.Authority = "other" },
		"another invitation": func(r *wireRequest) { r.Invitation[3]++ },
		"another's signing":  func(*wireRequest) {},
		"hostile display":    func(r *wireRequest) { r.Display = "\x1b[2J" },
		"not a GID":          func(r *wireRequest) { r.GID = "*" },
	} {
		r := good
		change(&r)
		_, err := a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor, thief), forge(t, r, thief, founder))
		if !errors.Is(err, authority.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
	}
	if taken := a.Invitations()[0].Taken; len(taken) != 0 {
		t.Errorf("%v took a seat", taken)
	}
	if _, err := a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor), forge(t, good, doctor, founder)); err != nil {
		t.Errorf("the request as it was: %v", err)
	}
}

// TestAttack07_EveryByteFlipped changes a sealed request.
func TestAttack07_EveryByteFlipped(t *testing.T) {
	founder, doctor := person(t), person(t)
	a := found(t, founder, "city-hospital")
	sealed := ask(t, invite(t, a, authority.Offer{Attributes: []string{"doctor"}}), doctor, founder)
	for i := range sealed {
		changed := slices.Clone(sealed)
		changed[i] ^= 1
		if _, err := a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor), changed); err != authority.ErrRefused {
			t.Fatalf("byte %d flipped: %v, want the bare ErrRefused", i, err)
		}
	}
}
