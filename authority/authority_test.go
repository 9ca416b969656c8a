package authority_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

func TestNew(t *testing.T) {
	founder := person(t).GID()
	for _, c := range []struct {
		name    string
		founder identity.GID
		called  policy.Authority
		role    ledger.AuthorityKind
		ok      bool
	}{
		{"hospital", founder, "city-hospital", ledger.Hospital, true},
		{"registry", founder, ledger.RegistryName, ledger.Registry, true},
		{"employer", founder, "acme", ledger.Employer, true},
		{"registry by another name", founder, "registry", ledger.Registry, false},
		{"hospital with the registry's name", founder, ledger.RegistryName, ledger.Hospital, false},
		{"upper case", founder, "City-Hospital", ledger.Hospital, false},
		{"a patient's name", founder, policy.Authority(founder), ledger.Hospital, false},
		{"not a name", founder, "a.b", ledger.Hospital, false},
		{"no role", founder, "city-hospital", "", false},
		{"upper-case role", founder, "city-hospital", "Hospital", false},
		{"no founder", "", "city-hospital", ledger.Hospital, false},
	} {
		a, err := authority.New(rand.Reader, c.founder, c.called, c.role)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want success: %v", c.name, err, c.ok)
		}
		if err == nil && (a.Name() != c.called || a.Role() != c.role || a.Founder() != founder) {
			t.Errorf("%s: %s, %s, %s", c.name, a.Name(), a.Role(), a.Founder())
		}
	}
	broken := errors.New("no randomness")
	if _, err := authority.New(iotest.ErrReader(broken), founder, "acme", ledger.Employer); !errors.Is(err, broken) {
		t.Errorf("without randomness: %v", err)
	}
}

func TestParseRole(t *testing.T) {
	if role, err := authority.ParseRole("Health-Club"); role != ledger.HealthClub || err != nil {
		t.Errorf("ParseRole = %q, %v", role, err)
	}
	if _, err := authority.ParseRole("clinic"); !errors.Is(err, authority.ErrMalformed) {
		t.Errorf("ParseRole(clinic) = %v, want ErrMalformed", err)
	}
}

// populated has everything an encoding may hold.
func populated(t testing.TB) *authority.Authority {
	t.Helper()
	founder := person(t)
	a := found(t, founder, "city-hospital")
	code := invite(t, a, authority.Offer{Attributes: []string{"doctor", "chief.surgeon"}, Uses: 3, Note: "surgery"})
	invite(t, a, authority.Offer{Attributes: []string{"nurse"}})
	for range 2 {
		doctor := person(t)
		if _, err := a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor), ask(t, code, doctor, founder)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func TestBytesAndParse(t *testing.T) {
	a := populated(t)
	b, err := authority.Parse(a.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), a.Bytes()) {
		t.Error("Parse lost something")
	}
	if b.PublicKey().Hash() != a.PublicKey().Hash() || b.Founder() != a.Founder() || b.Role() != a.Role() {
		t.Error("Parse gives another authority")
	}
	if got := b.Invitations(); len(got) != 2 || len(slices.Concat(got[0].Taken, got[1].Taken)) != 2 {
		t.Errorf("invitations = %+v", got)
	}
}

// TestAttack06_DoctoredState changes one thing at a time in the encoding of an authority.
func TestAttack06_DoctoredState(t *testing.T) {
	a := populated(t)
	other, err := abe.GenerateMasterKey(rand.Reader, policy.Authority(a.Founder()))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(fields []any){
		"version":               func(f []any) { f[0] = 3 },
		"first version":         func(f []any) { f[0] = 1 },
		"no removals known":     func(f []any) { f[5] = f[5].([]any)[1:] },
		"next of another":       func(f []any) { f[6] = other.Bytes() },
		"no next":               func(f []any) { f[6] = []byte("key") },
		"founder":               func(f []any) { f[1] = "nobody" },
		"role":                  func(f []any) { f[2] = "registry" },
		"master key":            func(f []any) { f[3] = []byte("key") },
		"a patient's key":       func(f []any) { f[3] = other.Bytes() },
		"order of invitations":  func(f []any) { slices.Reverse(f[4].([]any)) },
		"an invitation twice":   func(f []any) { f[4] = append(f[4].([]any), f[4].([]any)[1]) },
		"short key":             func(f []any) { surgery(f)[1] = []byte("key") },
		"no attributes":         func(f []any) { surgery(f)[2] = []any{} },
		"order of attributes":   func(f []any) { slices.Reverse(surgery(f)[2].([]any)) },
		"name of an attribute":  func(f []any) { surgery(f)[2] = []any{"doctor@x"} },
		"no uses":               func(f []any) { surgery(f)[3] = 0 },
		"fewer uses than seats": func(f []any) { surgery(f)[3] = 1 },
		"a million uses":        func(f []any) { surgery(f)[3] = 1_000_000 },
		"no expiry":             func(f []any) { surgery(f)[4] = 0 },
		"expiry beyond time":    func(f []any) { surgery(f)[4] = int64(1) << 62 },
		"terminal escape":       func(f []any) { surgery(f)[5] = "\x1b[2J" },
		"order of seats":        func(f []any) { slices.Reverse(surgery(f)[6].([]any)) },
		"seat of nobody":        func(f []any) { surgery(f)[6].([]any)[0] = "nobody" },
	} {
		t.Run(name, func(t *testing.T) {
			var fields []any
			if err := canonical.Unmarshal(a.Bytes(), &fields); err != nil {
				t.Fatal(err)
			}
			change(fields)
			b, err := canonical.Marshal(fields)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := authority.Parse(b); !errors.Is(err, authority.ErrMalformed) {
				t.Errorf("Parse = %v, want ErrMalformed", err)
			}
		})
	}
}

