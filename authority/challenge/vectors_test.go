package challenge_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/ledger"
)

// TestVectors pins the encodings and the key schedule: two versions of phr must compute the same.
func TestVectors(t *testing.T) {
	user := must(must(nkeys.FromRawSeed(nkeys.PrefixByteUser, bytes.Repeat([]byte{1}, 32))).PublicKey())
	sig := bytes.Repeat([]byte{2}, 64)
	chain := ledger.RecordChain("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ledger.Health)
	h := &challenge.Hello{
		Version: 1, Suites: []abe.Suite{1}, Gate: "gggggggggggggggggggggggggggggggg", Nonce: [32]byte{3},
		Ephemeral: bytes.Repeat([]byte{4}, 1216), User: user, GID: "dddddddddddddddddddddddddddddddd",
		Request: challenge.Request{
			Patient: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Operation: ledger.OpRead, TTL: 600,
			Targets: []challenge.Target{{Compartment: ledger.Health, Term: ledger.TermID{5}}},
		},
		Heads: []challenge.Head{{Chain: chain.String(), Number: 6, Hash: ledger.Hash{7}}},
		Time:  noon.UnixMilli(), SigUser: sig, SigID: sig,
	}
	m1 := must(h.Marshal())
	c := &challenge.Challenge{
		Session: ledger.SessionID{8}, Nonce: [32]byte{9}, Suite: 1, Expires: noon.UnixMilli(),
		Enc: bytes.Repeat([]byte{10}, 1120), Sealed: []byte{11}, Sig: sig,
	}
	a := &challenge.Answer{Session: c.Session, Tag: [32]byte{12}, SigUser: sig, SigID: sig}
	values := challenge.Transcript(m1, c, a, must(a.Marshal()), [32]byte{13}, bytes.Repeat([]byte{14}, 32))
	got := append(values[:], c.Context(m1, ledger.Hash{15}))
	for i, want := range []struct{ name, value string }{
		{"th1", "88099056728f2edfd6ecdb3bf008aa9a41131b00dda4cbf389c150348f9d9352"},
		{"th2", "c7e6fb014e8a31bfe9833fe6cc9a82d239461790ae5c4e35c40fd1b5ec6252fb"},
		{"th3", "4b9f8ac5bb9ce48bcdcd009562fe638546c95077dc9ec71db4772068332a876b"},
		{"th4", "d46b65f9278c0a05ab798a6f1b60ee1d0c5598c9dad017b0f1154f8f1866548f"},
		{"k_m", "88db83ebd9836cc3082b96ea61a35f37ce57228f62bbf56a5633811c4c9f0f9b"},
		{"k_c", "16e12051443d4caaa52b3ba54e55c32e44e15dbbf90b5d11be874556e1311fee"},
		{"k_s", "f05f11b6c0ef52e653976d44cbf53f3d0a628a1fbabaf8dbcfdbe00fdc7259a6"},
		{"k_g", "4f21dfaa21c2b16012453812932efc4e7be2fb167f66953d38cd0ca3525bcfc8"},
		{"context", "92360f888649e187ea6fb2547533dd9b1780ef3074dcbba7f53aa3061e63709d"},
	} {
		if hex.EncodeToString(got[i]) != want.value {
			t.Errorf("%s is %x, want %s", want.name, got[i], want.value)
		}
	}
}

// TestForwardSecrecy gives a thief everything but the ephemeral key: all messages, and later the keys of identity,
// attributes and session.
func TestForwardSecrecy(t *testing.T) {
	w := newWorld()
	at := w.nodes[0]
	x := messages(w)
	thief := w.client(w.ruiz, at, w.reading(w.review), must(challenge.ParseHello(x.m1)).Heads...)
	thief.Continue(x.m1)
	if _, err := thief.Answer(noon, x.m2); !errors.Is(err, challenge.ErrChallenge) || thief.touched > 0 {
		t.Errorf("a challenge opens without the ephemeral key: %v", err)
	}
	if grant, err := thief.Open(x.m4); err == nil {
		t.Errorf("a grant opens without the ephemeral key: %+v", grant)
	}
}
