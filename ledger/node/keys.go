package node

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// The files in "keys", beside the server's own. Those of root and registry may be taken offline.
const (
	keysDir      = "keys"
	rootFile     = "root.identity"
	nodeFile     = "node.identity"
	gateFile     = "gate.seed"
	logFile      = "log.seed"
	registryFile = "registry.identity"
	abeFile      = "registry.authority"
)

// keys are the node's own.
type keys struct {
	root     identity.GID
	rootKey  *identity.Identity // nil if it is offline
	node     *identity.Identity
	gate     ed25519.PrivateKey
	log      ed25519.PrivateKey   // signs checkpoints
	registry *identity.Identity   // nil if it is offline
	phr      *authority.Authority // the registry as an authority; nil if it is offline
}

// openKeys reads the keys of the node in dir, or makes them at the first start, and the one for checkpoints while nothing is sealed.
// It refuses files that others of this machine may read.
func openKeys(dir string, sealed bool) (*keys, error) {
	k := new(keys)
	if err := os.MkdirAll(filepath.Join(dir, keysDir), 0o700); err != nil {
		return nil, err
	}
	if err := checkPrivate(filepath.Join(dir, keysDir)); err != nil {
		return nil, err
	}
	pinned, err := pinnedRoot(dir)
	if err != nil {
		return nil, err
	}
	first := pinned == "" // once the node has a URL, a missing key is one that was taken away
	if k.rootKey, err = openIdentity(dir, rootFile, first); err != nil {
		return nil, err
	}
	if k.root = pinned; first {
		k.root = k.rootKey.GID()
	}
	if k.rootKey != nil && k.rootKey.GID() != k.root {
		return nil, fmt.Errorf("%s is not the root that %s names", rootFile, urlFile)
	}
	if k.node, err = openIdentity(dir, nodeFile, first); err == nil && k.node == nil {
		err = fmt.Errorf("%s is missing", nodeFile)
	}
	if err != nil {
		return nil, err
	}
	if k.registry, k.phr, err = openRegistry(dir, first); err != nil {
		return nil, err
	}
	if k.gate, err = openSeed(dir, gateFile, first); err != nil {
		return nil, err
	}
	k.log, err = openSeed(dir, logFile, !sealed)
	return k, err
}

// pinnedRoot returns the root that the node's URL names; none before the node was first ready.
func pinnedRoot(dir string) (identity.GID, error) {
	text, err := os.ReadFile(filepath.Join(dir, urlFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	url, err := protocol.ParseURL(string(text))
	return url.Root, err
}

// openIdentity reads an identity. One that is not there is made at the first start, and nil after it. The key that could replace
// it is written beside it.
func openIdentity(dir, name string, first bool) (*identity.Identity, error) {
	encoded, err := readKey(dir, name)
	if err != nil {
		return nil, err
	}
	if encoded != nil {
		id, err := identity.Parse(encoded)
		if err != nil {
			return nil, fmt.Errorf("reading key %s: %w", name, err)
		}
		return id, nil
	}
	if !first {
		return nil, nil
	}
	id, recovery, err := identity.Generate(rand.Reader)
	if err != nil {
		return nil, err
	}
	// If we were to crash after the first, both would be made anew: nobody has seen the identity yet.
	if err := writeKey(dir, name+".recovery", recovery.Bytes()); err != nil {
		return nil, err
	}
	return id, writeKey(dir, name, id.Bytes())
}

// openSeed reads a key that signs for one of the node's services, and makes one if it may.
func openSeed(dir, name string, make bool) (ed25519.PrivateKey, error) {
	seed, err := readKey(dir, name)
	if err != nil {
		return nil, err
	}
	if seed == nil && make {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return key, writeKey(dir, name, key.Seed())
	}
	if len(seed) != ed25519.SeedSize {
		return nil, fmt.Errorf("reading key %s: missing, or not %d bytes", name, ed25519.SeedSize)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

func openRegistry(dir string, first bool) (*identity.Identity, *authority.Authority, error) {
	id, err := openIdentity(dir, registryFile, first)
	if err != nil || id == nil {
		return nil, nil, err
	}
	encoded, err := readKey(dir, abeFile)
	if err != nil {
		return nil, nil, err
	}
	if encoded == nil && first {
		phr, err := authority.New(rand.Reader, id.GID(), ledger.RegistryName, ledger.Registry)
		if err != nil {
			return nil, nil, err
		}
		return id, phr, SaveRegistry(dir, phr)
	}
	phr, err := authority.Parse(encoded)
	if err != nil {
		return nil, nil, fmt.Errorf("reading key %s: %w", abeFile, err)
	}
	return id, phr, nil
}

// Registry returns the registry of the node in dir, for endorsing authorities and issuing its attributes. The node may be
// running.
func Registry(dir string) (*identity.Identity, *authority.Authority, error) {
	id, phr, err := openRegistry(dir, false)
	if err == nil && id == nil {
		err = fmt.Errorf("there is no registry in %s: no node was started there, or its key was taken offline", dir)
	}
	return id, phr, err
}

// SaveRegistry keeps the registry's state after it has invited or enrolled somebody.
func SaveRegistry(dir string, phr *authority.Authority) error {
	return writeKey(dir, abeFile, phr.Bytes())
}

// readKey returns nil if there is no such file.
func readKey(dir, name string) ([]byte, error) {
	path := filepath.Join(dir, keysDir, name)
	err := checkPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func writeKey(dir, name string, secret []byte) error {
	return writeFile(filepath.Join(dir, keysDir, name), secret, 0o600)
}

// writeFile replaces a file such that a crash leaves the old contents or the new.
func writeFile(path string, contents []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already if all goes well
	_, err = f.Write(contents)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// checkPrivate refuses a file or directory that its group or others can reach, and one that is a link to elsewhere.
func checkPrivate(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return fmt.Errorf("opening the node's keys: %w", err)
	}
	if mode := info.Mode(); mode.Perm()&0o077 != 0 || mode.Type()&^fs.ModeDir != 0 {
		return fmt.Errorf("refusing %s: its mode is %v, it must be its owner's alone (chmod go= %s)", path, mode, path)
	}
	return nil
}
