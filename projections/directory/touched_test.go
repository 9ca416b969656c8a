package directory_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/directory"
	"github.com/phrledger/phr/projections/internal/testlog"
)

// What rests on an attribute is every term that names it, alone or with others, by chain, and goes on after any chain.
func TestTouched(t *testing.T) {
	l := testlog.New(t)
	l.Authority("city-hospital", ledger.Hospital, "doctor", "nurse")
	l.Authority("insurer", ledger.Insurer, "agent")
	p, q, r := l.Patient(), l.Patient(), l.Patient()
	want := []ledger.TermID{
		l.Grant(p, "doctor@city-hospital", true), l.Grant(p, "agent@insurer and doctor@city-hospital", false), l.Grant(q, "agent@insurer or doctor@city-hospital", false),
	}
	l.Grant(q, "nurse@city-hospital", false)
	l.Grant(r, "doctor@city-hospital", true)
	l.Revoke(r)
	d := directory.New(l.Tables(t, directory.Projection{}))
	doctor := policy.Attribute{Name: "doctor", Authority: "city-hospital"}
	live := func(c ledger.Chain, _ ledger.TermID) (int64, bool) { return int64(len(c.Owner)), true }

	all, err := d.Touched(t.Context(), doctor, "", live)
	if err != nil {
		t.Fatal(err)
	}
	var got []ledger.TermID
	for i, term := range all.Terms {
		got = append(got, term.Term)
		if term.Since == 0 || i > 0 && all.Terms[i-1].Chain > term.Chain {
			t.Errorf("term %d is %+v", i, term)
		}
	}
	sortTerms(got)
	sortTerms(want)
	if !slices.Equal(got, want) {
		t.Errorf("touched are %v, want %v", got, want)
	}

	first := all.Terms[0].Chain
	rest, err := d.Touched(t.Context(), doctor, first, live)
	if err != nil || len(rest.Terms) == 0 || len(rest.Terms) == len(all.Terms) || rest.Terms[0].Chain <= first {
		t.Errorf("after the first chain: %+v, %v", rest, err)
	}
	none, err := d.Touched(t.Context(), doctor, "", func(ledger.Chain, ledger.TermID) (int64, bool) { return 0, false })
	if err != nil || len(none.Terms) != 0 {
		t.Errorf("terms that are not in force: %+v, %v", none, err)
	}
}
