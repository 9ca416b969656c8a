package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// copied is what a node had on disk when it was stopped.
type copied struct {
	w   *world
	dir string
}

func (w *world) inNode(name string) string { return filepath.Join(w.dir, name) }

// kept is the checkpoint that a node keeps beside its log: with another one it would not begin.
const kept = "checkpoint"

// parts are what a copy has of a node's directory, beside that.
var parts = []string{"jetstream", "tree"}

// copy stops the node, copies what it has on disk, and starts it again. From then on it seals nothing.
func (w *world) copy() *copied {
	w.t.Helper()
	c := &copied{w, filepath.Join(w.t.TempDir(), "copy")}
	w.seal()
	must(w.t, w.stop())
	for _, part := range parts {
		must(w.t, os.CopyFS(filepath.Join(c.dir, part), os.DirFS(w.inNode(part))))
	}
	if checkpoint, err := os.ReadFile(w.inNode(kept)); !errors.Is(err, fs.ErrNotExist) { // a node that has just begun has none yet
		must(w.t, err)
		must(w.t, os.WriteFile(filepath.Join(c.dir, kept), checkpoint, 0o600))
	}
	w.unsealing()
	return c
}

// unsealing starts the node such that it seals nothing for as long as a test lasts.
func (w *world) unsealing() {
	w.t.Helper()
	w.pace = time.Hour
	must(w.t, w.start())
}

// seal lets the node seal again, if it was kept from it.
func (w *world) seal() {
	w.t.Helper()
	if w.pace == 0 {
		return
	}
	must(w.t, w.stop())
	w.pace = 0
	must(w.t, w.start())
}

// back stops the node, puts the copy in the place of what it has written since, and starts it again. It still seals nothing.
func (c *copied) back() {
	c.w.t.Helper()
	must(c.w.t, c.w.stop())
	for _, part := range append(parts, kept) {
		must(c.w.t, os.RemoveAll(c.w.inNode(part)))
	}
	must(c.w.t, os.CopyFS(c.w.dir, os.DirFS(c.dir)))
	c.w.unsealing()
}

// unsealed returns how many events a home keeps until they are sealed.
func (w *world) unsealed(home *client.Home) int {
	w.t.Helper()
	counts, err := home.Unsealed()
	must(w.t, err)
	n := 0
	for _, c := range counts {
		n += c
	}
	return n
}

// again connects somebody anew, as another run of their program.
func (w *world) again(c *client.Client, patient *client.Client) *client.Book {
	w.t.Helper()
	next := w.connect(c.Home())
	next.LeaveOut(client.HeadFresh) // a node that seals nothing is not what these tests are about
	return w.book(next, patient, ledger.Health)
}

// What the node had acknowledged and then lost comes back when its author uses phr again: records under the same ids, in the same
// order, with what refers to them, and grants and epochs between them.
func TestSentAgain(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	hers := w.book(maria, maria, ledger.Health)
	named := w.patient()
	w.write(hers, "sealed")
	_, err := maria.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	before := w.copy()

	hers = w.again(maria, maria)
	ids := w.write(hers, "one", "two")
	granted := w.grant(hers, client.GrantRequest{To: gid(named)})
	must(t, hers.Rotate(w.ctx))
	amended := client.Draft{Kind: chart.Amended, Media: chart.Note, Body: []byte("two, amended"), Refers: ids[1]}
	_, err = hers.Write(w.ctx, []client.Draft{amended}, nil)
	must(t, err)
	want := w.idsOf(hers)
	before.back()

	next := w.again(maria, maria)
	w.reads("the patient", next, "sealed", "one", "two", "two, amended")
	if got := w.idsOf(next); !slices.Equal(got, want) {
		t.Errorf("the records came back as %v, want %v", got, want)
	}
	f, err := next.Fact(w.ctx)
	must(t, err)
	if !slices.ContainsFunc(f.Terms, func(t ledger.LiveTerm) bool { return t.ID == granted.Term.ID }) || f.Epoch.Number != 2 {
		t.Errorf("epoch %d with %d terms", f.Epoch.Number, len(f.Terms))
	}
	w.reads("the patient, from another run", w.again(maria, maria), "sealed", "one", "two", "two, amended")
}

