package client_test

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/phrledger/phr/client"
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
			r, err := w.recoverUntil(dir, before)
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

// recoverUntil goes on with a recovery until the program dies.
func (w *world) recoverUntil(dir string, before bool) (client.Recovery, error) {
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
	return c.Recover(ctx, false)
}
