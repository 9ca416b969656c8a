package client_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/epoch"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// stored returns the parts that the node has of a compartment, as epoch.name.
func (w *world) stored(b *client.Book) []string {
	w.t.Helper()
	chain := ledger.RecordChain(b.Patient(), b.Compartment())
	prefix := "key." + ledger.Shard(chain.Owner) + "." + chain.Owner + "." + string(chain.Compartment) + "."
	var all []string
	must(w.t, w.disk().Parts(w.ctx, prefix+">", func(p stream.Part) error {
		tokens := strings.Split(strings.TrimPrefix(p.Subject, prefix), ".")
		all = append(all, tokens[0]+"."+tokens[1])
		return nil
	}))
	slices.Sort(all)
	return all
}

// erased waits until the node has erased parts, each named as stored does.
func (w *world) erased(b *client.Book, names ...string) {
	w.t.Helper()
	for slices.ContainsFunc(w.stored(b), func(name string) bool { return slices.Contains(names, name) }) {
		must(w.t, w.ctx.Err())
	}
}

// disk is the node's own side of what it stores.
func (w *world) disk() *stream.Ledger {
	return w.node.Dialer().(interface{ Ledger() *stream.Ledger }).Ledger()
}

// lose makes the node lose a part of the epoch in force.
func (w *world) lose(b *client.Book, name string) {
	w.t.Helper()
	f, err := b.Fact(w.ctx)
	must(w.t, err)
	p, ok := f.Epoch.Part(name)
	if !ok {
		w.t.Fatalf("there is no part %q", name)
	}
	must(w.t, w.disk().DeletePart(w.ctx, ledger.PartSubject(f.Chain, f.Epoch.Number, p.Name, p.Hash)))
}

// vouched checks what the patient has said of an epoch.
func (w *world) vouched(b *client.Book, number uint32, confirmed, linked bool) {
	w.t.Helper()
	f, err := b.Fact(w.ctx)
	must(w.t, err)
	if e, ok := f.At(number); !ok || e.Confirmed != confirmed || e.Linked != linked {
		w.t.Errorf("epoch %d of %d: %+v; want confirmed %v, linked %v", number, f.Epoch.Number, e, confirmed, linked)
	}
}

// cold is somebody's book as a new program sees it, which remembers nothing.
func (w *world) cold(b *client.Book, home *client.Home) *client.Book {
	return w.bookOf(w.connect(home), b.Patient(), b.Compartment())
}

// The patient's client confirms an epoch that a doctor started, once, when the patient reads. The wraps before it go, and
// nobody misses them: not those who come for the first time, nor those who are let in later.
func TestPatientConfirms(t *testing.T) {
	w := inTown(t)
	maria, ruiz, agent, trainer := w.patient(), w.the("doctor@city-hospital"), w.the("agent@acme-insurance"), w.the("hr@acme-works")
	hers := w.book(maria, maria, ledger.Health)
	doctors := w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true}).Term.ID
	agents := w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"}).Term.ID
	w.write(hers, "one")
	his := w.book(ruiz, maria, ledger.Health)
	must(t, his.Rotate(w.ctx))
	w.write(his, "two")
	w.vouched(his, 2, false, false)
	old := []string{"1." + ledger.WrapName(agents), "1." + ledger.WrapName(doctors)}
	for _, name := range old {
		if !slices.Contains(w.stored(his), name) {
			t.Errorf("%s is gone before the patient has seen what follows it", name)
		}
	}

	w.reads("the patient", hers, "one", "two")
	w.vouched(hers, 2, true, true)
	head := hers.Head()
	w.reads("the patient", hers, "one", "two")
	w.reads("the patient, anew,", w.cold(hers, maria.Home()), "one", "two")
	w.vouched(hers, 2, true, true)
	if now := hers.Head(); now != head {
		t.Errorf("reading went on appending: from %d to %d", head.Number, now.Number)
	}
	w.erased(hers, old...)
	w.reads("the insurer, for the first time,", w.book(agent, maria, ledger.Health), "one", "two")
	w.reads("the doctor, anew,", w.cold(hers, ruiz.Home()), "one", "two")
	w.grant(hers, client.GrantRequest{To: "hr@acme-works"})
	w.reads("the employer, let in later,", w.book(trainer, maria, ledger.Health), "one", "two")
}

