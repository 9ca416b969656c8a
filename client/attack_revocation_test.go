package client_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// served runs the program of an authority until stop, which waits for it.
func (w *world) served(c *client.Client) (stop func()) {
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, nil) }()
	return func() {
		cancel()
		<-done
	}
}

// silent founds a hospital that hears of refusals and whose program does not run.
func (w *world) silent() *client.Client {
	w.t.Helper()
	c := w.lasting()
	_, err := c.FoundAuthority(w.ctx, "still-hospital", ledger.Hospital)
	must(w.t, err)
	for {
		if _, err := c.Authority(w.ctx, "still-hospital"); err == nil {
			return c
		}
		must(w.t, w.ctx.Err())
	}
}

// A removed doctor asks again by an invitation with seats left, by another that was open all the while, and by a request that
// was waiting at the node when the removal came.
func TestAttack21_OldInvitations(t *testing.T) {
	w := newWorld(t)
	hospital, kim := w.silent(), w.person()
	offer := authority.Offer{Attributes: []string{"doctor"}, Uses: 5}
	used, _, err := hospital.Invite(w.ctx, offer)
	must(t, err)
	open, _, err := hospital.Invite(w.ctx, offer)
	must(t, err)
	stop := w.served(hospital)
	_, err = kim.Enroll(w.ctx, used, "Dr Kim")
	must(t, err)
	stop()

	// The request waits before the removal and is judged after.
	ctx, cancel := context.WithCancel(w.ctx)
	gaveUp := make(chan error, 1)
	go func() {
		_, err := kim.Enroll(ctx, open, "Dr Kim")
		gaveUp <- err
	}()
	for {
		waiting, err := hospital.Waiting(w.ctx)
		must(t, err)
		if waiting > 0 {
			break
		}
	}
	_, err = hospital.Revoke(w.ctx, client.Revocation{GID: kim.GID(), Reason: "left"}, nil)
	must(t, err)
	stop = w.served(hospital)
	<-w.refusals
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) {
		t.Errorf("the request that waited: %v", err)
	}
	for _, code := range []authority.Code{used, open} {
		ctx, cancel := context.WithCancel(w.ctx)
		go func() {
			_, err := kim.Enroll(ctx, code, "Dr Kim")
			gaveUp <- err
		}()
		<-w.refusals
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("asked again: %v", err)
		}
	}
	if n := versions(kim); n != 1 {
		t.Errorf("the removed one holds %d keys, want the old one alone", n)
	}
	members, err := hospital.Members(w.ctx)
	if err != nil || len(members) != 0 {
		t.Errorf("members %+v, %v", members, err)
	}
	// Somebody else comes in by what is open still, and the removed one by an invitation from after.
	other := w.person()
	_, err = other.Enroll(w.ctx, open, "Dr Ruiz")
	must(t, err)
	again, _, err := hospital.Invite(w.ctx, offer)
	must(t, err)
	_, err = kim.Enroll(w.ctx, again, "Dr Kim")
	must(t, err)
	stop()
}

// A node that is set back to before a revocation is found out by the authority, which neither revokes nor issues anything on what
// it shows.
func TestAttack34_RevocationHidden(t *testing.T) {
	w := newWorld(t)
	hospital, ruiz, kim := w.silent(), w.person(), w.person()
	code, _, err := hospital.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}, Uses: 5})
	must(t, err)
	stop := w.served(hospital)
	for _, c := range []*client.Client{ruiz, kim} {
		_, err := c.Enroll(w.ctx, code, "Dr")
		must(t, err)
	}
	stop()
	must(t, w.stop())
	old := t.TempDir()
	must(t, os.CopyFS(old, os.DirFS(w.dir)))
	must(t, filepath.WalkDir(old, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	must(t, os.Chmod(filepath.Join(old, "keys"), 0o700))
	must(t, w.start())
	now := w.connect(hospital.Home())
	_, err = now.Revoke(w.ctx, client.Revocation{GID: kim.GID(), Reason: "left"}, nil)
	must(t, err)
	_, err = now.Await(w.ctx, client.Sealed, nil) // until then, whoever revoked would send it again
	must(t, err)

	must(t, w.stop())
	w.dir = old
	must(t, w.start())
	then := w.connect(hospital.Home())
	if _, err := then.Members(w.ctx); !errors.Is(err, client.ErrLost) {
		t.Errorf("Members = %v, want ErrLost", err)
	}
	if _, err := then.Revoke(w.ctx, client.Revocation{GID: ruiz.GID()}, nil); !errors.Is(err, client.ErrLost) {
		t.Errorf("Revoke = %v, want ErrLost", err)
	}
	if _, err := then.Reissue(w.ctx, nil); !errors.Is(err, client.ErrLost) {
		t.Errorf("Reissue = %v, want ErrLost", err)
	}
	if err := then.Serve(w.ctx, nil); !errors.Is(err, client.ErrLost) {
		t.Errorf("Serve = %v, want ErrLost", err)
	}
}

// An authority whose keys were copied before its master key was replaced issues nothing that counts, and says so.
func TestAttack21_OldCopyOfAnAuthority(t *testing.T) {
	w := newWorld(t)
	hospital := w.silent()
	before, err := hospital.Home().Authority()
	must(t, err)
	stop := w.served(hospital)
	_, err = hospital.Rekey(w.ctx, nil)
	must(t, err)
	for {
		kept, err := hospital.Home().Authority()
		must(t, err)
		if !kept.Replacing() {
			break
		}
	}
	stop()
	home, err := client.HomeOfAuthority(hospital.Home().Identity(), func() (*authority.Authority, error) { return before, nil },
		func(*authority.Authority) error { return nil })
	must(t, err)
	copied := w.connect(home)
	if _, _, err := copied.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}}); !errors.Is(err, authority.ErrForeignKey) {
		t.Errorf("Invite = %v, want ErrForeignKey", err)
	}
	if _, err := copied.Reissue(w.ctx, nil); !errors.Is(err, authority.ErrForeignKey) {
		t.Errorf("Reissue = %v, want ErrForeignKey", err)
	}
}
