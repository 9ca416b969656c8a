//go:build !unix

package embedded

import (
	"fmt"
	"os"
	"path/filepath"
)

// Lock opens the file that locks dir where that is possible. Here it is not: whoever starts a node must know that no other
// runs on the directory.
func Lock(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the node's directory: %w", err)
	}
	return f, nil
}