// The first version of the encoding, which knew no removals, is still read: whoever was removed before comes in by none of its
// invitations.
func TestParseFirstVersion(t *testing.T) {
	a := populated(t)
	old, err := authority.Parse(firstVersion(t, a))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(old.Bytes(), a.Bytes()) {
		t.Error("it is read as another authority")
	}
}

// firstVersion returns the encoding of a as the first version wrote it.
func firstVersion(t testing.TB, a *authority.Authority) []byte {
	t.Helper()
	var fields []any
	if err := canonical.Unmarshal(a.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	fields[0] = 1
	b, err := canonical.Marshal(fields[:5])
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// surgery returns the fields of the invitation that has everything.
func surgery(fields []any) []any {
	for _, inv := range fields[4].([]any) {
		if inv := inv.([]any); inv[5] == "surgery" {
			return inv
		}
	}
	return nil
}

func TestAttack05_TruncatedState(t *testing.T) {
	b := found(t, person(t), "city-hospital").Bytes()
	for n := range b {
		if _, err := authority.Parse(b[:n]); !errors.Is(err, authority.ErrMalformed) {
			t.Fatalf("Parse of %d bytes = %v, want ErrMalformed", n, err)
		}
	}
	if _, err := authority.Parse(append(b, 0)); !errors.Is(err, authority.ErrMalformed) {
		t.Errorf("Parse with a trailing byte = %v, want ErrMalformed", err)
	}
}

func TestInvite(t *testing.T) {
	a := found(t, person(t), "city-hospital")
	long := strings.Repeat("x", authority.MaxText+1)
	for _, c := range []struct {
		name  string
		offer authority.Offer
		ok    bool
	}{
		{"a name", authority.Offer{Attributes: []string{"doctor"}}, true},
		{"an attribute", authority.Offer{Attributes: []string{"Doctor@City-Hospital"}, Uses: authority.MaxUses}, true},
		{"twice the same", authority.Offer{Attributes: []string{"doctor", "doctor"}}, true},
		{"nothing", authority.Offer{}, false},
		{"not a name", authority.Offer{Attributes: []string{"doctor >"}}, false},
		{"a version", authority.Offer{Attributes: []string{"doctor#2"}}, false},
		{"for less than nobody", authority.Offer{Attributes: []string{"doctor"}, Uses: -1}, false},
		{"for too many", authority.Offer{Attributes: []string{"doctor"}, Uses: authority.MaxUses + 1}, false},
		{"in the past", authority.Offer{Attributes: []string{"doctor"}, Expires: start}, false},
		{"for ever", authority.Offer{Attributes: []string{"doctor"}, Expires: start.Add(authority.MaxExpiry + time.Second)}, false},
		{"a long note", authority.Offer{Attributes: []string{"doctor"}, Note: long}, false},
		{"a note of two lines", authority.Offer{Attributes: []string{"doctor"}, Note: "a\nb"}, false},
	} {
		code, inv, err := a.Invite(rand.Reader, start, c.offer)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v, want success: %v", c.name, err, c.ok)
		}
		if err != nil {
			continue
		}
		if code.Authority() != "city-hospital" || code.Invitation() != inv.ID {
			t.Errorf("%s: code of %s, %s", c.name, code.Authority(), code.Invitation())
		}
		if !slices.Equal(inv.Attributes, []string{"doctor"}) || inv.Uses != max(1, c.offer.Uses) {
			t.Errorf("%s: %+v", c.name, inv)
		}
	}
}

func TestInviteForgetsExpired(t *testing.T) {
	a := found(t, person(t), "city-hospital")
	short := authority.Offer{Attributes: []string{"doctor"}, Expires: start.Add(time.Hour)}
	expiring, kept := invite(t, a, short), invite(t, a, authority.Offer{Attributes: []string{"doctor"}})
	code, _, err := a.Invite(rand.Reader, start.Add(time.Hour), authority.Offer{Attributes: []string{"nurse"}})
	if err != nil {
		t.Fatal(err)
	}
	var got []authority.InvitationID
	for _, inv := range a.Invitations() {
		got = append(got, inv.ID)
	}
	if want := []authority.InvitationID{kept.Invitation(), code.Invitation()}; !slices.Equal(got, want) {
		t.Errorf("open are %v, want %v without %v", got, want, expiring.Invitation())
	}
}

func TestWithdraw(t *testing.T) {
	founder, doctor := person(t), person(t)
	a := found(t, founder, "city-hospital")
	code := invite(t, a, authority.Offer{Attributes: []string{"doctor"}})
	id, err := authority.ParseInvitationID(code.Invitation().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Withdraw(id); err != nil {
		t.Fatal(err)
	}
	if err := a.Withdraw(id); err == nil {
		t.Error("withdrawn twice")
	}
	_, err = a.Admit(start, founder, authority.NewRoster(a.Name()), phone(doctor), ask(t, code, doctor, founder))
	if err != authority.ErrRefused {
		t.Errorf("Admit = %v, want ErrRefused", err)
	}
}
