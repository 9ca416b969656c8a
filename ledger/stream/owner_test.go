package stream_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// serverKey reads one of the keys a node keeps for its server, as somebody does who broke into the machine.
func serverKey(t *testing.T, b *battlefield, name string) nkeys.KeyPair {
	t.Helper()
	seed, err := os.ReadFile(filepath.Join(b.dir, "keys", name))
	if err != nil {
		t.Fatal(err)
	}
	key, err := nkeys.FromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// clientsAccount is the public key of people's account.
func clientsAccount(t *testing.T, b *battlefield) string {
	t.Helper()
	public, err := serverKey(t, b, "clients.nk").PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	return public
}

// ledgerUser connects as a user in the ledger's own account who may publish to pub alone, or to everything.
func ledgerUser(t *testing.T, b *battlefield, pub ...string) *nats.Conn {
	t.Helper()
	key, public := newKey(t)
	claims := jwt.NewUserClaims(public)
	claims.Pub.Allow.Add(pub...)
	token, err := claims.Encode(serverKey(t, b, "ledger.nk"))
	if err != nil {
		t.Fatal(err)
	}
	return raw(t, b.Server, session{key, public, "of-ledger-user", token})
}

// owner connects as a user in the ledger's own account who may do everything.
func owner(t *testing.T, b *battlefield) *nats.Conn {
	t.Helper()
	return ledgerUser(t, b)
}
