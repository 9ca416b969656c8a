package web_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/phrledger/phr/web"
)

// The cache does not grow with every change of the source, and what is in use stays.
func TestPrune(t *testing.T) {
	parent := t.TempDir()
	for i := range web.KeptPrograms + 3 {
		dir := filepath.Join(parent, fmt.Sprint(i))
		must(t, os.Mkdir(dir, 0o700))
		must(t, os.WriteFile(filepath.Join(dir, "phr.wasm.br"), nil, 0o600))
		used := time.Now().Add(-time.Duration(i) * time.Hour)
		must(t, os.Chtimes(dir, used, used))
	}
	must(t, web.Prune(parent))
	left, err := os.ReadDir(parent)
	must(t, err)
	if len(left) != web.KeptPrograms {
		t.Errorf("%d are left", len(left))
	}
	for _, e := range left {
		if n := e.Name(); n == "8" || n == "9" || n == "10" {
			t.Errorf("%s is left, which was used long ago", n)
		}
	}
}

// What a program serves is the same each time it is opened, from the cache too, and verifies itself.
func TestOpen(t *testing.T) {
	first, err := web.Open(t.Context(), nil)
	must(t, err)
	again, err := web.Open(t.Context(), func(string) { t.Error("it is built again") })
	must(t, err)
	c, err := again.Verify(t.Context(), served(t, web.Config{Build: first}))
	must(t, err)
	if len(c.Differences) > 0 || c.Files < 5 || c.Go != c.OwnGo {
		t.Errorf("%+v", c)
	}
}
