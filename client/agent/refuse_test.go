package agent_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/agent"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

// TestAttack53_AgentRefuses asks an agent for what would make its owner say, or give away, something that is not the
// protocol's.
func TestAttack53_AgentRefuses(t *testing.T) {
	r := start(t, 0)
	other := must(client.NewHome())
	mine, theirs, signed, unknown := event(r.GID()), event(other.GID()), event(r.GID()), event(r.GID())
	if err := r.home.Keys().SignEvent(signed); err != nil {
		t.Fatal(err)
	}
	unknown.Body = &ledger.Unknown{Name: "patient.sold", Raw: []byte{0xa0}}
	// An attribute key of the patient's own making, sealed as the log would carry it.
	issued := must(other.Keys().IssueGrant(r.GID(), r.Public(), ledger.TermID{1}))
	aad := must(ledger.IssueAAD(ledger.RecordChain(other.GID(), ledger.Profile), r.GID(), issued.Attribute, 1))
	ciphertext := encapsulated(t)
	raw := func(op string, args any) func() error {
		return func() error { return r.Ask(op, args) }
	}
	for name, ask := range map[string]func() error{
		"raw bytes as an event":            raw("sign-event", agent.Bytes([]byte("sign this"))),
		"a hash as an event":               raw("sign-event", agent.Bytes(make([]byte, 32))),
		"an event and more":                raw("sign-event", agent.Bytes(append(must(mine.Marshal()), 0))),
		"an event that is signed already":  raw("sign-event", agent.Bytes(must(signed.Marshal()))),
		"an event by somebody else":        func() error { return r.SignEvent(theirs) },
		"an event of an unknown kind":      func() error { return r.SignEvent(unknown) },
		"raw bytes as a hello":             func() error { return errOf(r.SignHello([]byte("sign this"))) },
		"an event as a hello":              func() error { return errOf(r.SignHello(must(mine.Marshal()))) },
		"somebody else's hello":            func() error { return errOf(r.SignHello(hello(other.GID()))) },
		"an answer of another length":      raw("sign-answer", agent.Bytes(make([]byte, 64))),
		"an attribute key in clear":        func() error { return errOf(r.Open(ledger.IssueInfo, aad, issued.Sealed)) },
		"what is sealed under another use": func() error { return errOf(r.Open("phr/enrol/1", nil, make([]byte, 2000))) },
		"an unknown label":                 raw("decapsulate", agent.Decapsulate("note", nil, []byte("ciphertext"))),
		"no label":                         raw("decapsulate", agent.Decapsulate("", nil, []byte("ciphertext"))),
		"65 public keys":                   raw("decapsulate", agent.Decapsulate("wrap", make([][]byte, 65), ciphertext)),
		"a grant to oneself":               func() error { return errOf(r.IssueGrant(r.GID(), other.Keys().Public(), ledger.TermID{1})) },
		"a file outside the home":          func() error { return errOf(r.Seal("../../etc/passwd", nil)) },
		"a file without a name":            func() error { return errOf(r.Unseal("", make([]byte, 64))) },
		"the keystore itself":              raw("keystore", agent.Bytes(nil)),
		"no operation":                     raw("", agent.Bytes(nil)),
		"an address of 5 kB":               func() error { return r.SetNode(strings.Repeat("a", 5000)) },
	} {
		if err := ask(); !errors.Is(err, agent.ErrRefused) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
	}
	if err := r.SignEvent(mine); err != nil {
		t.Errorf("after all that, an event of its own: %v", err)
	}
	if _, err := r.Open(epoch.OwnerInfo, nil, []byte("raw")); !errors.Is(err, identity.ErrOpen) {
		t.Errorf("what does not open: %v, want ErrOpen", err)
	}
}

func errOf[T any](_ T, err error) error { return err }

// encapsulated returns a ciphertext for somebody.
func encapsulated(t *testing.T) []byte {
	t.Helper()
	_, pk, attribute := grant(t, must(client.NewHome()).Keys())
	x := must(abe.NewExpression(policy.Leaf(attribute), func(policy.Attribute) (uint32, bool) { return 1, true }, pk))
	_, ciphertext, err := x.Encapsulate(rand.Reader, abe.Wrap, nil)
	if err != nil {
		t.Fatal(err)
	}
	return ciphertext
}
