package client_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/projections/chart"
)

// opensNothing checks that somebody is not let in, and opens nothing even with all that the node has.
func (w *world) opensNothing(who string, c *client.Client, hers *client.Book) {
	w.t.Helper()
	his := w.bookOf(c, hers.Patient(), hers.Compartment())
	w.barred(who, his)
	w.refused(who, his)
	f, err := hers.Fact(w.ctx)
	must(w.t, err)
	for _, term := range f.Terms {
		for _, op := range []ledger.Operation{ledger.OpRead, ledger.OpWrite} {
			if err := his.Force(w.ctx, op, term.ID); code(err) != protocol.CodeRefused {
				w.t.Errorf("%s asks the gate for a session to %s: %v, want a refusal", who, op, err)
			}
		}
	}
	parts, err := hers.Parts(w.ctx)
	must(w.t, err)
	if err := his.OpenStolen(w.ctx, f, parts); err == nil {
		w.t.Errorf("%s opens the epoch with its parts", who)
	}
	w.texts(hers)
	for _, e := range hers.Entries() {
		if his.Opens(e) {
			w.t.Errorf("%s opens a record", who)
		}
	}
}

// The trainer is granted training and opens nothing of health: the gate refuses, and so does the algebra.
func TestTrainerCannotOpenHealth(t *testing.T) {
	w := inTown(t)
	maria, trainer := w.patient(), w.the("trainer@iron-gym")
	w.the("doctor@city-hospital")
	health, training := w.book(maria, maria, ledger.Health), w.book(maria, maria, ledger.Training)
	w.grant(health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(training, client.GrantRequest{To: "trainer@iron-gym", Write: true})
	w.write(health, "blood")
	w.write(training, "sweat")
	w.reads("the trainer", w.book(trainer, maria, ledger.Training), "sweat")
	w.opensNothing("the trainer", trainer, health)
}

// Two readers hold half of what a grant asks for each. Together they open nothing, with each other's keys and all that the node
// has.
func TestAttack16_Collusion(t *testing.T) {
	w := inTown(t)
	maria, one, other := w.patient(), w.person(), w.person()
	w.enrol(one, "doctor@city-hospital")
	w.enrol(other, "doctor@county-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital and doctor@county-hospital", Write: true})
	w.write(hers, "for someone who is both")
	w.opensNothing("the first alone", one, hers)
	must(t, one.Home().AddKeys(other.Home().AttributeKeys()...))
	must(t, other.Home().AddKeys(one.Home().AttributeKeys()...))
	w.opensNothing("the first with the other's keys", one, hers)
	w.opensNothing("the other with the first's keys", other, hers)

	both := w.person()
	w.enrol(both, "doctor@city-hospital")
	w.enrol(both, "doctor@county-hospital")
	w.reads("one who is both", w.book(both, maria, ledger.Health), "for someone who is both")
}

