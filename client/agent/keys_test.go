package agent_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

func suites() ([]abe.Suite, error) { return []abe.Suite{abe.RW15BLS12381}, nil }

// entryOf puts a body on a chain as the log would.
func entryOf(chain ledger.Chain, author identity.GID, b ledger.Body) *ledger.Entry {
	e := event(author)
	e.Chain, e.Body = chain, b
	return must(ledger.NewEntry(must(e.Marshal()), time.Now(), ledger.Position{}))
}

// grant lets a person in by name, and returns the entry that issues the key, the public key it is of, and the attribute.
func grant(t *testing.T, to client.Keys) (*ledger.Entry, *abe.PublicKey, policy.Attribute) {
	t.Helper()
	patient := must(client.NewHome())
	term := must(ledger.NewTermID(rand.Reader, time.Now()))
	issued := must(patient.Keys().IssueGrant(to.GID(), to.Public(), term))
	entry := entryOf(ledger.RecordChain(patient.GID(), ledger.Profile), patient.GID(), issued)
	return entry, must(patient.Keys().MasterKey()), ledger.GrantAttribute(patient.GID(), term)
}

func TestKeepAndDecapsulate(t *testing.T) {
	r := start(t, 0)
	entry, pk, attribute := grant(t, r)
	one := func(policy.Attribute) (uint32, bool) { return 1, true }
	x := must(abe.NewExpression(policy.Leaf(attribute), one, pk))
	want, ciphertext, err := x.Encapsulate(rand.Reader, abe.Wrap, []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Decapsulate(x, abe.Wrap, []byte("context"), ciphertext); !errors.Is(err, abe.ErrNotSatisfied) {
		t.Errorf("without the key: %v, want ErrNotSatisfied", err)
	}
	key, added, err := r.KeepKey(entry, []*abe.PublicKey{pk})
	if err != nil || !added || key.Attribute != attribute {
		t.Fatalf("keeping a key: %v, %v, %v", key, added, err)
	}
	if _, added, err := r.KeepKey(entry, []*abe.PublicKey{pk}); err != nil || added {
		t.Errorf("keeping it again: %v, %v", added, err)
	}
	if all := must(r.Attributes()); len(all) != 1 || all[0] != key {
		t.Errorf("held: %v", all)
	}
	got, err := r.Decapsulate(x, abe.Wrap, []byte("context"), ciphertext)
	if err != nil || got != want {
		t.Errorf("decapsulated: %v", err)
	}
	if err := r.home.Refresh(); err != nil || len(r.home.AttributeKeys()) != 1 {
		t.Errorf("the keystore holds %d keys, %v", len(r.home.AttributeKeys()), err)
	}

	other := must(abe.NewExpression(policy.Leaf(attribute), func(policy.Attribute) (uint32, bool) { return 2, true }, pk))
	for name, fails := range map[string]func() ([32]byte, error){
		"another context":    func() ([32]byte, error) { return r.Decapsulate(x, abe.Wrap, []byte("other"), ciphertext) },
		"another label":      func() ([32]byte, error) { return r.Decapsulate(x, abe.Challenge, []byte("context"), ciphertext) },
		"another expression": func() ([32]byte, error) { return r.Decapsulate(other, abe.Wrap, []byte("context"), ciphertext) },
		"raw bytes":          func() ([32]byte, error) { return r.Decapsulate(x, abe.Wrap, []byte("context"), []byte("raw")) },
	} {
		if _, err := fails(); !errors.Is(err, abe.ErrDecapsulation) {
			t.Errorf("%s: %v, want ErrDecapsulation", name, err)
		}
	}
	if _, _, err := r.KeepKey(entry, []*abe.PublicKey{must(must(client.NewHome()).Keys().MasterKey())}); !errors.Is(err, authority.ErrKey) {
		t.Errorf("a key under another authority's: %v, want ErrKey", err)
	}
}

func TestOwnerPart(t *testing.T) {
	r := start(t, 0)
	keys := must(epoch.Generate(rand.Reader))
	at := epoch.Place{Patient: string(r.GID()), Compartment: "health", Epoch: 1}
	sealed := must(epoch.SealOwner(r.Public(), at, keys))
	opened := must(epoch.OpenOwner(r, at, keys.KID(), keys.HID(), sealed))
	if opened.KID() != keys.KID() {
		t.Error("another epoch's keys came out")
	}
	sealed[len(sealed)-1] ^= 1
	if _, err := epoch.OpenOwner(r, at, keys.KID(), keys.HID(), sealed); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("a broken part: %v, want ErrOpen", err)
	}
	if err := r.Lock(); err != nil {
		t.Fatal(err)
	}
	if _, err := epoch.OpenOwner(r, at, keys.KID(), keys.HID(), sealed); !errors.Is(err, agent.ErrLocked) || errors.Is(err, epoch.ErrOpen) {
		t.Errorf("with a locked agent: %v, want ErrLocked, which says nothing of the part", err)
	}
}

func TestEnrolmentAndGrant(t *testing.T) {
	r := start(t, 0)
	founder, _, err := identity.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	hospital := must(authority.New(rand.Reader, founder.GID(), "city-hospital", ledger.Hospital))
	code, _, err := hospital.Invite(rand.Reader, now, authority.Offer{Attributes: []string{"doctor"}})
	if err != nil {
		t.Fatal(err)
	}
	sealed := must(r.RequestEnrolment(code, "Dr Ruiz", founder.Keys()))
	directory := func(identity.GID) (*identity.Keys, error) { return r.Public(), nil }
	admitted, err := hospital.Admit(now, founder, authority.NewRoster(hospital.Name()), directory, sealed)
	if err != nil || admitted.GID != r.GID() || admitted.Display != "Dr Ruiz" {
		t.Errorf("admitted %v, %v", admitted, err)
	}

	reader := must(client.NewHome())
	term := must(ledger.NewTermID(rand.Reader, now))
	issued := must(r.IssueGrant(reader.GID(), reader.Keys().Public(), term))
	entry := entryOf(ledger.RecordChain(r.GID(), ledger.Profile), r.GID(), issued)
	key, _, err := reader.Keys().KeepKey(entry, []*abe.PublicKey{must(r.MasterKey())})
	if err != nil || key.Attribute != ledger.GrantAttribute(r.GID(), term) {
		t.Errorf("a grant by the agent: %v, %v", key, err)
	}
	if err := r.home.Refresh(); err != nil || !bytes.Equal(must(r.home.Keys().MasterKey()).Bytes(), must(r.MasterKey()).Bytes()) {
		t.Errorf("the keystore has another master key, or %v", err)
	}
}

// TestEscrow: what a recovery needs comes out of the agent sealed, until the log is said to have it.
func TestEscrow(t *testing.T) {
	r := start(t, 0)
	sealed, sum, err := r.Escrow()
	if err != nil || len(sealed) == 0 || len(sum) != 32 {
		t.Fatalf("an escrow of %d bytes, a hash of %d, %v", len(sealed), len(sum), err)
	}
	if err := r.SetEscrowed(sum[1:]); !errors.Is(err, agent.ErrRefused) {
		t.Errorf("another hash: %v, want ErrRefused", err)
	}
	if err := r.SetEscrowed(sum); err != nil {
		t.Fatal(err)
	}
	if again, _, err := r.Escrow(); err != nil || again != nil {
		t.Errorf("once the log has it: %d bytes, %v", len(again), err)
	}
}
