package agent_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/policy"
)

// What people do in an emergency they do through an agent, too: approvers open their share, and who asked opens what was passed on.
func TestEmergencyThroughAnAgent(t *testing.T) {
	r := start(t, 0)
	entry, pk, attribute := grant(t, r)
	if _, _, err := r.KeepKey(entry, []*abe.PublicKey{pk}); err != nil {
		t.Fatal(err)
	}
	x := must(abe.NewExpression(policy.Leaf(attribute), func(policy.Attribute) (uint32, bool) { return 1, true }, pk))
	want, ciphertext, err := x.Encapsulate(rand.Reader, abe.Approval, []byte("context"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.Decapsulate(x, abe.Approval, []byte("context"), ciphertext); err != nil || got != want {
		t.Errorf("opening an approver's share: %v", err)
	}
	passed := must(epoch.PassShare(r.Public(), []byte("request"), epoch.ShareOf(want)))
	if share, err := epoch.ReceiveShare(r, []byte("request"), passed); err != nil || [32]byte(share.Bytes()) != want {
		t.Errorf("receiving a share: %v", err)
	}
	if _, err := epoch.ReceiveShare(r, []byte("another request"), passed); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("a share for another request: %v", err)
	}
}
