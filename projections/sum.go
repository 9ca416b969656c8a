package projections

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
)

// sumPath is where Close leaves the SHA-256 of the tables' file. It is there only while nobody has the tables open.
func (r *Runner) sumPath() string { return r.config.Path + ".sum" }

// trust removes tables that Close has not vouched for: they are made again from the log. After a crash that is all of them.
func (r *Runner) trust(ctx context.Context) error {
	there, err := fileSum(r.config.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return r.remove()
	}
	if err != nil {
		return err
	}
	vouched, err := os.ReadFile(r.sumPath())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.log.InfoContext(ctx, "projection_rebuild", "reason", "they were not closed")
		return r.remove()
	case err != nil:
		return err
	case !bytes.Equal(vouched, there):
		r.log.WarnContext(ctx, "projection_rebuild", "reason", "their file is damaged")
		return r.remove()
	}
	// From here on they change. If we were to crash now, they would be made again although they are whole.
	return os.Remove(r.sumPath())
}

// remove removes the tables, and what SQLite keeps beside them.
func (r *Runner) remove() error {
	for _, path := range []string{r.sumPath(), r.config.Path, r.config.Path + "-wal", r.config.Path + "-shm"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// vouch leaves the sum of the tables, which are closed.
func (r *Runner) vouch() error {
	if r.suspect {
		return nil
	}
	if info, err := os.Stat(r.config.Path + "-wal"); err == nil && info.Size() > 0 {
		return nil // not all of it is in the file
	}
	sum, err := fileSum(r.config.Path)
	if err != nil {
		return err
	}
	return os.WriteFile(r.sumPath(), sum, 0o600)
}

func fileSum(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}
