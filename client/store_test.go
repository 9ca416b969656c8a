package client_test

import (
	"path/filepath"
	"testing"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/storetest"
)

func TestStores(t *testing.T) {
	t.Parallel()
	t.Run("directory", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) (one, other client.Store) {
			dir := filepath.Join(t.TempDir(), "home")
			return client.InDirectory(dir), client.InDirectory(dir + "/.")
		})
	})
	t.Run("memory", func(t *testing.T) {
		storetest.Run(t, func(*testing.T) (one, other client.Store) {
			store := client.InMemory()
			return store, store
		})
	})
}
