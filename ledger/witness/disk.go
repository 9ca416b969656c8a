package witness

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// What stands in a witness's directory.
const (
	keyFile        = "key"         // the secret key, 0600
	logsFile       = "logs"        // the keys of the logs that it follows, one a line
	checkpointsDir = "checkpoints" // the newest checkpoint of each log that it cosigned, with its cosignature
	evidenceDir    = "evidence"    // what logs have signed that does not fit together
)

// maxEvidence is how many files evidence may take up: a log that misbehaves does not fill the disk.
const maxEvidence = 1000

func makeDirectories(dir string) error {
	for _, d := range []string{dir, filepath.Join(dir, checkpointsDir), filepath.Join(dir, evidenceDir)} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	return errors.Join(syncDirectory(filepath.Dir(dir)), syncDirectory(dir))
}

// openSecret reads the secret key. It is made at the first start, and never again: a witness that has cosigned and lost its key is
// another one.
func openSecret(dir, name string) (string, error) {
	path := filepath.Join(dir, keyFile)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(dir, name)
	}
	if err != nil {
		return "", err
	}
	if mode := info.Mode(); !mode.IsRegular() || exposed(mode) {
		return "", fmt.Errorf("refusing %s: its mode is %v, it must be a file of its owner's alone (chmod 600 %s)", path, mode, path)
	}
	secret, err := os.ReadFile(path)
	return strings.TrimSuffix(string(secret), "\n"), err
}

func makeSecret(dir, name string) (string, error) {
	left, err := os.ReadDir(filepath.Join(dir, checkpointsDir))
	if err != nil {
		return "", err
	}
	if len(left) > 0 {
		return "", errors.New("there are checkpoints, and the key that cosigned them is missing: bring it back, or begin in another directory")
	}
	if name == "" {
		name = "phr-witness/" + strings.ToLower(rand.Text()[:13])
	}
	secret, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return "", err
	}
	if _, _, err := parseSecret(secret); err != nil {
		return "", fmt.Errorf("making a key with the name %q, in which no space or plus may stand: %w", name, err)
	}
	return secret, writeFile(filepath.Join(dir, keyFile), []byte(secret+"\n"))
}

func readLogs(dir string) ([]Key, error) {
	text, err := os.ReadFile(filepath.Join(dir, logsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var keys []Key
	for line := range strings.Lines(string(text)) {
		key, err := ParseKey(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, fmt.Errorf("reading the logs that it follows: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func writeLogs(dir string, keys []Key) error {
	var b bytes.Buffer
	for _, key := range keys {
		fmt.Fprintln(&b, key)
	}
	return writeFile(filepath.Join(dir, logsFile), b.Bytes())
}

// checkpointPath is where the newest checkpoint of a log is. Origins hold any characters, so its name is a hash.
func checkpointPath(dir, origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return filepath.Join(dir, checkpointsDir, hex.EncodeToString(sum[:]))
}

// readCheckpoint returns nil if none was cosigned.
func readCheckpoint(dir, origin string) ([]byte, error) {
	signed, err := os.ReadFile(checkpointPath(dir, origin))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return signed, err
}

func writeCheckpoint(dir, origin string, signed []byte) error {
	return writeFile(checkpointPath(dir, origin), signed)
}

// keepEvidence writes what was cosigned and what was asked for into a file, and returns its path. One that is there stays: with
// fs.ErrExist.
func keepEvidence(dir, what string, c Checkpoint, cosigned, asked []byte) (string, error) {
	dir = filepath.Join(dir, evidenceDir)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root))
	path := filepath.Join(dir, what+"-"+hex.EncodeToString(sum[:8]))
	if _, err := os.Lstat(path); err == nil {
		return "", fs.ErrExist
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(files) >= maxEvidence {
		return "", fmt.Errorf("there are %d files already", len(files))
	}
	return path, writeFile(path, fmt.Appendf(nil, "cosigned before:\n\n%s\nasked for:\n\n%s", cosigned, asked))
}

// writeFile replaces a file, such that a crash leaves the old one or the new one, and the new one stays once it returned.
func writeFile(path string, contents []byte) error {
	fresh := path + ".new" // the lock says that nobody else writes it; what a crash left of it is overwritten
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}
