package view

import (
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// Climb is climb.
var Climb = climb

// LogKey returns what verifies the log's checkpoints.
func (v *View) LogKey(t testing.TB) note.Verifier {
	t.Helper()
	key, err := v.logKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
