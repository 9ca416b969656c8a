package epoch_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/crypto/identity"
)

// emergency is a wrap that takes three shares, and who holds them.
type emergency struct {
	keys                      *epoch.Keys
	opened, approval, release *epoch.Share
	wrap                      []byte
}

func newEmergency(t *testing.T) *emergency {
	t.Helper()
	e := &emergency{keys: generate(t, "emergency"), opened: share(t, "opened"), approval: share(t, "approval"), release: share(t, "release")}
	key, err := epoch.EmergencyKey(e.opened, e.approval, e.release)
	if err == nil {
		e.wrap, err = epoch.SealWrap(stream("nonce"), key, place, term, e.keys, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func share(t *testing.T, seed string) *epoch.Share {
	t.Helper()
	s, err := epoch.DrawShare(stream(seed))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// open opens the wrap with three shares.
func (e *emergency) open(t *testing.T, first, second, third *epoch.Share) error {
	t.Helper()
	key, err := epoch.EmergencyKey(first, second, third)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := epoch.OpenWrap(key, place, e.keys.KID(), e.keys.HID(), term, e.wrap)
	if err == nil && !keys.HasHistory() {
		t.Error("opened without the history key")
	}
	return err
}

// The wrap of an emergency term opens with its three shares in their order, and with no two of them.
func TestAttack52_TwoOfThreeShares(t *testing.T) {
	e := newEmergency(t)
	zero, other := epoch.ShareOf([32]byte{}), share(t, "other")
	if err := e.open(t, e.opened, e.approval, e.release); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string][3]*epoch.Share{
		"requester and approver":             {e.opened, e.approval, zero},
		"requester and approver, one guess":  {e.opened, e.approval, other},
		"requester and node":                 {e.opened, zero, e.release},
		"requester and node, one guess":      {e.opened, other, e.release},
		"approver and node":                  {zero, e.approval, e.release},
		"approver and node, one guess":       {other, e.approval, e.release},
		"requester alone":                    {e.opened, zero, zero},
		"requester alone, three times":       {e.opened, e.opened, e.opened},
		"approver alone":                     {zero, e.approval, zero},
		"node alone":                         {zero, zero, e.release},
		"requester and approver, changed":    {e.approval, e.opened, e.release},
		"all three, the last two changed":    {e.opened, e.release, e.approval},
		"all three, one place farther round": {e.release, e.opened, e.approval},
	} {
		if err := e.open(t, s[0], s[1], s[2]); !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, own := range map[string]*epoch.Share{"requester": e.opened, "approver": e.approval, "node": e.release} {
		if _, err := epoch.OpenWrap([32]byte(own.Bytes()), place, e.keys.KID(), e.keys.HID(), term, e.wrap); !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("the %s's share as the key: %v", name, err)
		}
	}
}

// A share that is kept opens in its own place, for its own term and as what it is.
func TestSharesAreKept(t *testing.T) {
	e := newEmergency(t)
	kid := e.keys.KID()
	node, _, err := identity.Generate(stream("node"))
	if err != nil {
		t.Fatal(err)
	}
	approval, err := epoch.SealApproval(stream("nonce"), wrapKey, place, kid, term, e.approval)
	if err != nil {
		t.Fatal(err)
	}
	release, err := epoch.SealRelease(node.Keys(), place, kid, term, e.release)
	if err != nil {
		t.Fatal(err)
	}
	type opener func(at epoch.Place, kid [32]byte, term string, sealed []byte) (*epoch.Share, error)
	asApproval := func(at epoch.Place, kid [32]byte, term string, sealed []byte) (*epoch.Share, error) {
		return epoch.OpenApproval(wrapKey, at, kid, term, sealed)
	}
	asRelease := func(at epoch.Place, kid [32]byte, term string, sealed []byte) (*epoch.Share, error) {
		return epoch.OpenRelease(node, at, kid, term, sealed)
	}
	for _, tt := range []struct {
		name        string
		open, other opener
		sealed      []byte
		want        *epoch.Share
	}{{"approval", asApproval, asRelease, approval, e.approval}, {"release", asRelease, asApproval, release, e.release}} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.open(place, kid, term, tt.sealed)
			if err != nil || !bytes.Equal(got.Bytes(), tt.want.Bytes()) {
				t.Fatalf("opening: %v", err)
			}
			refuse := func(why string, open opener, at epoch.Place, kid [32]byte, term string, sealed []byte) {
				t.Helper()
				if _, err := open(at, kid, term, sealed); !errors.Is(err, epoch.ErrOpen) {
					t.Errorf("%s: %v", why, err)
				}
			}
			for why, at := range elsewhere {
				refuse("another "+why, tt.open, at, kid, term, tt.sealed)
			}
			refuse("another kid", tt.open, place, [32]byte{1}, term, tt.sealed)
			refuse("another term", tt.open, place, kid, "01jd5m2x8t4v6w7y9z0a1b2c3e", tt.sealed)
			refuse("as the other part", tt.other, place, kid, term, tt.sealed)
			for _, n := range []int{0, 1, 25, len(tt.sealed) - 1} {
				refuse("cut", tt.open, place, kid, term, tt.sealed[:n])
			}
			for _, at := range []int{0, 1, len(tt.sealed) - 1} {
				changed := bytes.Clone(tt.sealed)
				changed[at] ^= 1
				refuse("changed", tt.open, place, kid, term, changed)
			}
		})
	}
	if _, err := epoch.OpenWrap(wrapKey, place, kid, e.keys.HID(), term, approval); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("an approval as a wrap: %v", err)
	}
}

