package node_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
)

// No byte of a private key stands anywhere but in "keys", nor in a log: not after use, and not after a restart.
func TestCanary(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	must(t, w.doctor.write(t, s, w.health, 1))
	w.stop()
	w.running = run(t, node.Config{Dir: w.dir, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	w.stop()
	secrets := secretsIn(t, filepath.Join(w.dir, "keys"))
	for name, id := range map[string]*person{"doctor": w.doctor, "patient": w.patient, "hospital": w.hospital} {
		for _, seed := range byteStrings(t, id.Bytes()) {
			secrets[name+" "+hex.EncodeToString(seed[:2])] = seed
		}
	}
	if len(secrets) < 12 {
		t.Fatalf("only %d secrets were found", len(secrets))
	}
	files := 0
	must(t, filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) == "keys" {
			return err
		}
		files++
		contents, err := os.ReadFile(path)
		findSecrets(t, path, contents, secrets)
		return err
	}))
	findSecrets(t, "the log", log.Bytes(), secrets)
	if files < 10 {
		t.Errorf("only %d files were looked at", files)
	}
}

// secretsIn collects what must not be seen elsewhere: the seeds of nkeys, and the secret byte strings of the other keys.
func secretsIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	secrets := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		contents, err := os.ReadFile(filepath.Join(dir, e.Name()))
		must(t, err)
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
		switch {
		case strings.HasSuffix(e.Name(), ".nk"), strings.HasSuffix(e.Name(), ".seed"), strings.HasSuffix(e.Name(), ".recovery"):
			secrets[e.Name()] = contents
		default:
			for _, seed := range byteStrings(t, contents) {
				secrets[e.Name()+" "+hex.EncodeToString(seed[:2])] = seed
			}
		}
	}
	return secrets
}

// byteStrings returns the secrets of an encoded identity or authority: in an identity those after the public inception.
func byteStrings(t *testing.T, encoded []byte) (found [][]byte) {
	t.Helper()
	var fields []any
	must(t, canonical.Unmarshal(encoded, &fields))
	if seal, person := fields[len(fields)-1].([]any); person {
		return append(found, fields[5].([]byte), seal[0].([]byte))
	}
	var master []any
	must(t, canonical.Unmarshal(fields[3].([]byte), &master))
	secret := master[2].([]byte)
	return append(found, secret[:32], secret[32:])
}

func findSecrets(t *testing.T, where string, contents []byte, secrets map[string][]byte) {
	t.Helper()
	for name, secret := range secrets {
		for _, form := range [][]byte{
			secret, []byte(hex.EncodeToString(secret)), []byte(base64.StdEncoding.EncodeToString(secret)[:40]),
			[]byte(base64.RawURLEncoding.EncodeToString(secret)[:40]),
		} {
			if bytes.Contains(contents, form) {
				t.Errorf("%s shows the secret of %s", where, name)
			}
		}
	}
}
