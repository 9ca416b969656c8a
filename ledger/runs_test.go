package ledger_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// link describes an entry: on which chain, by whom, signed or not, and what it goes on from.
type link struct {
	name   string
	chain  ledger.Compartment
	author identity.GID
	signed bool
	after  string
	kind   ledger.Body
}

func (l link) entry() *ledger.Entry {
	e := &ledger.Entry{Event: &ledger.Event{Chain: ledger.RecordChain("p", l.chain), Author: l.author, Body: l.kind}, Hash: named(l.name)}
	if l.after != "" {
		e.Prev = named(l.after)
	}
	if l.signed {
		e.Signature = make([]byte, 64)
	}
	return e
}

func named(name string) (h ledger.Hash) {
	copy(h[:], name)
	return h
}

func TestRuns(t *testing.T) {
	record := new(ledger.RecordWritten)
	for _, tt := range []struct {
		name    string
		links   []link
		want    []string // runs in the order they are complete
		waiting int
	}{
		{name: "signed singly", links: []link{
			{"a", ledger.Health, "x", true, "", record}, {"b", ledger.Health, "x", true, "a", record},
		}, want: []string{"[a]", "[b]"}},
		{name: "one run", links: []link{
			{"a", ledger.Health, "x", false, "", record},
			{"b", ledger.Health, "x", false, "a", record},
			{"c", ledger.Health, "x", true, "b", record},
		}, want: []string{"[a b c]"}},
		{name: "not complete yet", links: []link{
			{"a", ledger.Health, "x", false, "", record}, {"b", ledger.Health, "x", false, "a", record},
		}, waiting: 2},
		{name: "two chains mixed", links: []link{
			{"a", ledger.Health, "x", false, "", record},
			{"k", ledger.Training, "y", false, "", record},
			{"b", ledger.Health, "x", true, "a", record},
			{"l", ledger.Training, "y", true, "k", record},
		}, want: []string{"[a b]", "[k l]"}},
		{name: "cut off by another author", links: []link{
			{"a", ledger.Health, "x", false, "", record}, {"b", ledger.Health, "y", true, "a", record},
		}, want: []string{"[a]", "[b]"}},
		{name: "cut off by another kind", links: []link{
			{"a", ledger.Health, "x", false, "", record}, {"b", ledger.Health, "x", true, "a", new(ledger.PolicySet)},
		}, want: []string{"[a]", "[b]"}},
		{name: "cut off by an event that goes on from another", links: []link{
			{"z", ledger.Health, "x", true, "", record},
			{"a", ledger.Health, "x", false, "z", record},
			{"b", ledger.Health, "x", true, "z", record},
		}, want: []string{"[z]", "[a]", "[b]"}},
		{name: "cut off by another run", links: []link{
			{"a", ledger.Health, "x", false, "", record},
			{"b", ledger.Health, "x", false, "", record},
			{"c", ledger.Health, "x", true, "b", record},
		}, want: []string{"[a]", "[b c]"}},
		{name: "unsigned, of a kind that is always signed", links: []link{
			{"a", ledger.Health, "x", false, "", new(ledger.PolicySet)},
		}, want: []string{"[a]"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var runs ledger.Runs
			var got []string
			for _, l := range tt.links {
				for _, run := range runs.Add(l.entry()) {
					got = append(got, names(run))
				}
			}
			if !slices.Equal(got, tt.want) || runs.Waiting() != tt.waiting {
				t.Errorf("runs %v, %d waiting; want %v, %d", got, runs.Waiting(), tt.want, tt.waiting)
			}
		})
	}
}

func names(run []*ledger.Entry) string {
	var names []string
	for _, e := range run {
		names = append(names, string(e.Hash[:1]))
	}
	return fmt.Sprint(names)
}

// What never gets a signature does not wait without bound.
func TestRunsAreBounded(t *testing.T) {
	var runs ledger.Runs
	var longest int
	for i := range 5000 {
		e := link{fmt.Sprint(i + 1), ledger.Health, "x", false, fmt.Sprint(i), new(ledger.RecordWritten)}.entry()
		for _, run := range runs.Add(e) {
			longest = max(longest, len(run))
		}
		if runs.Waiting() > 1000 {
			t.Fatalf("%d entries wait", runs.Waiting())
		}
	}
	if longest != 1000 {
		t.Errorf("the longest run has %d entries", longest)
	}
}
