package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nats-io/nkeys"
)

// A keyring holds the keys a node rules its server by. Whoever has one of them has the ledger, though not what is sealed
// in it.
type keyring struct {
	operator, system, ledger, clients key
}

// A key is an nkey and its public half.
type key struct {
	nkeys.KeyPair
	public string
}

// openKeys reads the keys in dir, or makes them at the first start. It refuses a directory or file that others of this
// machine may read.
func openKeys(dir string) (*keyring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the server's keys: %w", err)
	}
	if err := checkPrivate(dir); err != nil {
		return nil, err
	}
	var k keyring
	for _, f := range []struct {
		name string
		key  *key
		kind nkeys.PrefixByte
	}{
		{"operator.nk", &k.operator, nkeys.PrefixByteOperator},
		{"system.nk", &k.system, nkeys.PrefixByteAccount},
		{"ledger.nk", &k.ledger, nkeys.PrefixByteAccount},
		{"clients.nk", &k.clients, nkeys.PrefixByteAccount},
	} {
		var err error
		if *f.key, err = openKey(filepath.Join(dir, f.name), f.kind); err != nil {
			return nil, err
		}
	}
	return &k, nil
}

func openKey(path string, kind nkeys.PrefixByte) (key, error) {
	seed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		seed, err = makeKey(path, kind)
	}
	if err != nil {
		return key{}, fmt.Errorf("opening a server key: %w", err)
	}
	if err := checkPrivate(path); err != nil {
		return key{}, err
	}
	pair, err := nkeys.FromSeed(seed)
	if err != nil {
		return key{}, fmt.Errorf("opening server key %s: %w", path, err)
	}
	public, err := pair.PublicKey()
	if err != nil || nkeys.Prefix(public) != kind {
		return key{}, fmt.Errorf("opening server key %s: not a key of kind %s", path, kind)
	}
	return key{pair, public}, nil
}

// makeKey writes a new seed. It is complete on disk before anything is signed with it: a crash before the rename leaves
// no key, one after it the whole key.
func makeKey(path string, kind nkeys.PrefixByte) ([]byte, error) {
	pair, err := nkeys.CreatePair(kind)
	if err != nil {
		return nil, err
	}
	seed, err := pair.Seed()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return nil, err
	}
	_, err = f.Write(seed)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()))
	}
	return seed, nil
}

// checkPrivate refuses a file or directory that its group or others can reach, and one that is a link to elsewhere.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("opening the server's keys: %w", err)
	}
	if mode := info.Mode(); mode.Perm()&0o077 != 0 || mode.Type()&^fs.ModeDir != 0 {
		return fmt.Errorf("refusing %s: its mode is %v, it must be its owner's alone (chmod go= %s)", path, mode, path)
	}
	return nil
}
