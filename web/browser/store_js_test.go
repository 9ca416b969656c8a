package browser

import (
	"fmt"
	"testing"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/client/storetest"
)

// TestStores runs in a browser: see web/test/store.test.mjs.
func TestStores(t *testing.T) {
	n := time.Now().UnixNano()
	storetest.Run(t, func(t *testing.T) (one, other client.Store) {
		n++
		name := fmt.Sprint("test-", n)
		for _, s := range []*client.Store{&one, &other} { // as two tabs have it
			d, err := OpenDatabase()
			if err != nil {
				t.Fatal(err)
			}
			*s = d.Store(name)
		}
		return one, other
	})
}

// TestStoresAreApart: a store sees nothing of another, also where one's name begins with the other's.
func TestStoresAreApart(t *testing.T) {
	d, err := OpenDatabase()
	if err != nil {
		t.Fatal(err)
	}
	a, b := d.Store("apart"), d.Store("apart2")
	if err := b.Write("note", []byte("b")); err != nil {
		t.Fatal(err)
	}
	if names, err := a.List(""); err != nil || len(names) != 0 {
		t.Errorf("one store lists %q of another, %v", names, err)
	}
	if _, err := a.Read("note"); err == nil {
		t.Error("one store reads what is another's")
	}
}
