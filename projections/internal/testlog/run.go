package testlog

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/projections"
)

// Tables applies the whole log to new tables and returns them. They are closed when the test ends.
func (l *Log) Tables(t testing.TB, ps ...projections.Projection) *sql.DB {
	t.Helper()
	r, err := projections.Open(t.Context(), projections.Config{
		Path: filepath.Join(t.TempDir(), "tables"), Root: l.Root.GID(), Source: l, Projections: ps,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	CatchUp(t, r, l)
	return r.DB()
}

// CatchUp runs r until it has all of the log, and stops it.
func CatchUp(t testing.TB, r *projections.Runner, l *Log) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- r.Run(ctx)
		stop()
	}()
	waited := r.Wait(ctx, l.Len())
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("Run = %v", err)
	}
	if waited != nil {
		t.Fatal(waited)
	}
}
