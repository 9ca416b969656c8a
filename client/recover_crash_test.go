package client_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// TestRecoveryCrashes recovers with a program that dies right before, and then right after, the node gets what it submits, over and
// over, with the home as it lies on the disk each time. It comes to an end from wherever it was, and nothing is done twice.
func TestRecoveryCrashes(t *testing.T) {
	w := newWorld(t)
	old, ana := w.owner(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(old.Client, old.Client, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "gid:" + string(ana.GID())})
	w.write(hers, "one")
	fresh, dir := w.recovering(old)
	fresh.Close()

	crashes := 0
	for done := false; !done; {
		for _, before := range []bool{true, false} {
			var r client.Recovery
			err := w.dieIn(dir, before, func(ctx context.Context, c *client.Client) (err error) {
				r, err = c.Recover(ctx, false)
				return err
			})
			switch {
			case errors.Is(err, client.ErrVetoed):
				t.Fatal(err)
			case err != nil:
				crashes++
			case r.Done:
				done = true
			default:
				w.clock.forward(ledger.RecoveryWait)
			}
			if done {
				break
			}
		}
		if crashes > 60 {
			t.Fatal("it does not come to an end")
		}
	}
	// The request, the rotation, the escrow, the authority and two epochs.
	if crashes < 6+5 {
		t.Errorf("only %d crashes on the way", crashes)
	}
	home := openHome(t, dir)
	if home.Recovering() {
		t.Error("the home is still recovering")
	}
	now := w.connect(home)
	w.reads("the patient", w.book(now, now, ledger.Health), "one")
	_, err := ana.FetchKeys(w.ctx)
	must(t, err)
	w.reads("ana", w.book(ana, now, ledger.Health), "one")
	for _, name := range []ledger.Compartment{ledger.Health, ledger.Training} {
		f, err := w.book(now, now, name).Fact(w.ctx)
		must(t, err)
		if f.Epoch.Number != 2 {
			t.Errorf("%s is in epoch %d, want one more than before", name, f.Epoch.Number)
		}
	}
}

// TestReplacementCrashes replaces keys with a program that dies at every step, as TestRecoveryCrashes does.
func TestReplacementCrashes(t *testing.T) {
	w := newWorld(t)
	old, ana := w.owner(), w.person()
	must(t, ana.RegisterIdentity(w.ctx))
	hers := w.book(old.Client, old.Client, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "gid:" + string(ana.GID())})
	w.write(hers, "one")
	before, next, dir := old.Home().Identity(), newCode(t), old.Home().Dir()
	must(t, old.Home().PrepareReplacement(next))
	old.Close()

	replace := func(ctx context.Context, c *client.Client) error {
		if err := c.RegisterIdentity(ctx); err != nil {
			return err
		}
		err := c.Replace(ctx, nil)
		if errors.Is(err, client.ErrNeedsCode) {
			err = c.Replace(ctx, old.code)
		}
		return err
	}
	crashes := 0
	for done := false; !done; {
		for _, early := range []bool{true, false} {
			if err := w.dieIn(dir, early, replace); err == nil {
				done = true
				break
			}
			if crashes++; crashes > 60 {
				t.Fatal("it does not come to an end")
			}
			home := openHome(t, dir)
			if !home.Replacing() {
				t.Error("the home forgot that its keys are being replaced")
			}
			if crashes == 2 { // the log shows the new keys
				must(t, home.TakeNext())
				opensBy(t, dir, old.code, next)
			}
			home.Close()
		}
	}
	// The rotation, the escrow, the authority and two epochs.
	if crashes < 5+5 {
		t.Errorf("only %d crashes on the way", crashes)
	}
	home := openHome(t, dir)
	if home.Replacing() || home.Identity().Keys().Sign == before.Keys().Sign {
		t.Error("the home does not have the new keys alone")
	}
	opensBy(t, dir, next, old.code)
	now := w.connect(home)
	w.reads("the patient", w.book(now, now, ledger.Health), "one")
	_, err := ana.FetchKeys(w.ctx)
	must(t, err)
	w.reads("ana", w.book(ana, now, ledger.Health), "one")
	for _, name := range []ledger.Compartment{ledger.Health, ledger.Training} {
		w.epoch(w.book(now, now, name), 2)
	}
}

// opensBy makes sure that a home opens by one recovery code and not by another.
func opensBy(t *testing.T, dir string, one, other *recovery.Secret) {
	t.Helper()
	home, err := client.RecoverHome(dir, one)
	must(t, err)
	home.Close()
	if _, err := client.RecoverHome(dir, other); !errors.Is(err, keystore.ErrRecovery) {
		t.Errorf("by the other words the home opens: %v", err)
	}
}

// mortal is the way to the node of a program that dies at the first thing that it submits.
type mortal struct {
	stream.Dialer
	before bool // the node does not get it any more
	die    func()
}

func (m mortal) Dial(network, address string) (net.Conn, error) {
	conn, err := m.Dialer.Dial(network, address)
	return &mortalConn{conn, m}, err
}

type mortalConn struct {
	net.Conn
	mortal
}

// Write implements net.Conn.
func (c *mortalConn) Write(p []byte) (int, error) {
	submits := asks(p, "ingest.") || asks(p, "register.")
	if submits && c.before {
		c.die()
		return 0, errCut
	}
	n, err := c.Conn.Write(p)
	if submits {
		c.die()
	}
	return n, err
}

// dieIn does something with the home as it lies on the disk, in a program that dies at the first thing that it submits.
func (w *world) dieIn(dir string, before bool, do func(context.Context, *client.Client) error) error {
	home, err := client.OpenHome(dir, passphrase)
	must(w.t, err)
	defer home.Close()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	config := w.config(home)
	config.Dialer = mortal{w.node.Dialer(), before, cancel}
	c, err := client.Dial(ctx, config)
	must(w.t, err)
	defer c.Close()
	return do(ctx, c)
}
