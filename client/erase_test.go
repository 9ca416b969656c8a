package client_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// about is a draft about a record.
func about(kind chart.Kind, id ledger.EventID, text string) client.Draft {
	return client.Draft{Kind: kind, Media: chart.Note, Body: []byte(text), Refers: id}
}

func (w *world) put(b *client.Book, drafts ...client.Draft) []ledger.EventID {
	w.t.Helper()
	ids, err := b.Write(w.ctx, drafts, nil)
	must(w.t, err)
	return ids
}

func (w *world) erase(b *client.Book, ids ...ledger.EventID) *client.Erased {
	w.t.Helper()
	done, err := b.Erase(w.ctx, ids...)
	must(w.t, err)
	return done
}

func (w *world) number(b *client.Book) uint64 {
	w.t.Helper()
	_, err := b.Fact(w.ctx)
	must(w.t, err)
	return b.Head().Number
}

// Records of several epochs are erased by one event an epoch, with all that was said about them.
func TestErase(t *testing.T) {
	w := inTown(t)
	maria, doctor := w.patient(), w.the("doctor@city-hospital")
	hers, his := w.book(maria, maria, ledger.Health), w.book(doctor, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	first := w.write(hers, "a", "b", "c")
	must(t, hers.Rotate(w.ctx))
	second := w.put(his, about(chart.Amended, first[0], "a, once more"), note("d"))
	must(t, hers.Rotate(w.ctx))
	third := w.put(his, about(chart.Retracted, first[1], "b is wrong"), about(chart.Amended, first[2], "c, once more"))
	w.reads("the doctor", his, "a", "b", "c", "a, once more", "d", "b is wrong", "c, once more")

	before := w.number(hers)
	done := w.erase(hers, second[0], third[0], first[0]) // by any version
	if *done != (client.Erased{Records: 2, Versions: 4, Epochs: 3}) {
		t.Errorf("it says %+v", done)
	}
	if after := w.number(hers); after != before+3 {
		t.Errorf("it took %d events, want one an epoch", after-before)
	}
	want := []string{"?", "?", "c", "?", "d", "?", "c, once more"}
	w.reads("the patient", hers, want...)
	w.reads("the doctor", his, want...)
	w.reads("somebody who was never there before", w.book(w.connect(doctor.Home()), maria, ledger.Health), want...)
	records, err := his.Records(w.ctx)
	must(t, err)
	if records[0].Unreadable != "erased" {
		t.Errorf("the doctor is told %q", records[0].Unreadable)
	}

	if done := w.erase(hers, first[0]); *done != (client.Erased{}) {
		t.Errorf("erased again, it says %+v", done)
	}
	if _, err := hers.Erase(w.ctx, first[2], ledger.EventID{1}); err == nil {
		t.Error("what is not there is erased")
	}
	if _, err := his.Erase(w.ctx, first[2]); err == nil {
		t.Error("the doctor erases")
	}
	if _, err := his.Write(w.ctx, []client.Draft{about(chart.Amended, first[0], "a, again")}, nil); err == nil {
		t.Error("an erased record is amended")
	}
	w.write(his, "e") // and life goes on
	w.reads("the patient", hers, append(want, "e")...)
	must(t, hers.Rotate(w.ctx))
	w.reads("the doctor, in a new epoch", his, append(want, "e")...)
}

// The key state of an epoch grows with every erasure. Past what one message holds it comes in pieces.
func TestEraseMany(t *testing.T) {
	w := newWorld(t)
	maria, agent := w.patient(), w.the("agent@acme-insurance")
	hers, its := w.book(maria, maria, ledger.Health), w.book(agent, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "agent@acme-insurance"})
	texts := make([]string, 850)
	for i := range texts {
		texts[i] = fmt.Sprint("record ", i)
	}
	ids := w.write(hers, texts...)
	kept := []string{texts[0], texts[849]}
	if done := w.erase(hers, ids[1:849]...); done.Versions != 848 || done.Epochs != 1 {
		t.Errorf("it says %+v", done)
	}
	f, err := hers.Fact(w.ctx)
	must(t, err)
	if n := len(f.Epoch.Shred()); n < 4 {
		t.Errorf("the key state has %d pieces", n)
	}
	readable := func(b *client.Book) []string {
		return slices.DeleteFunc(w.texts(b), func(text string) bool { return text == "?" })
	}
	for who, b := range map[string]*client.Book{"the patient": hers, "the insurer": its} {
		if got := readable(b); !slices.Equal(got, kept) {
			t.Errorf("%s reads %q", who, got)
		}
	}
	w.write(hers, "afterwards")
	w.erase(hers, ids[0])
	if got := readable(w.book(w.connect(agent.Home()), maria, ledger.Health)); !slices.Equal(got, []string{texts[849], "afterwards"}) {
		t.Errorf("a new reader reads %q", got)
	}
}

// Erasures, writes and rotations at once: each is decided by the head of the chain, and nothing else is lost.
func TestEraseAmongWriters(t *testing.T) {
	w := inTown(t)
	maria, doctor := w.patient(), w.the("doctor@city-hospital")
	hers := w.book(maria, maria, ledger.Health)
	w.grant(hers, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	doomed := w.write(hers, "doomed 0", "doomed 1", "doomed 2", "doomed 3")
	g := new(errgroup.Group)
	for _, c := range []*client.Client{w.connect(maria.Home()), w.connect(maria.Home())} {
		b := w.book(c, maria, ledger.Health)
		g.Go(func() error {
			for _, id := range doomed { // both erase all of them
				if _, err := b.Erase(w.ctx, id); err != nil {
					return fmt.Errorf("erasing: %w", err)
				}
			}
			return nil
		})
	}
	his := w.book(doctor, maria, ledger.Health)
	g.Go(func() error {
		for i := range 6 {
			if _, err := his.Write(w.ctx, notes(fmt.Sprint("kept ", i)), nil); err != nil {
				return fmt.Errorf("writing: %w", err)
			}
			_, err := his.Write(w.ctx, []client.Draft{about(chart.Amended, doomed[i%4], "doomed too")}, nil)
			if err != nil && !strings.Contains(err.Error(), "is erased") {
				return fmt.Errorf("amending: %w", err)
			}
		}
		return nil
	})
	g.Go(func() error { return errors.Join(hers.Rotate(w.ctx), hers.Rotate(w.ctx)) })
	must(t, g.Wait())
	for who, b := range map[string]*client.Book{"the patient": hers, "the doctor": his, "a newcomer": w.book(w.connect(doctor.Home()), maria, ledger.Health)} {
		got := slices.DeleteFunc(w.texts(b), func(text string) bool { return text == "?" })
		if want := []string{"kept 0", "kept 1", "kept 2", "kept 3", "kept 4", "kept 5"}; !slices.Equal(got, want) {
			t.Errorf("%s reads %q", who, got)
		}
	}
}