// A grant from now on keeps its wraps as long as it is in force, and no longer.
func TestWrapsFromNowOnStay(t *testing.T) {
	w := inTown(t)
	maria, agent := w.patient(), w.the("agent@acme-insurance")
	hers, its := w.book(maria, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.write(hers, "one")
	term := w.grant(hers, client.GrantRequest{To: "agent@acme-insurance", FromNow: true}).Term.ID
	for _, text := range []string{"two", "three", "four"} {
		w.write(hers, text)
		must(t, hers.Rotate(w.ctx))
	}
	w.reads("the insurer, for the first time,", its, "?", "two", "three", "four")
	must(t, hers.Revoke(w.ctx, term))
	for n := range 5 {
		w.erased(hers, fmt.Sprintf("%d.%s", n+1, ledger.WrapName(term)))
	}
}

// Whoever watches confirms too.
func TestWatchingConfirms(t *testing.T) {
	w := inTown(t)
	maria, ruiz := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(ruiz, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	seen := w.watch(w.ctx, hers)
	must(t, his.Rotate(w.ctx))
	w.write(his, "one")
	seen.next("one")
	w.write(his, "two") // by now what came with the first is done
	seen.next("two")
	w.vouched(his, 2, true, true)
}

// A doctor let in from now on can't link an epoch to the one before. Whoever holds both comes by and does: a doctor with
// history who writes, or the patient who reads.
func TestPendingLinkIsFilled(t *testing.T) {
	w := inTown(t)
	for _, patientFirst := range []bool{false, true} {
		maria, ruiz, second, agent := w.patient(), w.the("doctor@city-hospital"), w.the("doctor@county-hospital"), w.the("agent@acme-insurance")
		hers := w.book(maria, maria, ledger.Health)
		w.write(hers, "one")
		w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true, FromNow: true})
		w.grant(hers, client.GrantRequest{To: "doctor@county-hospital", Write: true})
		w.write(hers, "two")
		his, other := w.book(ruiz, maria, ledger.Health), w.book(second, maria, ledger.Health)
		must(t, his.Rotate(w.ctx))
		must(t, his.Rotate(w.ctx))
		w.write(his, "three")
		linked := func(number uint32) bool {
			f, err := his.Fact(w.ctx)
			must(t, err)
			e, _ := f.At(number)
			_, ok := e.Part(ledger.PartLink)
			return ok
		}
		if linked(3) || linked(4) {
			t.Fatal("somebody let in from now on has linked epochs")
		}
		if patientFirst {
			w.reads("the patient", hers, "one", "two", "three")
			w.vouched(hers, 3, true, true)
			w.vouched(hers, 4, true, true)
		} else {
			w.write(other, "four")
			w.vouched(other, 3, false, false)
		}
		if !linked(3) || !linked(4) {
			t.Fatalf("with the patient first %v: the links are not filled", patientFirst)
		}
		w.texts(hers)
		w.vouched(hers, 4, true, true)
		w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
		want := w.texts(hers)
		w.reads("the insurer, let in later,", w.book(agent, maria, ledger.Health), want...)
		w.reads("the second doctor, anew,", w.cold(hers, second.Home()), want...)
		want[0] = "?"
		w.reads("the doctor, anew,", w.cold(hers, ruiz.Home()), want...)
	}
}

// The patient is left without the keys of an epoch in which others have written already. When one of them comes by, the link
// back from the next epoch brings the patient what was written.
func TestAttack47_PatientLeftOut(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	must(t, r.forge(r.his, func(f *forged) { f.replace(ledger.PartOwner, []byte("garbage")) }))
	r.write(r.his, "two")
	r.reads("the patient", r.hers, "one", "?")
	r.disputed(2)
	r.vouched(r.hers, 3, true, false)
	r.reads("the patient, still", r.hers, "one", "?")
	r.epoch(r.hers, 3)
	r.write(r.other, "three")
	r.reads("the patient", r.hers, "one", "two", "three")
	r.vouched(r.hers, 3, true, true)
	r.reads("the insurer", r.its, "one", "two", "three")
	r.epoch(r.hers, 3)
}

