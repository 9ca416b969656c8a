package view_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/web/view"
)

// Records as others write them are shown in words.
func TestRealRecords(t *testing.T) {
	root := os.Getenv("PHR_TESTDATA")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared", "data")
	}
	files, err := filepath.Glob(filepath.Join(root, "synthea", "*.json.gz"))
	must(t, err)
	if len(files) == 0 {
		t.Skipf("no sample data of third parties in %s; set PHR_TESTDATA to their folder", root)
	}
	w := newWorld(t)
	p := w.patient("Somebody")
	for _, file := range files[:2] {
		content, err := os.ReadFile(file)
		must(t, err)
		preview := call[view.ImportPreview](p, "import.preview", view.File{Name: filepath.Base(file), Bytes: content})
		if preview.Token == "" {
			t.Fatalf("%s: %q", file, preview.Bad)
		}
		call[view.Written](p, "import.make", view.Token{Token: preview.Token})
	}
	today := call[view.Today](p, "today", view.Nothing{})
	if len(today.Trends) != 3 || len(today.Recent) != 6 {
		t.Errorf("%d trends, %q", len(today.Trends), titles(today.Recent))
	}
	categories := make(map[string]int)
	for _, row := range call[view.Timeline](p, "timeline", view.TimelineQuery{}).Rows {
		categories[row.Category]++
		if row.Title == "" || row.Sealed != "" {
			t.Errorf("%+v has no title, or is sealed", row)
		}
	}
	for _, c := range []string{"lab", "vital", "medicine", "condition", "visit", "procedure", "immunization"} {
		if categories[c] == 0 {
			t.Errorf("nothing is %s: %v", c, categories)
		}
	}
}
