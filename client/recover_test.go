package client_test

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
)

// owner is a patient with a home on disk and a recovery code on paper.
type owner struct {
	*client.Client
	code *recovery.Secret
}

func (w *world) owner() owner {
	w.t.Helper()
	code := newCode(w.t)
	home, err := client.CreateCheapHome(filepath.Join(w.t.TempDir(), "home"), passphrase, code)
	must(w.t, err)
	w.t.Cleanup(home.Close)
	c := w.connect(home)
	must(w.t, c.RegisterPatient(w.ctx))
	return owner{c, code}
}

// recovering makes a new device for who has lost theirs, and returns where it is.
func (w *world) recovering(lost owner) (owner, string) {
	w.t.Helper()
	found, err := w.person().Lost(w.ctx, lost.GID(), lost.code)
	must(w.t, err)
	next, dir := newCode(w.t), filepath.Join(w.t.TempDir(), "home")
	home, err := found.CreateCheapHome(dir, passphrase, next)
	must(w.t, err)
	w.t.Cleanup(home.Close)
	return owner{w.connect(home), next}, dir
}

// recovered is recovering to the end.
func (w *world) recovered(lost owner) owner {
	w.t.Helper()
	fresh, _ := w.recovering(lost)
	r, err := fresh.Recover(w.ctx, false)
	must(w.t, err)
	w.clock.forward(r.Until.Sub(w.clock.now()) + time.Minute)
	if r, err = fresh.Recover(w.ctx, false); err != nil || !r.Done {
		w.t.Fatalf("Recover after the wait = %+v, %v", r, err)
	}
	return fresh
}

