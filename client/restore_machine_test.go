package client_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// losing is a patient who writes to a node that loses what it has accepted, from programs that stop anywhere.
type losing struct {
	*world
	maria *client.Client
	story []string
	next  int

	said   []said  // what was acknowledged, in order
	copied *copied // of the node, nil before the first
	epochs uint32  // that were acknowledged to be started
}

// said is a record that was acknowledged to its author.
type said struct {
	id   ledger.EventID
	text string
}

// Whatever a patient writes, however their programs stop, and however often the node loses what it has not sealed: in the end
// everything that was acknowledged is there once, in order, and nothing else but what a program that stopped may have written.
func TestLosingMachine(t *testing.T) {
	w := newWorld(t)
	bound(t, "3", "14")
	rapid.Check(t, func(rt *rapid.T) {
		ctx, cancel := context.WithCancel(w.ctx)
		defer cancel()
		m := &losing{world: &world{t, ctx, w.place}}
		m.maria = m.patient()
		m.settled()
		rt.Repeat(map[string]func(*rapid.T){
			"write":     m.write,
			"amend":     m.amend,
			"rotate":    m.rotate,
			"interrupt": m.interrupt,
			"lose":      m.lose,
			"settle":    func(*rapid.T) { m.settled() },
		})
		m.check(rt)
	})
}

// book opens the compartment in a program of its own.
func (m *losing) book() (*client.Client, *client.Book) {
	c := m.connect(m.maria.Home())
	return c, m.world.book(c, m.maria, ledger.Health)
}

// settled waits until all is sealed, and copies what the node has on disk then: only what is not sealed may be lost.
func (m *losing) settled() {
	m.seal()
	c, b := m.book()
	m.texts(b) // what was lost is sent again
	m.untilSealed(c)
	m.copied = m.copy()
	m.story = append(m.story, "all is sealed")
}

func (m *losing) write(t *rapid.T) {
	_, b := m.book()
	m.next++
	text := fmt.Sprint("record ", m.next)
	m.put(t, b, note(text))
}

func (m *losing) amend(t *rapid.T) {
	if len(m.said) == 0 {
		t.Skip("nothing is written")
	}
	_, b := m.book()
	m.next++
	about := m.said[rapid.IntRange(0, len(m.said)-1).Draw(t, "about")]
	for strings.HasPrefix(about.text, "amended") {
		about = m.said[0]
	}
	m.put(t, b, client.Draft{Kind: chart.Amended, Media: chart.Note, Body: []byte(fmt.Sprint("amended ", m.next)), Refers: about.id})
}

func (m *losing) put(t *rapid.T, b *client.Book, d client.Draft) {
	ids, err := b.Write(m.ctx, []client.Draft{d}, nil)
	m.story = append(m.story, fmt.Sprintf("%q is written: %v", d.Body, err))
	if err != nil {
		m.fail(t, "%v", err)
	}
	m.said = append(m.said, said{ids[0], string(d.Body)})
}

func (m *losing) rotate(t *rapid.T) {
	_, b := m.book()
	err := b.Rotate(m.ctx)
	m.story = append(m.story, fmt.Sprintf("an epoch is started: %v", err))
	if err != nil {
		m.fail(t, "%v", err)
	}
	f, err := b.Fact(m.ctx)
	must(m.t, err)
	m.epochs = f.Epoch.Number
}

// interrupt has a program stop anywhere in a write, which another one finishes.
func (m *losing) interrupt(t *rapid.T) {
	m.next++
	text := fmt.Sprint("record ", m.next)
	step, end := rapid.IntRange(0, 5).Draw(t, "step"), rapid.SampledFrom([]fate{lostBefore, lostAfter}).Draw(t, "end")
	_, hers := m.book()
	m.brief(m.maria.Home(), hers, step, end, func(ctx context.Context, b *client.Book) error {
		_, err := b.Write(ctx, notes(text), nil)
		return err
	})
	if rapid.Bool().Draw(t, "lost in between") {
		m.lose(t)
	}
	_, b := m.book()
	_, err := b.Resume(m.ctx, nil)
	m.story = append(m.story, fmt.Sprintf("a program stopped at step %d, %d, of writing %q, and another went on: %v", step, end, text, err))
	if err != nil {
		m.fail(t, "%v", err)
	}
	got := m.texts(b)
	if n := len(m.said); len(got) > n && got[n] == text {
		m.said = append(m.said, said{b.Entries()[n].ID, text})
	}
}

func (m *losing) lose(*rapid.T) {
	m.copied.back()
	m.story = append(m.story, "the node loses what was not sealed")
}

func (m *losing) check(t *rapid.T) {
	for range 2 {
		_, b := m.book()
		got := m.texts(b)
		want := make([]string, len(m.said))
		for i, s := range m.said {
			want[i] = s.text
		}
		if !slices.Equal(got, want) {
			m.fail(t, "%q are there, want %q", got, want)
		}
		for i, e := range b.Entries() {
			if e.ID != m.said[i].id {
				m.fail(t, "%q came back as %s, want %s", m.said[i].text, e.ID, m.said[i].id)
			}
		}
		f, err := b.Fact(m.ctx)
		must(m.t, err)
		if f.Epoch.Number < m.epochs {
			m.fail(t, "epoch %d is in force, and %d was acknowledged", f.Epoch.Number, m.epochs)
		}
	}
}

func (m *losing) fail(t *rapid.T, format string, args ...any) {
	t.Helper()
	t.Fatalf("%s\nThe story:\n  %s", fmt.Sprintf(format, args...), strings.Join(m.story, "\n  "))
}