// A link that leads elsewhere is disputed by whoever comes by with the keys, and replaced, also when its epoch is over.
func TestAttack47_LinkToOtherKeys(t *testing.T) {
	w := inTown(t)
	elsewhere := func(r *rotations, f *forged) []byte {
		at := epoch.Place{Patient: string(r.hers.Patient()), Compartment: string(ledger.Health), Epoch: f.started.Epoch}
		one, err := epoch.Generate(zeros{})
		must(r.t, err)
		link, err := epoch.SealLink(zeros{}, at, one, one)
		must(r.t, err)
		return link
	}
	for _, c := range []struct {
		name string
		heal func(*rotations)
	}{
		{"the patient reads", func(r *rotations) { r.texts(r.hers) }},
		{"a doctor writes", func(r *rotations) { r.write(r.other, "two") }},
		{"the patient grants", func(r *rotations) { r.grant(r.hers, client.GrantRequest{To: "hr@acme-works"}) }},
		{"when its epoch is over", func(r *rotations) {
			must(r.t, r.forge(r.his, func(*forged) {}))
			r.texts(r.hers)
		}},
	} {
		r := w.rotations()
		employer := r.bookOf(r.the("hr@acme-works"), r.hers.Patient(), ledger.Health)
		r.write(r.hers, "one")
		must(t, r.forge(r.his, func(f *forged) { f.replace(ledger.PartLink, elsewhere(r, f)) }))
		before := r.stored(r.hers)
		if !slices.Contains(before, "1."+ledger.WrapName(r.agents)) {
			t.Errorf("%s: a broken link stands for the wraps before it", c.name)
		}
		r.reads("the insurer meanwhile", r.its, r.texts(r.its)...)
		c.heal(r)
		r.texts(r.hers)
		want := r.texts(r.hers)
		r.vouched(r.hers, 2, true, true)
		r.grant(r.hers, client.GrantRequest{To: "hr@acme-works"})
		r.reads(c.name+": the employer, let in later,", employer, want...)
	}
}

// zeros is no randomness at all.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// A node that erases what is still needed is found out: who needs it says so, and the next epoch makes it good.
func TestAttack47_PartsErasedEarly(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	r.lose(r.hers, ledger.WrapName(r.agents))
	records, err := r.its.Records(r.ctx)
	must(t, err)
	if why := records[0].Unreadable; !strings.Contains(why, "the node does not have part") || !strings.Contains(why, "tell the patient") {
		t.Errorf("the insurer is told %q", why)
	}
	r.epoch(r.its, 1)
	r.lose(r.hers, ledger.WrapName(r.doctors))
	r.write(r.other, "two")
	r.disputed(1)
	r.lose(r.hers, ledger.PartShred)
	r.lose(r.hers, ledger.PartOwner)
	fresh := r.cold(r.hers, r.maria.Home())
	r.texts(fresh)
	r.disputed(2)
	r.write(r.his, "three")
	// The shred of the second epoch is lost for good: its records are as if erased. All others are there, once the patient,
	// whom the doctor has given the keys of the second epoch back, has linked that to the first.
	for _, b := range []*client.Book{fresh, r.cold(r.hers, r.the("doctor@county-hospital").Home())} {
		if got := r.texts(b); !slices.Equal(got, []string{"one", "?", "three"}) {
			t.Errorf("they read %q", got)
		}
	}
}

// An epoch commits to keys that none of its parts hold. Nobody takes what they hold instead: the patient disputes it, or a
// doctor who is about to write, and readers wait for the next epoch.
func TestAttack47_OtherKeysThanCommittedTo(t *testing.T) {
	w := inTown(t)
	for name, change := range map[string]func(*forged){
		"key":         func(f *forged) { f.started.KID[0]++ },
		"history key": func(f *forged) { f.started.HID[0]++ },
	} {
		for _, byPatient := range []bool{true, false} {
			r := w.rotations()
			r.write(r.hers, "one")
			must(t, r.forge(r.his, change))
			if got := r.texts(r.its); len(got) != 1 {
				t.Errorf("another %s: the insurer reads %q", name, got)
			}
			if byPatient {
				r.texts(r.hers)
			} else {
				r.write(r.other, "two")
			}
			r.disputed(2)
			want := r.texts(r.hers)
			if slices.Contains(want, "?") {
				t.Errorf("another %s: the patient reads %q", name, want)
			}
			r.reads("the insurer, anew", r.cold(r.hers, r.the("agent@acme-insurance").Home()), want...)
		}
	}
}

// What a part holds that is submitted for another chain or epoch is nobody's.
func TestAttack47_PartsOfAnotherCompartment(t *testing.T) {
	r := inTown(t).rotations()
	r.write(r.hers, "one")
	for name, change := range map[string]func(*protocol.PartData){
		"another epoch":       func(p *protocol.PartData) { p.Epoch++ },
		"another compartment": func(p *protocol.PartData) { p.Chain = ledger.RecordChain(r.hers.Patient(), ledger.Training).String() },
		"another patient": func(p *protocol.PartData) {
			p.Chain = ledger.RecordChain(r.the("doctor@city-hospital").GID(), ledger.Health).String()
		},
	} {
		if err := r.forge(r.his, func(f *forged) { change(&f.parts[0]) }); err == nil {
			t.Errorf("%s: started", name)
		}
	}
	r.epoch(r.hers, 1)
}