// A patient who has lost everything but 24 words reads the whole history on a new device, goes on writing, and those who were
// let in still are. The old device is out.
func TestRecovery(t *testing.T) {
	w := newWorld(t)
	old := w.owner()
	ruiz, ana := w.the("doctor@city-hospital"), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(old.Client, old.Client, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(hers, client.GrantRequest{To: "gid:" + string(ana.GID())})
	w.write(hers, "one")
	w.write(w.book(ruiz, old.Client, ledger.Health), "two")
	w.write(w.book(old.Client, old.Client, ledger.Training), "ran")
	w.reads("ana", w.book(ana, old.Client, ledger.Health), "one", "two")

	fresh, _ := w.recovering(old)
	asked, err := fresh.Recover(w.ctx, false)
	if err != nil || !asked.Asked || asked.Done || asked.Until.Sub(asked.Since) != ledger.RecoveryWait {
		t.Fatalf("Recover = %+v, %v", asked, err)
	}
	if again, err := fresh.Recover(w.ctx, false); err != nil || again.Asked || !again.Until.Equal(asked.Until) {
		t.Errorf("Recover while it waits = %+v, %v", again, err)
	}
	if pending, err := old.PendingRecovery(w.ctx); err != nil || pending == nil || !pending.Until.Equal(asked.Until) {
		t.Errorf("the old device is shown %+v, %v", pending, err)
	}
	w.write(hers, "three") // the old device goes on until then
	if _, err := w.book(fresh.Client, old.Client, ledger.Health).Records(w.ctx); err == nil {
		t.Error("the new device reads before the wait is over")
	}

	w.clock.forward(ledger.RecoveryWait)
	if r, err := fresh.Recover(w.ctx, false); err != nil || !r.Done {
		t.Fatalf("Recover after the wait = %+v, %v", r, err)
	}
	now := w.book(fresh.Client, old.Client, ledger.Health)
	w.write(now, "four")
	w.reads("the new device", now, "one", "two", "three", "four")
	w.reads("the new device", w.book(fresh.Client, old.Client, ledger.Training), "ran")
	w.reads("the doctor", w.book(ruiz, old.Client, ledger.Health), "one", "two", "three", "four")
	_, err = ana.FetchKeys(w.ctx)
	must(t, err)
	w.reads("ana", w.book(ana, old.Client, ledger.Health), "one", "two", "three", "four")
	if fresh.Home().Recovering() {
		t.Error("the home is still recovering")
	}
	if _, err := fresh.Recover(w.ctx, false); !errors.Is(err, client.ErrNothingLost) {
		t.Errorf("Recover once more: %v", err)
	}

	if _, err := hers.Write(w.ctx, notes("thief"), nil); err == nil {
		t.Error("the old device writes")
	}
	if _, err := old.PendingRecovery(w.ctx); err != nil {
		t.Error(err)
	}
	if _, replaced := old.Replaced(); !replaced {
		t.Error("the old device is not told that it is out")
	}
	fact, err := now.Fact(w.ctx)
	must(t, err)
	parts, err := now.Parts(w.ctx)
	must(t, err)
	if err := hers.OpenStolen(w.ctx, fact, parts); err == nil {
		t.Error("the old device opens what was written after it was lost")
	}
}

// Whoever finds the words asks; whoever has the keys vetoes.
func TestRecoveryVetoed(t *testing.T) {
	w := newWorld(t)
	maria := w.owner()
	thief, _ := w.recovering(maria)
	_, err := thief.Recover(w.ctx, false)
	must(t, err)
	vetoed, err := maria.Veto(w.ctx, "it was not me")
	must(t, err)
	if pending, err := maria.PendingRecovery(w.ctx); err != nil || pending != nil {
		t.Errorf("after the veto %+v stands, %v", pending, err)
	}
	if _, err := maria.Veto(w.ctx, ""); err == nil || !strings.Contains(err.Error(), "nobody has asked") {
		t.Errorf("a veto of nothing: %v", err)
	}
	w.clock.forward(ledger.RecoveryWait)
	for _, again := range []bool{false, true} {
		r, err := thief.Recover(w.ctx, again)
		if r.Done || !again && !errors.Is(err, client.ErrVetoed) {
			t.Fatalf("Recover(%v) = %+v, %v", again, r, err)
		}
	}
	second, err := maria.PendingRecovery(w.ctx)
	if err != nil || second == nil || second.Request == vetoed.Request || !second.Until.After(w.clock.now().Add(ledger.RecoveryWait-time.Hour)) {
		t.Errorf("a second request stands as %+v, %v; want a wait of its own", second, err)
	}
	_, err = maria.Veto(w.ctx, "")
	must(t, err)
	w.write(w.book(maria.Client, maria.Client, ledger.Health), "still mine")
}

func TestLost(t *testing.T) {
	w := inTown(t)
	maria, guest := w.owner(), w.person()
	if _, err := guest.Lost(w.ctx, maria.GID(), newCode(t)); !errors.Is(err, client.ErrCode) {
		t.Errorf("another's words: %v", err)
	}
	if _, err := guest.Lost(w.ctx, newHome(t).GID(), maria.code); err == nil || !strings.Contains(err.Error(), "nobody is registered") {
		t.Errorf("for a GID that is nobody's: %v", err)
	}
	if _, err := guest.Lost(w.ctx, w.patient().GID(), maria.code); !errors.Is(err, client.ErrCode) {
		t.Errorf("for another's GID: %v", err)
	}
	shares, err := maria.code.Split(2, 3)
	must(t, err)
	belongs, err := guest.OfLost(w.ctx, maria.GID())
	must(t, err)
	code, err := recovery.Combine(shares[1:], belongs)
	must(t, err)
	if _, err := guest.Lost(w.ctx, maria.GID(), code); err != nil {
		t.Errorf("by shares: %v", err)
	}
	other, err := newCode(t).Split(2, 2)
	must(t, err)
	if _, err := recovery.Combine(other, belongs); !errors.Is(err, recovery.ErrShares) {
		t.Errorf("by another's shares: %v", err)
	}
	if _, err := maria.Recover(w.ctx, false); !errors.Is(err, client.ErrNothingLost) {
		t.Errorf("Recover of what is not lost: %v", err)
	}
}

// Planned, by the keys in force and the words: no wait, and another code from then on.
func TestReplace(t *testing.T) {
	w := newWorld(t)
	maria, ana := w.owner(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(maria.Client, maria.Client, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "gid:" + string(ana.GID())})
	w.write(hers, "one")
	before := maria.Home().Identity().Keys().Sign

	next := newCode(t)
	must(t, maria.Home().PrepareReplacement(next))
	if err := maria.Replace(w.ctx, newCode(t)); !errors.Is(err, client.ErrCode) {
		t.Errorf("by other words: %v", err)
	}
	if err := maria.Replace(w.ctx, nil); err == nil {
		t.Error("replaced without words")
	}
	must(t, maria.Replace(w.ctx, maria.code))
	if maria.Home().Replacing() || maria.Home().Identity().Keys().Sign == before {
		t.Error("the home does not have the new keys")
	}
	again := w.connect(maria.Home())
	now := w.book(again, again, ledger.Health)
	w.write(now, "two")
	w.reads("maria", now, "one", "two")
	_, err := ana.FetchKeys(w.ctx)
	must(t, err)
	w.reads("ana", w.book(ana, again, ledger.Health), "one", "two")
	if _, err := w.person().Lost(w.ctx, maria.GID(), maria.code); !errors.Is(err, client.ErrCode) || !strings.Contains(err.Error(), "were replaced on") {
		t.Errorf("the words before: %v", err)
	}
	fresh := w.recovered(owner{again, next})
	w.reads("maria, recovered", w.book(fresh.Client, fresh.Client, ledger.Health), "one", "two")
}

// A doctor who was recovered still opens what was shared with the role, since the old keys travel over the log. The hospital is told
// that the lost device holds them too, until it has moved the attribute.
func TestRecoveredMember(t *testing.T) {
	w := newWorld(t)
	hospital, maria := w.authority("city-hospital"), w.patient()
	old := w.owner()
	w.enrol(old.Client, "doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital"})
	w.write(hers, "one")
	due := func() client.Recovered {
		members, err := hospital.Members(w.ctx)
		must(t, err)
		found, err := hospital.Recovered(w.ctx, members)
		must(t, err)
		return found[old.GID()]
	}
	if r := due(); !r.Since.IsZero() || r.Due != nil {
		t.Errorf("before anything happened: %+v", r)
	}
	fresh, _ := w.recovering(old)
	_, err := fresh.Recover(w.ctx, false)
	must(t, err)
	if r := due(); r.Pending.IsZero() || r.Due != nil {
		t.Errorf("while it is asked for: %+v", r)
	}
	w.clock.forward(ledger.RecoveryWait)
	_, err = fresh.Recover(w.ctx, false)
	must(t, err)
	_, err = fresh.FetchKeys(w.ctx)
	must(t, err)
	w.reads("the doctor", w.book(fresh.Client, maria, ledger.Health), "one")
	if r := due(); r.Since.IsZero() || !r.Pending.IsZero() || !slices.Equal(r.Due, []string{"doctor"}) {
		t.Errorf("once recovered: %+v", r)
	}
	_, err = hospital.Revoke(w.ctx, client.Revocation{Attributes: []string{"doctor"}}, nil)
	must(t, err)
	if r := due(); r.Since.IsZero() || r.Due != nil {
		t.Errorf("once the attribute has moved: %+v", r)
	}
	_, err = fresh.FetchKeys(w.ctx)
	must(t, err)
	w.write(hers, "two")
	w.reads("the doctor", w.book(fresh.Client, maria, ledger.Health), "one", "two")
	if _, err := w.book(old.Client, maria, ledger.Health).Records(w.ctx); err == nil {
		t.Error("the lost device reads")
	}
}