// untilSealed waits until nothing that any program of the home has sent waits to be sealed.
func (w *world) untilSealed(c *client.Client) {
	for w.unsealed(c.Home()) > 0 {
		must(w.t, w.ctx.Err())
		must(w.t, c.Settle(w.ctx))
	}
}

// idsOf returns the ids of records as they stand on the chain.
func (w *world) idsOf(b *client.Book) []ledger.EventID {
	w.t.Helper()
	w.texts(b)
	var ids []ledger.EventID
	for _, e := range b.Entries() {
		ids = append(ids, e.ID)
	}
	return ids
}

// Somebody else wrote before the author was back: what was lost goes behind that, under the ids that it had, once.
func TestSentAgainAfterOthers(t *testing.T) {
	for _, rotated := range []bool{false, true} {
		t.Run(fmt.Sprintf("in another epoch %v", rotated), func(t *testing.T) {
			w := newWorld(t)
			maria, ruiz := w.patient(), w.the("doctor@city-hospital")
			hers := w.book(maria, maria, ledger.Health)
			w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
			w.write(hers, "sealed")
			_, err := maria.Await(w.ctx, client.Sealed, nil)
			must(t, err)
			before := w.copy()

			hers = w.again(maria, maria)
			ids := w.write(hers, "one")
			amended := client.Draft{Kind: chart.Amended, Media: chart.Note, Body: []byte("one, amended"), Refers: ids[0]}
			_, err = hers.Write(w.ctx, []client.Draft{amended}, nil)
			must(t, err)
			before.back()

			his := w.again(ruiz, maria)
			if rotated {
				must(t, his.Rotate(w.ctx))
			}
			w.write(his, "his")
			for range 2 {
				w.reads("the patient", w.again(maria, maria), "sealed", "his", "one", "one, amended")
			}
			w.reads("the doctor", w.again(ruiz, maria), "sealed", "his", "one", "one, amended")
			if got := w.idsOf(w.again(maria, maria)); got[2] != ids[0] {
				t.Errorf("the record came back as %s, want %s", got[2], ids[0])
			}
		})
	}
}

// A doctor's record names a session that is lost as well: it is signed anew in another.
func TestSentAgainInASession(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	his := w.book(ruiz, maria, ledger.Health)
	w.write(his, "sealed")
	_, err := ruiz.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	before := w.copy()
	ids := w.write(w.again(ruiz, maria), "one")
	before.back()
	next := w.again(ruiz, maria)
	w.reads("the doctor", next, "sealed", "one")
	if got := w.idsOf(next); got[1] != ids[0] {
		t.Errorf("the record came back as %s, want %s", got[1], ids[0])
	}
	w.reads("the patient", w.again(maria, maria), "sealed", "one")
}

// What is sealed is not kept any more, so if the node loses it, nobody sends it again, and it is told.
func TestLostAfterSealed(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	before := w.copy()
	w.seal()
	maria = w.connect(maria.Home())
	w.write(w.book(maria, maria, ledger.Health), "one")
	var left int
	done, err := maria.Await(w.ctx, client.Sealed, func(n int) { left = max(left, n) })
	must(t, err)
	if n := w.unsealed(maria.Home()); n != 0 || done.Level != client.Sealed || done.Sequence == 0 {
		t.Errorf("%+v, with %d events kept", done, n)
	}
	w.texts(w.book(maria, maria, ledger.Health))
	before.back()
	if _, err := w.again(maria, maria).Records(w.ctx); !errors.Is(err, client.ErrLost) {
		t.Errorf("reading what is lost for good: %v, want ErrLost", err)
	}
}

