package ledger_test

import (
	"fmt"
	"testing"

	"github.com/phrledger/phr/ledger"
)

func TestRecords(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.Content)
		err  error
		text string
	}{
		{"as it is", func(*world, *ledger.Content) {}, nil, ""},
		{"a past epoch", func(_ *world, b *ledger.Content) { b.Epoch = 0 }, ledger.ErrStale, "sealed for another epoch"},
		{"a future epoch", func(_ *world, b *ledger.Content) { b.Epoch = 2 }, ledger.ErrStale, "sealed for another epoch"},
		{"a leaf that is used", func(w *world, b *ledger.Content) { b.Leaf = w.first.Body.(*ledger.RecordWritten).Content.Leaf }, ledger.ErrInvalid, "draw another"},
		{"another bucket", func(_ *world, b *ledger.Content) { b.Bucket++ }, ledger.ErrInvalid, "not one of the bucket"},
		{"a body cut short", func(_ *world, b *ledger.Content) { b.Sealed = b.Sealed[:len(b.Sealed)-1] }, ledger.ErrInvalid, "not one of the bucket"},
		{"no body", func(_ *world, b *ledger.Content) { b.Sealed = nil }, ledger.ErrInvalid, "not one of the bucket"},
		{"no media class", func(_ *world, b *ledger.Content) { b.Media = "" }, ledger.ErrInvalid, "media class"},
		{"a media class that is text", func(_ *world, b *ledger.Content) { b.Media = "HIV test" }, ledger.ErrInvalid, "media class"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			content := w.content(w.health)
			tt.edit(w, &content)
			for _, b := range []ledger.Body{
				&ledger.RecordWritten{Content: content}, &ledger.RecordAmended{Content: content, Refers: w.first.ID},
				&ledger.RecordRetracted{Content: content, Refers: w.first.ID},
			} {
				if err := w.state.Fork().Fold(w.place(w.signed(w.patient, w.health, b))...); tt.err != nil {
					refused(t, err, tt.err, tt.text)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// What is said about a record is said about one that was written in that compartment and is not erased.
func TestRecordsReferToRecords(t *testing.T) {
	w := newWorld(t)
	amended := w.say(w.patient, w.health, &ledger.RecordAmended{Content: w.content(w.health), Refers: w.first.ID})
	elsewhere := w.say(w.patient, w.training, w.record(w.training))
	set, _ := w.state.Compartment(w.health)
	gone := w.say(w.patient, w.health, w.record(w.health))
	w.say(w.patient, w.health, w.erasure(gone))
	for _, tt := range []struct {
		name string
		id   ledger.EventID
		text string
	}{
		{"the record", w.first.ID, ""},
		{"its amendment", amended.ID, "no record was written as"},
		{"nothing", ledger.EventID{}, "no record was written as"},
		{"a policy", set.Set.ID, "no record was written as"},
		{"a record of another compartment", elsewhere.ID, "no record was written as"},
		{"an erased one", gone.ID, "is erased"},
	} {
		for _, b := range []ledger.Body{
			&ledger.RecordAmended{Content: w.content(w.health), Refers: tt.id}, &ledger.RecordRetracted{Content: w.content(w.health), Refers: tt.id},
		} {
			t.Run(fmt.Sprintf("%s of %s", b.Kind(), tt.name), func(t *testing.T) {
				err := w.state.Fork().Fold(w.place(w.signed(w.patient, w.health, b))...)
				if tt.text != "" {
					refused(t, err, ledger.ErrInvalid, tt.text)
				} else if err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestErasure(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(*world, *ledger.RecordErased)
		text string
	}{
		{"as it is", func(*world, *ledger.RecordErased) {}, ""},
		{"nothing", func(_ *world, b *ledger.RecordErased) { b.Records, b.Leaves = nil, nil }, "names no records"},
		{"no leaf", func(_ *world, b *ledger.RecordErased) { b.Leaves = nil }, "not their leaves"},
		{"no shred", func(_ *world, b *ledger.RecordErased) { b.Shred = ledger.Hash{} }, "no new key state"},
		{"another leaf", func(_ *world, b *ledger.RecordErased) { b.Leaves[0][0] ^= 1 }, "there is no record"},
		{"another epoch", func(_ *world, b *ledger.RecordErased) { b.Epoch = 2 }, "there is no record"},
		{"epoch none", func(_ *world, b *ledger.RecordErased) { b.Epoch = 0 }, "there is no record"},
		{"the same twice", func(_ *world, b *ledger.RecordErased) {
			b.Records, b.Leaves = append(b.Records, b.Records...), append(b.Leaves, b.Leaves...)
		}, "there is no record"},
		{"no record", func(w *world, b *ledger.RecordErased) {
			f, _ := w.state.Compartment(w.health)
			b.Epoch, b.Records, b.Leaves = 0, []ledger.EventID{f.Set.ID}, [][6]byte{{}}
		}, "there is no record"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			b := w.erasure(w.first)
			tt.edit(w, b)
			err := w.try(w.signed(w.patient, w.health, b))
			if tt.text != "" {
				refused(t, err, ledger.ErrInvalid, tt.text)
				if w.state.Erased(w.health, w.first.ID) {
					t.Error("a refused erasure erased it")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			refused(t, w.try(w.signed(w.patient, w.health, w.erasure(w.first))), ledger.ErrInvalid, "there is no record")
		})
	}
}

// An erasure gives the record's own epoch a new shred, also when that is past.
func TestErasureInEachEpoch(t *testing.T) {
	w := newWorld(t)
	records := []*ledger.Entry{w.first}
	for range 2 {
		w.say(w.patient, w.health, w.start(w.health))
		records = append(records, w.say(w.patient, w.health, w.record(w.health)))
	}
	before, _ := w.state.Compartment(w.health)
	for i, e := range records {
		b := w.erasure(e)
		w.say(w.patient, w.health, b)
		if !w.state.Erased(w.health, e.ID) || w.state.Erased(w.training, e.ID) {
			t.Error("not erased, or in another compartment")
		}
		f, _ := w.state.Compartment(w.health)
		now, _ := f.At(uint32(i + 1))
		if shred, ok := now.Part(ledger.PartShred); !ok || shred.Hash != b.Shred || now.Erased != 1 {
			t.Errorf("epoch %d has the shred %v after %d erasures", i+1, shred.Hash, now.Erased)
		}
		was, _ := before.At(uint32(i + 1))
		if shred, _ := was.Part(ledger.PartShred); shred.Hash == b.Shred || len(was.Parts) != len(now.Parts) {
			t.Error("what was read before has changed, or a part was added")
		}
	}
	s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
	e := w.say(w.doctor, w.health, w.record(w.health), in(s))
	refused(t, w.try(w.signed(w.doctor, w.health, w.erasure(e), in(s))), ledger.ErrInvalid, "only the patient erases")
}

func TestRunIsSignedOnce(t *testing.T) {
	newRun := func(t *testing.T, edit func(*world, []*ledger.Event)) (*world, error) {
		w := newWorld(t)
		s := w.open(w.doctor, w.health, ledger.OpWrite, w.byDoctor)
		events := w.run(w.doctor, w.health, 3, in(s))
		edit(w, events)
		return w, w.tryFold(w.place(events...)...)
	}
	for _, tt := range []struct {
		name string
		edit func(*world, []*ledger.Event)
		err  error
		text string
	}{
		{"the last", func(*world, []*ledger.Event) {}, nil, ""},
		{"none", func(_ *world, run []*ledger.Event) { run[2].Signature = nil }, ledger.ErrInvalid, "signature"},
		{"all", func(w *world, run []*ledger.Event) { w.sign(w.doctor, run[0]) }, ledger.ErrInvalid, "unsigned, and not part of a run"},
		{"one changed behind it", func(_ *world, run []*ledger.Event) { run[0].Time = run[0].Time.Add(-1e6) }, ledger.ErrConflict, "moved on"},
		{"one left out", func(_ *world, run []*ledger.Event) { run[1] = run[2] }, ledger.ErrConflict, "moved on"},
		{"two authors", func(w *world, run []*ledger.Event) { run[0].Author = w.nurse.GID() }, ledger.ErrInvalid, "not part of a run"},
		{"two sessions", func(_ *world, run []*ledger.Event) { run[0].Session[3]++ }, ledger.ErrInvalid, "not part of a run"},
		{"another kind inside", func(_ *world, run []*ledger.Event) { run[1].Body = &ledger.EpochConfirmed{Epoch: 1} }, ledger.ErrInvalid, "not part of a run"},
		{"a leaf twice", func(w *world, run []*ledger.Event) {
			run[1].Body = run[0].Body
			run[2].Prev = ledger.HashEvent(must(run[1].Marshal()))
			w.sign(w.doctor, run[2])
		}, ledger.ErrInvalid, "draw another"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, err := newRun(t, tt.edit)
			f, _ := w.state.Compartment(w.health)
			if tt.err != nil {
				refused(t, err, tt.err, tt.text)
				if f.Epoch.Records != 1 {
					t.Error("part of the run counts")
				}
			} else if err != nil || f.Epoch.Records != 4 {
				t.Errorf("%d records count: %v", f.Epoch.Records, err)
			}
		})
	}
}
