package gate_test

import (
	"testing"

	"github.com/phrledger/phr/authority/gate"
)

type asked struct {
	filter string
	from   uint64
	want   string
}

// Which consumer of a session gives way to a new one.
func TestPlaces(t *testing.T) {
	for _, tt := range []struct {
		name  string
		asked []asked
	}{
		{"each chain has its own", []asked{{"x", 0, "a"}, {"y", 0, "b"}, {"z", 0, "c"}}},
		{"reading on takes the place of reading", []asked{{"x", 0, "a"}, {"x", 5, "a"}, {"x", 9, "a"}, {"y", 9, "b"}}},
		{"two readers from one entry on", []asked{{"x", 5, "a"}, {"x", 5, "b"}, {"x", 5, "c"}}},
		{"a tail stays while another reads on", []asked{{"x", 0, "a"}, {"x", 5, "a"}, {"x", 5, "b"}, {"x", 6, "b"}, {"x", 7, "b"}}},
		{"the oldest gives way when there are too many", []asked{{"x", 0, "a"}, {"y", 0, "b"}, {"z", 0, "c"}, {"w", 0, "a"}, {"x", 0, "b"}}},
		{"reading anew from the beginning", []asked{{"x", 5, "a"}, {"x", 0, "b"}, {"x", 6, "b"}, {"x", 7, "b"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			places := gate.NewPlaces("a", "b", "c")
			for i, q := range tt.asked {
				if got := places.Choose(q.filter, q.from); got != q.want {
					t.Errorf("request %d, %s from %d: %s, want %s", i+1, q.filter, q.from, got, q.want)
				}
			}
		})
	}
}