// Attribute keys are of no use at the gate to anybody else, registered or not.
func TestAttack31_StolenAttributeKeys(t *testing.T) {
	w := inTown(t)
	maria, ruiz, thief := w.patient(), w.the("doctor@city-hospital"), w.person()
	hers := w.book(maria, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(hers, "one")
	must(t, thief.Home().AddKeys(ruiz.Home().AttributeKeys()...))
	his := w.book(thief, maria, ledger.Health)
	if _, err := his.Records(w.ctx); err == nil {
		t.Error("somebody who is not registered was let in")
	}
	must(t, thief.RegisterIdentity(w.ctx))
	w.barred("the thief", his)
	w.refused("the thief", his)
	for _, op := range []ledger.Operation{ledger.OpRead, ledger.OpWrite} {
		if err := his.Force(w.ctx, op, granted.Term.ID); code(err) != protocol.CodeRefused {
			t.Errorf("the thief asks the gate for a session to %s: %v, want a refusal", op, err)
		}
	}
	w.reads("the patient", hers, "one")
}

// A right that ends while a session is open ends there and then: what is sent in it does not count.
func TestAttack33_RevokedBeforeTheWrite(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	granted := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(his, "one")
	sealed, err := his.Seal(w.ctx, note("too late"))
	must(t, err)
	held, err := his.Hold(w.ctx, ledger.OpWrite)
	must(t, err)
	must(t, hers.Revoke(w.ctx, granted.Term.ID))
	if err := held.Submit(w.ctx, hers.Head(), nil, sealed); err == nil {
		t.Error("what was sent in a session that has ended counts")
	}
	w.reads("the patient", hers, "one")
}

// What an insurer or employer sends does not count, on whatever path.
func TestAttack51_InsurerNeverWrites(t *testing.T) {
	w := inTown(t)
	for _, who := range []string{"agent@acme-insurance", "hr@acme-works"} {
		t.Run(who, func(t *testing.T) {
			w := &world{t, t.Context(), w.place}
			w.neverWrites(who)
		})
	}
}

func (w *world) neverWrites(who string) {
	t := w.t
	maria, agent := w.patient(), w.the(who)
	w.the("doctor@city-hospital")
	hers, its := w.book(maria, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.write(hers, "one")
	granted := w.grant(hers, client.GrantRequest{To: who})
	w.reads("the representative", its, "one")

	for _, to := range []string{who, who + " or doctor@city-hospital", gid(agent), gid(agent) + " and " + who, who + " and doctor@city-hospital"} {
		if _, err := hers.Grant(w.ctx, client.GrantRequest{To: to, Write: true}); err == nil {
			t.Errorf("the client granted writing to %s", to)
		}
	}
	set := &ledger.PolicySet{Terms: []ledger.Term{granted.Term}}
	set.Terms[0].Write = true
	widened, err := hers.Event(set)
	must(t, err)
	if err := hers.Submit(w.ctx, ledger.OpLogin, nil, widened); code(err) != protocol.CodeInvalid {
		t.Errorf("the patient's own policy that lets the representative write: %v", err)
	}

	w.refused("the representative", its)
	if err := its.Force(w.ctx, ledger.OpWrite, granted.Term.ID); code(err) != protocol.CodeRefused {
		t.Errorf("the gate, asked for a session to write: %v", err)
	}
	record, err := its.Event(&ledger.RecordWritten{Content: ledger.Content{Epoch: 1, Media: chart.Note, Sealed: []byte("x")}})
	must(t, err)
	_, started, parts, err := its.Rotation(w.ctx, ledger.OpRead)
	must(t, err)
	rotated, err := its.Event(started)
	must(t, err)
	for _, op := range []ledger.Operation{ledger.OpRead, ledger.OpLogin} {
		held, err := its.Hold(w.ctx, op)
		must(t, err)
		if err := held.Submit(w.ctx, hers.Head(), nil, record); err == nil {
			t.Errorf("a record sent in a session to %s counts", op)
		}
		if err := held.Submit(w.ctx, hers.Head(), parts, rotated); err == nil {
			t.Errorf("an epoch started in a session to %s counts", op)
		}
	}
	w.epoch(hers, 1)
	w.reads("the patient", hers, "one")
}

// A writer takes a sealed record elsewhere: under another id, into another compartment, another patient's record, another epoch.
// It opens nowhere but where it was sealed.
func TestAttack42_CiphertextElsewhere(t *testing.T) {
	w := inTown(t)
	maria, nora, ruiz := w.patient(), w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	must(t, maria.CreateCompartment(w.ctx, "emergency", ledger.HealthClass))
	places := map[string]*client.Book{
		"the same compartment": hers, "another compartment": w.book(maria, maria, "emergency"), "another patient": w.book(nora, nora, ledger.Health),
	}
	for _, b := range places {
		w.grant(b, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	}
	w.write(w.book(ruiz, maria, ledger.Health), "sealed once")
	w.texts(hers)
	original := hers.Entries()[0].Body.(*ledger.RecordWritten).Content
	for name, b := range places {
		his := w.bookOf(ruiz, b.Patient(), b.Compartment())
		copied := original
		if b == hers {
			// A leaf stands only once in an epoch.
			leaf := copied.Leaf
			leaf[0]++
			copied.Leaf = leaf
		}
		w.republish(his, copied)
		got := w.texts(b)
		if got[len(got)-1] != "?" {
			t.Errorf("in %s it reads %q", name, got[len(got)-1])
		}
	}
	must(t, hers.Rotate(w.ctx))
	copied := original
	copied.Epoch = 2
	w.republish(w.book(ruiz, maria, ledger.Health), copied)
	w.reads("the patient", hers, "sealed once", "?", "?")
	w.reads("the doctor", w.book(ruiz, maria, ledger.Health), "sealed once", "?", "?")
}

func (w *world) republish(b *client.Book, c ledger.Content) {
	w.t.Helper()
	e, err := b.Event(&ledger.RecordWritten{Content: c})
	must(w.t, err)
	must(w.t, b.Submit(w.ctx, ledger.OpWrite, nil, e))
}

// A node that was set back to an older state is noticed by everyone who saw more of it, and nothing is written there.
func TestAttack34_OldHead(t *testing.T) {
	w := newWorld(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(hers, "one")
	must(t, w.stop())
	old := t.TempDir()
	must(t, os.CopyFS(old, os.DirFS(w.dir)))
	must(t, filepath.WalkDir(old, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	must(t, os.Chmod(filepath.Join(old, "keys"), 0o700))
	must(t, w.start())

	w.write(w.book(w.connect(maria.Home()), maria, ledger.Health), "two")
	w.reads("the doctor", w.book(w.connect(ruiz.Home()), maria, ledger.Health), "one", "two")
	live := newWire(w.node.Dialer())
	config := w.config(maria.Home())
	config.Dialer = live
	before := w.book(w.dial(config), maria, ledger.Health)
	w.reads("the patient", before, "one", "two")

	must(t, w.stop())
	w.dir = old
	must(t, w.start())
	live.lead(w.node.Dialer())
	for name, b := range map[string]*client.Book{
		"the patient":                    w.book(w.connect(maria.Home()), maria, ledger.Health),
		"the patient, connected before,": before,
		"the doctor":                     w.book(w.connect(ruiz.Home()), maria, ledger.Health),
	} {
		if got, err := b.Records(w.ctx); !errors.Is(err, client.ErrLost) || !strings.Contains(err.Error(), "operator") {
			t.Errorf("%s reads %d records, %v; want ErrLost", name, len(got), err)
		}
		if _, err := b.Write(w.ctx, notes("three"), nil); !errors.Is(err, client.ErrLost) {
			t.Errorf("%s writes: %v; want ErrLost", name, err)
		}
	}
	w.reads("who has seen nothing before", w.book(w.connect(client.HomeOf(maria.Home().Identity())), maria, ledger.Health), "one")
}

// An invitation that is used up, has expired, or is guessed enrols nobody.
func TestAttack56_Enrolment(t *testing.T) {
	w := newWorld(t)
	hospital := w.authority("city-hospital")
	once, _, err := hospital.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}})
	must(t, err)
	first := w.person()
	_, err = first.Enroll(w.ctx, once, "the first")
	must(t, err)
	short, _, err := hospital.Invite(w.ctx, authority.Offer{Attributes: []string{"doctor"}, Expires: w.clock.now().Add(time.Hour)})
	must(t, err)
	other, err := authority.New(rand.Reader, hospital.GID(), "city-hospital", ledger.Hospital)
	must(t, err)
	guessed, _, err := other.Invite(rand.Reader, w.clock.now(), authority.Offer{Attributes: []string{"doctor"}})
	must(t, err)
	w.clock.forward(time.Hour)
	for name, code := range map[string]authority.Code{"used up": once, "expired": short, "guessed": guessed} {
		w.notEnrolled(name, code)
	}
	members, err := hospital.Members(w.ctx)
	if err != nil || len(members) != 1 || members[0].GID != first.GID() {
		t.Errorf("members %+v, %v; want the first alone", members, err)
	}
}

// notEnrolled checks that the authority refuses a code.
func (w *world) notEnrolled(name string, code authority.Code) {
	w.t.Helper()
	who := w.person()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, err := who.Enroll(ctx, code, name)
		done <- err
	}()
	select {
	case <-w.refusals:
	case err := <-done:
		w.t.Errorf("%s: enrolled, %v", name, err)
		return
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "has not answered") {
		w.t.Errorf("%s: %v", name, err)
	}
	if keys := who.Home().AttributeKeys(); len(keys) != 0 {
		w.t.Errorf("%s: %d keys were issued", name, len(keys))
	}
}
