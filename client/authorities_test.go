package client_test

import (
	"fmt"
	"slices"
	"testing"
)

// Somebody who wants to share sees whom there is to share with, as it is now.
func TestAuthorities(t *testing.T) {
	w := newWorld(t)
	maria := w.patient()
	listed := func() (all []string) {
		t.Helper()
		found, err := maria.Authorities(w.ctx)
		must(t, err)
		for _, a := range found {
			line := fmt.Sprintf("%s %s %t", a.Name, a.Role, a.Active)
			for _, f := range a.Attributes {
				line += fmt.Sprintf(" %s:%d", f.Attribute.Name, f.Version)
			}
			all = append(all, line)
		}
		return all
	}
	if got, want := listed(), []string{"phr registry true auditor:1"}; !slices.Equal(got, want) {
		t.Errorf("at first: %q, want %q", got, want)
	}
	ruiz := w.the("nurse@city-hospital")
	w.enrol(ruiz, "doctor@city-hospital")
	w.the("agent@acme-insurance")
	w.version(w.authority("city-hospital"), "doctor", 2, ruiz)
	w.suspend("acme-insurance")
	want := []string{"acme-insurance insurer false agent:1", "city-hospital hospital true doctor:2 nurse:1", "phr registry true auditor:1"}
	if got := listed(); !slices.Equal(got, want) {
		t.Errorf("later: %q, want %q", got, want)
	}
}