// Who has the device and not the words reads and signs until the recovery is through, and can stop it; they can't take the identity
// over. Who has neither the words nor the keys in force gets nothing onto the chain at all.
func TestRecoveryByHalves(t *testing.T) {
	w := newWorld(t)
	maria := w.owner()
	thief := maria.Client // the opened device
	must(t, thief.Home().PrepareReplacement(newCode(t)))
	if err := thief.Replace(w.ctx, newCode(t)); !errors.Is(err, client.ErrCode) {
		t.Errorf("the device replaces the keys without the words: %v", err)
	}
	fresh, _ := w.recovering(maria)
	_, err := fresh.Recover(w.ctx, false)
	must(t, err)
	for name, b := range map[string]ledger.Body{
		"the keys to come veto":        &ledger.RecoveryVetoed{},
		"the keys to come escrow":      &ledger.IdentityEscrowed{Sealed: []byte{1}},
		"the keys to come revoke":      &ledger.IdentityRevoked{},
		"the keys to come rotate back": &ledger.IdentityRotated{Recovery: ledger.Hash{1}},
	} {
		if err := fresh.Say(w.ctx, ledger.PersonChain(maria.GID()), func([]*ledger.Entry) ([]ledger.Body, error) {
			return []ledger.Body{b}, nil
		}); err == nil {
			t.Errorf("before the wait is over %s", name)
		}
	}
	_, err = thief.Veto(w.ctx, "mine now")
	must(t, err)
	w.clock.forward(ledger.RecoveryWait)
	if _, err := fresh.Recover(w.ctx, false); !errors.Is(err, client.ErrVetoed) {
		t.Errorf("after the thief's veto: %v", err)
	}
}
