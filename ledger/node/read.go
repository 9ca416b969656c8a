package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// ReadLog calls fn with the log in a node's data directory, read where it lies, and returns its error. No node may run on
// the directory. Reading is done by a server without a listener in this process, which repairs its own indexes as any
// start does: of a directory that is evidence, read a copy.
func ReadLog(ctx context.Context, dir string, fn func(*stream.Ledger) error) error {
	if _, err := os.Stat(filepath.Join(dir, "jetstream")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not the directory of a node: it has no log", dir)
	} else if err != nil {
		return fmt.Errorf("opening the directory of a node: %w", err)
	}
	s, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return fmt.Errorf("opening the log in %s: %w", dir, err)
	}
	defer s.Close()
	return fn(s.Ledger())
}
