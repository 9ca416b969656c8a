package projections_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/internal/testlog"
)

// Tables that follow from the log are told from those that don't, wherever they stand, and which tables it is.
func TestCompare(t *testing.T) {
	s := newSample(t)
	ps := all[3].projections
	for _, tt := range []struct {
		name   string
		at     uint64
		change string // of the tables, in SQL
		log    *testlog.Log
		want   []string
	}{
		{"as they are", s.Len(), ``, s.Log, nil},
		{"a little behind", s.Len() - 3, ``, s.Log, nil},
		{"within a run", 30, ``, s.Log, nil},
		{"empty", 0, ``, s.Log, nil},
		{"a row less", s.Len(), `DELETE FROM rejected WHERE sequence = (SELECT min(sequence) FROM rejected)`, s.Log, []string{"rejected"}},
		{"other decisions", s.Len(), `UPDATE progress SET hash = zeroblob(32)`, s.Log, []string{"progress"}},
		{"no decisions", s.Len(), `UPDATE progress SET hash = x''`, s.Log, []string{"progress"}},
		{"a table more", s.Len(), `CREATE TABLE more (x)`, s.Log, []string{"more"}},
		{"a table less", s.Len(), `DROP TABLE quarantine`, s.Log, []string{"quarantine"}},
		{"further than they are", s.Len() - 3, `UPDATE progress SET sequence = sequence + 1`, s.Log, []string{"line", "progress", "volume"}},
		{"further than the log", s.Len(), ``, s.Until(s.Len() - 1), []string{"progress"}},
		{"no progress", s.Len(), `DELETE FROM progress`, s.Log, []string{"progress"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "tables")
			restart(t, file, s.Until(tt.at), ps)
			change(t, file, tt.change)
			c := projections.Config{Path: filepath.Join(t.TempDir(), "anew"), Root: s.Root.GID(), Source: tt.log, Projections: ps}
			got, err := projections.Compare(t.Context(), c, file)
			if err != nil || !slices.Equal(got.Differ, tt.want) {
				t.Errorf("%+v, %v, want %q", got, err, tt.want)
			}
			if tt.want == nil && got.Position != tt.at {
				t.Errorf("at %d, want %d", got.Position, tt.at)
			}
		})
	}
}

// change changes tables behind everybody's back.
func change(t *testing.T, file, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", file)
	if err == nil && statement != "" {
		_, err = db.Exec(statement)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestCompareErrors(t *testing.T) {
	s := newSample(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "tables")
	c := projections.Config{Path: filepath.Join(dir, "anew"), Root: s.Root.GID(), Source: s.Log, Projections: all[0].projections}
	if _, err := projections.Compare(t.Context(), c, file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without tables: %v", err)
	}
	restart(t, file, s.Log, all[1].projections)
	if _, err := projections.Compare(t.Context(), c, file); !errors.Is(err, projections.ErrOtherVersion) {
		t.Errorf("with those of others: %v", err)
	}
	if err := os.WriteFile(file, []byte("no tables at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := projections.Compare(t.Context(), c, file); err != nil || len(got.Differ) == 0 {
		t.Errorf("with something else: %+v, %v", got, err)
	}
}
