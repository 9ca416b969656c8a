package challenge

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Contexts of the identity's signatures.
const (
	signHello  = "phr-cr/1/hello"
	signAnswer = "phr-cr/1/answer"
)

// HPKE info and exporter context of ss.
const (
	exportInfo    = "phr-cr/1"
	exportContext = "phr-cr/1 ss"
)

// label is L: it separates every hash, key and signature of the protocol from every other.
func label(name string) []byte { return append([]byte("phr-cr/1/"+name), 0) }

// labelled returns L(name) followed by the parts: what is hashed, or signed by the keys of session and gate.
func labelled(name string, parts ...[]byte) []byte {
	b := label(name)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

type hash = [sha256.Size]byte

func transcript1(m1 []byte) hash { return sha256.Sum256(labelled("th1", m1)) }

// transcript2 hashes a challenge without its signature.
func transcript2(th1 hash, c *Challenge) (hash, error) {
	bare := *c
	bare.Sig = nil
	m2, err := bare.Marshal()
	if err != nil {
		return hash{}, err
	}
	return sha256.Sum256(labelled("th2", th1[:], m2)), nil
}

func transcript3(th2, tag hash, gid identity.GID) hash {
	return sha256.Sum256(labelled("th3", th2[:], tag[:], []byte(gid)))
}

func transcript4(th3 hash, m3 []byte) hash { return sha256.Sum256(labelled("th4", th3[:], m3)) }

// signed returns what the two signatures of a hello cover.
func (h *Hello) signed() ([]byte, error) {
	bare := *h
	bare.SigUser, bare.SigID = nil, nil
	return bare.Marshal()
}

// binding is what ct_A is bound to, besides its policy and namespace.
type binding struct {
	_           struct{} `cbor:",toarray"`
	Hello       hash     // th1
	Session     ledger.SessionID
	Nonce       [32]byte // the gate's
	Suite       abe.Suite
	Patient     identity.GID
	Compartment ledger.Compartment
	Term        ledger.TermID
	Place       uint64 // of the target in the request
	Set         ledger.Hash
	Expires     int64
}

// context returns the context under which the ciphertext for a target of a request is made.
func (c *Challenge) context(th1 hash, r *Request, place int, set ledger.Hash) ([]byte, error) {
	target := r.Targets[place]
	b, err := canonical.Marshal(binding{
		Hello: th1, Session: c.Session, Nonce: c.Nonce, Suite: c.Suite, Patient: r.Patient, Compartment: target.Compartment,
		Term: target.Term, Place: uint64(place), Set: set, Expires: c.Expires,
	})
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(labelled("context", b))
	return sum[:], nil
}

// keys are k_c, which only the challenged can compute, k_s and k_g.
type keys struct{ client, server, grant []byte }

// deriveKeys mixes what the policy hides and what the ephemeral key hides. Without the first nobody else answers, without
// the second nobody opens the grant later.
func deriveKeys(th2 hash, secrets [][32]byte, shared []byte) keys {
	var secret []byte
	for _, z := range secrets {
		secret = append(secret, z[:]...)
	}
	secret = append(secret, shared...)
	return keys{
		client: derive(secret, th2, "k_c"),
		server: derive(secret, th2, "k_s"),
		grant:  derive(secret, th2, "k_g"),
	}
}

func derive(secret []byte, salt hash, name string) []byte {
	key, err := hkdf.Key(sha256.New, secret, salt[:], string(label(name)), 32)
	if err != nil {
		panic(err) // only for lengths beyond HKDF's
	}
	return key
}

func mac(key []byte, th hash) hash {
	m := hmac.New(sha256.New, key)
	m.Write(th[:])
	return hash(m.Sum(nil))
}

// checkTag compares in constant time.
func checkTag(key []byte, th, tag hash) error {
	if want := mac(key, th); !hmac.Equal(want[:], tag[:]) {
		return errors.New("the tag does not verify")
	}
	return nil
}

// seal encrypts a value by XChaCha20-Poly1305 under a fresh nonce.
func seal(rand io.Reader, key []byte, th hash, v any) ([]byte, error) {
	plaintext, err := canonical.Marshal(v)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("drawing a nonce: %w", err)
	}
	return aead.Seal(nonce, nonce, plaintext, th[:]), nil
}

// open is the inverse of seal.
func open(key []byte, th hash, sealed []byte, v any) error {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return err
	}
	if len(sealed) < chacha20poly1305.NonceSizeX {
		return errors.New("the sealed part does not open")
	}
	nonce, ciphertext := sealed[:chacha20poly1305.NonceSizeX], sealed[chacha20poly1305.NonceSizeX:]
	plaintext, err := aead.Open(nil, nonce, ciphertext, th[:])
	if err != nil {
		return errors.New("the sealed part does not open")
	}
	return canonical.Unmarshal(plaintext, v)
}