// A share that is passed on opens for the one it is passed to, and for the request that it answers.
func TestSharesArePassedOn(t *testing.T) {
	to, _, _ := identity.Generate(stream("to"))
	other, _, _ := identity.Generate(stream("other"))
	want := share(t, "passed")
	sealed, err := epoch.PassShare(to.Keys(), []byte("request 1"), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := epoch.ReceiveShare(to, []byte("request 1"), sealed)
	if err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Fatalf("receiving: %v", err)
	}
	for name, receive := range map[string]func() (*epoch.Share, error){
		"for another request": func() (*epoch.Share, error) { return epoch.ReceiveShare(to, []byte("request 2"), sealed) },
		"by somebody else":    func() (*epoch.Share, error) { return epoch.ReceiveShare(other, []byte("request 1"), sealed) },
		"cut":                 func() (*epoch.Share, error) { return epoch.ReceiveShare(to, []byte("request 1"), sealed[1:]) },
		"empty":               func() (*epoch.Share, error) { return epoch.ReceiveShare(to, []byte("request 1"), nil) },
	} {
		if _, err := receive(); !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := epoch.ParseShare(make([]byte, 31)); !errors.Is(err, epoch.ErrOpen) {
		t.Errorf("a share of 31 bytes: %v", err)
	}
}

// emergencyVector is three shares, the key they make, and the share of the approver as it is kept under a key.
type emergencyVector struct {
	Name   string `json:"name"`
	Expect string `json:"expect"` // of opening the approval

	Requester hexBytes `json:"requester"`
	Approver  hexBytes `json:"approver"`
	Node      hexBytes `json:"node"`
	Key       hexBytes `json:"key"` // made of the three

	Under    hexBytes `json:"under"` // key that the approval is sealed under
	KID      hexBytes `json:"kid"`
	Nonce    hexBytes `json:"nonce,omitempty"` // where sealing with it gives the same bytes
	Approval hexBytes `json:"approval"`
}

// What was made once is made so for ever.
func TestGoldenEmergencies(t *testing.T) {
	for _, v := range readVectors[emergencyVector](t, "testdata/emergencies.json") {
		t.Run(v.Name, func(t *testing.T) {
			approver := epoch.ShareOf([32]byte(v.Approver))
			key, err := epoch.EmergencyKey(epoch.ShareOf([32]byte(v.Requester)), approver, epoch.ShareOf([32]byte(v.Node)))
			if err != nil || !bytes.Equal(key[:], v.Key) {
				t.Errorf("EmergencyKey = %x, %v, want %x", key, err, v.Key)
			}
			got, err := epoch.OpenApproval([32]byte(v.Under), place, [32]byte(v.KID), term, v.Approval)
			if want := expected[v.Expect]; !errors.Is(err, want) || err == nil && !bytes.Equal(got.Bytes(), v.Approver) {
				t.Errorf("OpenApproval: %v, want %v", err, want)
			}
			if len(v.Nonce) == 0 {
				return
			}
			sealed, err := epoch.SealApproval(bytes.NewReader(v.Nonce), [32]byte(v.Under), place, [32]byte(v.KID), term, approver)
			if err != nil || !bytes.Equal(sealed, v.Approval) {
				t.Errorf("SealApproval = %x, %v, want %x", sealed, err, v.Approval)
			}
		})
	}
}
