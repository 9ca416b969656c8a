package policy_test

import (
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/policy"
)

func contains(set []policy.Attribute, a policy.Attribute) bool { return slices.Contains(set, a) }

func TestSatisfied(t *testing.T) {
	const p = "patient@phr or doctor@city and (2 of (a@xx, b@yy, c@zz) or chief@city)"
	for _, tt := range []struct {
		policy, held string
		ok           bool
		missing      string
	}{
		{p, "patient@phr", true, ""},
		{p, "doctor@city chief@city", true, ""},
		{p, "doctor@city a@xx c@zz", true, ""},
		{p, "", false, "patient@phr | chief@city doctor@city | a@xx b@yy doctor@city | a@xx c@zz doctor@city | b@yy c@zz doctor@city"},
		{p, "doctor@city", false, "chief@city | patient@phr | a@xx b@yy | a@xx c@zz | b@yy c@zz"},
		{p, "doctor@city b@yy", false, "a@xx | c@zz | chief@city | patient@phr"},
		{p, "a@xx b@yy c@zz chief@city", false, "doctor@city | patient@phr"},
		{p, "doctor@other patient@other", false, "patient@phr | chief@city doctor@city | a@xx b@yy doctor@city | a@xx c@zz doctor@city | b@yy c@zz doctor@city"},
		{"2 of (a@xx, a@xx, b@yy)", "b@yy", false, "a@xx"},
		{"2 of (a@xx, a@xx, b@yy)", "a@xx", true, ""},
	} {
		ok, missing := mustParse(t, tt.policy).Satisfied(holding(t, tt.held))
		if ok != tt.ok || list(missing) != tt.missing {
			t.Errorf("%q with %q = %v, %q, want %v, %q", tt.policy, tt.held, ok, list(missing), tt.ok, tt.missing)
		}
	}
}

func TestCoalitions(t *testing.T) {
	for text, want := range map[string]string{
		"a@xx":                                 "xx",
		"a@xx and b@xx and c@xx":               "xx",
		"a@xx and b@yy":                        "xx yy",
		"a@xx and (b@yy or c@zz)":              "xx yy | xx zz",
		"a@xx and b@yy or c@xx":                "xx",
		"2 of (a@xx, b@xx, c@yy)":              "xx",
		"2 of (a@xx, b@yy, c@zz)":              "xx yy | xx zz | yy zz",
		"2 of (a@xx, b@yy, c@zz) and d@" + gid: gid + " xx yy | " + gid + " xx zz | " + gid + " yy zz",
	} {
		got, err := mustParse(t, text).Coalitions()
		if err != nil || list(got) != want {
			t.Errorf("Coalitions of %q = %q, %v, want %q", text, list(got), err, want)
		}
	}
}

func TestMinimalSetsUpToTheLimit(t *testing.T) {
	pairs := func(n int) *policy.Policy {
		return mustParse(t, wide(n, " and ", func(i int) string { return "(" + attribute(2*i) + " or " + attribute(2*i+1) + ")" }))
	}
	sets, err := pairs(12).MinimalSets()
	if err != nil || len(sets) != policy.MaxSets {
		t.Errorf("2^12 sets: got %d, %v", len(sets), err)
	}
	if _, err := pairs(13).MinimalSets(); err == nil {
		t.Error("2^13 sets: no error")
	}
	// The way there must not be wider than the answer.
	if sets, err := mustParse(t, "63 of ("+wide(64, ", ", attribute)+")").MinimalSets(); err != nil || len(sets) != 64 {
		t.Errorf("63 of 64: got %d sets, %v, want 64", len(sets), err)
	}
}

func TestWithout(t *testing.T) {
	for _, tt := range []struct{ in, drop, want string }{
		{"PATIENT@PHR or DOCTOR@HOSPITAL", "patient@phr", "doctor@hospital"},
		{"patient@phr or a@xx or b@yy and c@zz", "patient@phr", "a@xx or (b@yy and c@zz)"},
		{"patient@phr and a@xx or b@yy", "patient@phr", "b@yy or (a@xx and patient@phr)"},
		{"patient@phr and a@xx or b@yy", "patient@phr a@xx", "b@yy"},
		{"1 of (patient@phr, 2 of (a@xx, b@yy, c@zz))", "patient@phr", "2 of (a@xx, b@yy, c@zz)"},
		{"2 of (patient@phr, a@xx, b@yy)", "patient@phr", "2 of (a@xx, b@yy, patient@phr)"},
		{"a@xx and b@yy", "a@xx", "a@xx and b@yy"},
		{"a@xx", "", "a@xx"},

		{"patient@phr", "patient@phr", ""},
		{"patient@phr and auditor@phr", "patient@phr auditor@phr", ""},
		{"patient@phr or auditor@phr", "patient@phr auditor@phr", ""},
		{"patient@phr or (patient@phr and doctor@hospital)", "patient@phr", ""},
	} {
		p, ok := mustParse(t, tt.in).Without(holding(t, tt.drop))
		if ok != (tt.want != "") || ok && p.String() != tt.want {
			t.Errorf("%q without %q = %v, %v, want %q", tt.in, tt.drop, p, ok, tt.want)
		}
	}
}