// Where what others wrote is missing too, nothing is sent: the history would be another than the one that was seen.
func TestLostOfOthers(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	_, err := maria.Await(w.ctx, client.Sealed, nil)
	must(t, err)
	before := w.copy()
	hers = w.again(maria, maria)
	w.write(w.again(ruiz, maria), "his")
	w.write(hers, "hers")
	before.back()
	_, err = w.again(maria, maria).Records(w.ctx)
	if !errors.Is(err, client.ErrLost) || !strings.Contains(err.Error(), "from the homes of those who wrote it") {
		t.Errorf("reading with others' records lost: %v, want ErrLost", err)
	}
}

// Somebody who registered with a node that then lost that is known to it again.
func TestRegisteredAgain(t *testing.T) {
	w := newWorld(t)
	before := w.copy()
	maria := w.person()
	must(t, maria.RegisterPatient(w.ctx))
	w.write(w.book(maria, maria, ledger.Health), "one")
	before.back()
	w.reads("the patient", w.again(maria, maria), "one")
}

// A program stops between two steps of sending again. The next one goes on, and nothing is there twice.
func TestSendingAgainInterrupted(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	want := []string{"one", "two", "three"}
	for _, end := range []fate{lostBefore, lostAfter} {
		for step := range 4 {
			before := w.copy()
			hers := w.again(maria, maria)
			at := len(w.texts(hers))
			for _, text := range want {
				w.write(hers, text)
			}
			before.back()
			w.brief(maria.Home(), hers, step, end, func(ctx context.Context, b *client.Book) error {
				_, err := b.Records(ctx)
				return err
			})
			if got := w.texts(w.again(maria, maria)); !slices.Equal(got[at:], want) {
				t.Errorf("stopped at step %d, %d: %q, want %q", step, end, got[at:], want)
			}
		}
	}
}

// A program that has read what the node then loses can't go back behind it: it says so, and another one of its home goes on.
func TestLostWhileConnected(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	before := w.copy()
	away := newWire(w.node.Dialer())
	config := w.config(maria.Home())
	config.Dialer = away
	hers := w.book(w.dial(config), maria, ledger.Health)
	w.write(hers, "one")
	w.texts(hers)
	before.back()
	away.lead(w.node.Dialer())
	if _, err := hers.Write(w.ctx, notes("two"), nil); !errors.Is(err, client.ErrLost) {
		t.Errorf("writing on: %v, want ErrLost", err)
	}
	next := w.again(maria, maria)
	w.reads("the patient", next, "one")
	_, err := next.Resume(w.ctx, nil)
	must(t, err)
	w.reads("the patient", next, "one", "two")
}

// What was erased before the node lost it comes back erased, and nothing at home can be read of it meanwhile.
func TestErasedSentAgain(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	before := w.copy()
	hers := w.again(maria, maria)
	ids := w.write(hers, "secret one", "two")
	_, err := hers.Erase(w.ctx, ids[0])
	must(t, err)
	for name, contents := range maria.Home().Files() {
		if bytes.Contains(contents, []byte("secret")) {
			t.Errorf("the erased record is still in %s", name)
		}
	}
	before.back()
	w.reads("the patient", w.again(maria, maria), "?", "two")
}

// An authority's chain comes back as well: whom it has removed stays removed.
func TestRemovalSentAgain(t *testing.T) {
	w := newWorld(t)
	ruiz := w.the("doctor@city-hospital")
	hospital := w.authority("city-hospital")
	w.untilSealed(hospital)
	before := w.copy()
	now := w.connect(hospital.Home())
	_, err := now.Revoke(w.ctx, client.Revocation{GID: ruiz.GID(), Reason: "left"}, nil)
	must(t, err)
	before.back()
	members, err := w.connect(hospital.Home()).Members(w.ctx)
	must(t, err)
	for _, m := range members {
		if m.GID == ruiz.GID() && len(m.Attributes) > 0 {
			t.Errorf("the doctor is back, as %v", m.Attributes)
		}
	}
}
