package embedded_test

import (
	"strings"
	"testing"

	"github.com/phrledger/phr/ledger/stream/embedded"
)

// Two servers on one directory would destroy its ledger: the second is refused, until the first is closed.
func TestOneServerADirectory(t *testing.T) {
	dir := t.TempDir()
	first, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := embedded.Start(t.Context(), embedded.Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second server: %v", err)
	}
	first.Close()
	second, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}
