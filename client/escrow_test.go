package client_test

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// An opened escrow is read in one form only: what was filled up otherwise is refused.
func FuzzParseEscrow(f *testing.F) {
	whole := append([]byte{0xa1, 0x01, 0x81, 0x41, 0x07, 0x80}, make([]byte, 2042)...) // one seed of one byte
	f.Add(whole)
	f.Add(whole[:2047])
	f.Add(make([]byte, 2048))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, plain []byte) {
		again, err := client.ParseEscrow(plain)
		if err == nil && !bytes.Equal(again, plain) {
			t.Errorf("%x is read, and filled up as %x", plain, again)
		}
	})
}

// A founder who was recovered speaks for the authority as before. Invitations that were open are closed.
func TestRecoveredFounder(t *testing.T) {
	w := newWorld(t)
	code := newCode(t)
	home, err := client.CreateCheapHome(filepath.Join(t.TempDir(), "home"), passphrase, code)
	must(t, err)
	t.Cleanup(home.Close)
	old := owner{w.connect(home), code}
	_, err = old.FoundAuthority(w.ctx, "iron-gym", ledger.HealthClub)
	must(t, err)
	offer := authority.Offer{Attributes: []string{"trainer"}}
	for err = errCut; err != nil; { // until the registry has endorsed it
		must(t, w.ctx.Err())
		_, _, err = old.Invite(w.ctx, offer)
	}
	fresh := w.recovered(old)
	a, err := fresh.Home().Authority()
	must(t, err)
	if a == nil || a.Name() != "iron-gym" || len(a.Invitations()) != 0 {
		t.Fatalf("the recovered home keeps the authority %v", a)
	}
	_, _, err = fresh.Invite(w.ctx, offer)
	must(t, err)
}
