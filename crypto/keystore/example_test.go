package keystore_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/phrledger/phr/crypto/keystore"
)

// A keystore is created once and opened with the passphrase from then on.
func Example() {
	home, err := os.MkdirTemp("", "phr")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	path := filepath.Join(home, "keystore")

	k, err := keystore.Create(keystore.At(path), []byte("identity"), keystore.Passphrase([]byte("a long passphrase")).Costing(keystore.Browser))
	if err != nil {
		fmt.Println(err)
		return
	}
	k.Close()

	k, err = keystore.Open(keystore.At(path), keystore.Passphrase([]byte("a long passphrase")))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer k.Close()
	fmt.Printf("%s, generation %d\n", k.Contents(), k.Generation())

	if err := k.Save([]byte("identity, attribute keys")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, generation %d\n", k.Contents(), k.Generation())
	// Output:
	// identity, generation 1
	// identity, attribute keys, generation 2
}
