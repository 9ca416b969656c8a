package node_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections"
)

// The tables of a node that has stopped follow from its log, until somebody changes them.
func TestCompareTables(t *testing.T) {
	w := newWorld(t)
	h, err := w.Health(t.Context())
	must(t, err)
	root := w.URL().Root
	w.stop()
	compare := func() (c projections.Comparison) {
		must(t, node.ReadLog(t.Context(), w.dir, func(l *stream.Ledger) (err error) {
			c, err = node.CompareTables(t.Context(), w.dir, root, audit.Of(l), h.Tables.Last)
			return err
		}))
		return c
	}
	if c := compare(); len(c.Differ) != 0 || c.Position == 0 {
		t.Errorf("%+v of a log with %d entries", c, h.Tables.Last)
	}
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "projections.db"))
	must(t, err)
	_, err = db.Exec(`DELETE FROM enrolled`)
	must(t, err)
	must(t, db.Close())
	if c := compare(); !slices.Equal(c.Differ, []string{"enrolled"}) {
		t.Errorf("%+v once those who were enrolled are left out", c)
	}
	if err := node.ReadLog(t.Context(), t.TempDir(), nil); err == nil {
		t.Error("an empty directory has a log")
	}
}
