package client_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// leave writes while nobody listens: the drafts wait at home.
func (w *world) leave(b *client.Book, drafts ...client.Draft) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	if _, err := b.Write(ctx, drafts, nil); err == nil {
		w.t.Error("written, with nobody listening")
	}
}

// What waits at home about an erased record is dropped; what waits beside it is not.
func TestEraseDropsDrafts(t *testing.T) {
	w := inTown(t)
	home, dir := createHome(t)
	maria := w.connect(home)
	must(t, maria.RegisterPatient(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	ids := w.write(hers, "doomed", "kept")
	w.leave(hers, about(chart.Amended, ids[0], "doomed, amended"), about(chart.Amended, ids[1], "kept, amended"))
	w.leave(hers, about(chart.Retracted, ids[0], "doomed, retracted"))
	w.leave(hers, note("another"))
	if done := w.erase(hers, ids[0]); done.Drafts != 2 || done.Versions != 1 {
		t.Errorf("it says %+v", done)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "outbox-*[0-9a-z]")); err != nil || len(drafts(files)) != 2 {
		t.Errorf("in the outbox are %q, %v", files, err)
	}
	if _, err := hers.Resume(w.ctx, nil); err != nil {
		t.Fatal(err)
	}
	w.reads("the patient", hers, "?", "kept", "another", "kept, amended")
	w.nothingLeft(hers)
}

// drafts leaves out the locks among the files of an outbox.
func drafts(files []string) (all []string) {
	for _, f := range files {
		if !strings.HasSuffix(f, ".lock") {
			all = append(all, f)
		}
	}
	return all
}

// A writer's draft about a record that was erased meanwhile is refused, said, and dropped.
func TestDraftAboutErased(t *testing.T) {
	w := inTown(t)
	maria, doctor := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	ids := w.write(his, "doomed")
	w.leave(his, about(chart.Amended, ids[0], "again"))
	w.erase(hers, ids...)
	if _, err := his.Resume(w.ctx, nil); err == nil || !strings.Contains(err.Error(), "is erased") {
		t.Errorf("resumed: %v", err)
	}
	w.nothingLeft(his)
}

// Nobody gets at a compartment that is erased, whatever they hold; the others are as they were.
func TestEraseCompartment(t *testing.T) {
	w := inTown(t)
	maria, doctor := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	training := w.book(maria, maria, ledger.Training)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.write(his, "seen")
	w.write(training, "ran")
	w.leave(hers, note("never sent"))
	if err := doctor.EraseCompartment(w.ctx, ledger.Health, ""); err == nil {
		t.Error("somebody erases a compartment they do not have")
	}
	must(t, maria.EraseCompartment(w.ctx, ledger.Health, "starting anew"))
	must(t, maria.EraseCompartment(w.ctx, ledger.Health, "starting anew"))

	w.barred("the doctor", his)
	w.barred("somebody who was never there before", w.book(w.connect(doctor.Home()), maria, ledger.Health))
	if _, err := hers.Records(w.ctx); !errors.Is(err, client.ErrErased) {
		t.Errorf("the patient reads it: %v", err)
	}
	if _, err := hers.Write(w.ctx, notes("late"), nil); !errors.Is(err, client.ErrErased) {
		t.Errorf("the patient writes to it: %v", err)
	}
	if err := maria.CreateCompartment(w.ctx, ledger.Health, ledger.HealthClass); !errors.Is(err, client.ErrErased) {
		t.Errorf("created again: %v", err)
	}
	must(t, maria.RegisterPatient(w.ctx)) // changes nothing
	facts, err := maria.Compartments(w.ctx)
	if err != nil || len(facts) != 1 || facts[0].Chain.Compartment != ledger.Training {
		t.Errorf("left are %v, %v", facts, err)
	}
	w.reads("the patient", training, "ran")
	if unsent, err := maria.Home().Unsent(); err != nil || len(unsent) > 0 {
		t.Errorf("unsent %v, %v", unsent, err)
	}
}

// After a record is erased as a whole, nobody is let in, nothing follows, and the home keeps nothing of it.
func TestErasePatient(t *testing.T) {
	w := inTown(t)
	home, dir := createHome(t)
	maria := w.connect(home)
	must(t, maria.RegisterPatient(w.ctx))
	doctor, friend := w.the("doctor@city-hospital"), w.person()
	must(t, friend.RegisterIdentity(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(hers, client.GrantRequest{To: gid(friend)})
	w.write(w.book(doctor, maria, ledger.Health), "seen")
	w.reads("a friend", w.book(friend, maria, ledger.Health), "seen")
	must(t, maria.CreateCompartment(w.ctx, "dental", ledger.HealthClass))
	w.leave(hers, note("never sent"))
	if told := w.newcomers(maria); len(told) != 2 {
		t.Errorf("told of %q", told)
	}

	must(t, maria.ErasePatient(w.ctx, client.EraseRequest{Reason: "emigrated"}))
	must(t, maria.ErasePatient(w.ctx, client.EraseRequest{}))
	for who, c := range map[string]*client.Client{"the doctor": doctor, "a friend": friend, "a friend, from a new computer": w.connect(friend.Home())} {
		w.barred(who, w.book(c, maria, ledger.Health))
		if shared, err := c.Shared(w.ctx); err != nil || len(shared) > 0 && shared[0].Chain.GID() == maria.GID() {
			t.Errorf("%s is told of %v, %v", who, shared, err)
		}
	}
	if err := maria.RegisterPatient(w.ctx); err == nil {
		t.Error("registered again")
	}
	if err := maria.CreateCompartment(w.ctx, "another", ledger.HealthClass); err == nil {
		t.Error("a compartment is created")
	}
	log, err := maria.AccessLog(w.ctx)
	if err != nil || len(log) == 0 {
		t.Errorf("the access log has %d lines: %v", len(log), err)
	}
	files, err := fs.Glob(os.DirFS(dir), "head-*")
	if err != nil || len(files) != 3 { // profile, access and the person
		t.Errorf("the home keeps %q, %v", files, err)
	}
	if files, err = fs.Glob(os.DirFS(dir), "met"); err != nil || len(files) != 0 || len(w.newcomers(maria)) != 0 {
		t.Errorf("the home keeps %q, %v", files, err)
	}
	if files, err = fs.Glob(os.DirFS(dir), "outbox-*"); err != nil || len(drafts(files)) != 0 {
		t.Errorf("the home keeps %q, %v", files, err)
	}
	if home.HasMaster() {
		t.Error("the home keeps the key of the patient's own authority")
	}

	must(t, maria.ErasePatient(w.ctx, client.EraseRequest{Revoke: true}))
	if _, err := friend.Person(w.ctx, maria.GID()); err == nil {
		t.Error("the identity is in force")
	}
	must(t, w.connect(home).ErasePatient(w.ctx, client.EraseRequest{Revoke: true})) // as after a crash
}

// Record and identity go in one submission.
func TestErasePatientAndIdentity(t *testing.T) {
	w := inTown(t)
	maria := w.patient()
	w.write(w.book(maria, maria, ledger.Health), "gone")
	must(t, maria.ErasePatient(w.ctx, client.EraseRequest{Revoke: true}))
	if _, err := maria.AccessLog(w.ctx); err == nil {
		t.Error("somebody logs in under a revoked identity")
	}
	must(t, maria.ErasePatient(w.ctx, client.EraseRequest{}))
	stranger := w.person()
	if err := stranger.ErasePatient(w.ctx, client.EraseRequest{}); err == nil {
		t.Error("who is no patient erases a record")
	}
	must(t, stranger.RegisterIdentity(w.ctx))
	if err := stranger.ErasePatient(w.ctx, client.EraseRequest{}); err == nil {
		t.Error("who is no patient erases a record")
	}
}

// What is put into the place of a file that is removed is nothing.
func TestRemovedIsOverwritten(t *testing.T) {
	w := inTown(t)
	home, dir := createHome(t)
	maria := w.connect(home)
	must(t, maria.RegisterPatient(w.ctx))
	hers := w.book(maria, maria, ledger.Health)
	w.leave(hers, note("never sent"))
	files, err := filepath.Glob(filepath.Join(dir, "outbox-*[0-9a-z]"))
	must(t, err)
	open, err := os.Open(drafts(files)[0])
	must(t, err)
	defer open.Close()
	must(t, maria.EraseCompartment(w.ctx, ledger.Health, ""))
	var left bytes.Buffer
	if n, err := left.ReadFrom(open); err != nil || n == 0 || len(bytes.Trim(left.Bytes(), "\x00")) > 0 {
		t.Errorf("%d bytes of a removed draft are left: %v", n, err)
	}
}
