package epoch_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"testing"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/epoch"
)

// recordKey is one side of the collision: an epoch's keys and what they give for a record, derived here anew.
type recordKey struct {
	keys       *epoch.Keys
	gcm        cipher.AEAD
	hash       block // GHASH's key
	commitment []byte
}

func deriveRecordKey(t *testing.T, secret byte, leaf [32]byte, salt []byte, h epoch.Header) recordKey {
	t.Helper()
	raw := bytes.Repeat([]byte{secret}, 64)
	keys, err := epoch.Generate(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	derived, err := hkdf.Key(sha256.New, slices.Concat(raw[:32], leaf[:]), salt, "phr/record/1\x00"+string(h.EventID[:]), 64)
	if err != nil {
		t.Fatal(err)
	}
	aesBlock, err := aes.NewCipher(derived[:32])
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(aesBlock)
	if err != nil {
		t.Fatal(err)
	}
	k := recordKey{keys: keys, gcm: gcm, commitment: derived[32:]}
	aesBlock.Encrypt(k.hash[:], k.hash[:])
	return k
}

// tag returns the authentication tag that the key gives to a ciphertext.
func (k recordKey) tag(ciphertext, aad []byte) (tag block) {
	nonce := make([]byte, k.gcm.NonceSize())
	stream := k.gcm.Seal(nil, nonce, make([]byte, len(ciphertext)), aad)
	subtle.XORBytes(stream, stream[:len(ciphertext)], ciphertext)
	return block(k.gcm.Seal(nil, nonce, stream[:len(ciphertext)], aad)[len(ciphertext):])
}

// AES-GCM alone lets one ciphertext open under two keys: here one is made, for the keys that two epochs give one event.
// The commitment decides which of the two it is.
func TestAttack09_OneCiphertextTwoKeys(t *testing.T) {
	h, shred := header(), newShred(t, "s")
	leaf, err := shred.Leaf(h.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	aad, err := canonical.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	salt := bytes.Repeat([]byte{0x5a}, 16)
	a, b := deriveRecordKey(t, 'a', leaf, salt, h), deriveRecordKey(t, 'b', leaf, salt, h)

	// The first of two blocks enters the tags times hash^3: solve for the block that makes them equal.
	ciphertext := make([]byte, 32)
	tagA, tagB := a.tag(ciphertext, aad), b.tag(ciphertext, aad)
	solution := tagA.add(tagB).times(a.hash.cube().add(b.hash.cube()).inverse())
	copy(ciphertext, solution[:])
	tag := a.tag(ciphertext, aad)
	body := append(ciphertext, tag[:]...)
	for _, k := range []recordKey{a, b} {
		if _, err := k.gcm.Open(nil, make([]byte, k.gcm.NonceSize()), body, aad); err != nil {
			t.Fatalf("the collision does not open under bare AES-GCM: %v", err)
		}
	}

	for _, side := range []struct{ mine, other recordKey }{{a, b}, {b, a}} {
		sealed := slices.Concat([]byte{1}, side.mine.commitment, salt, body)
		if _, err := epoch.Unseal(side.mine.keys, shred, h, sealed); err != nil {
			t.Errorf("under the key committed to: %v", err)
		}
		if got, err := epoch.Unseal(side.other.keys, shred, h, sealed); got != nil || !errors.Is(err, epoch.ErrOpen) {
			t.Errorf("under the other key: %v, want ErrOpen", err)
		}
	}
}

// block is an element of GCM's field of 2^128 elements, its first bit the coefficient of 1.
type block [16]byte

func (x block) add(y block) block {
	subtle.XORBytes(x[:], x[:], y[:])
	return x
}

func (x block) times(y block) (z block) {
	for i := range 128 {
		if x[i/8]>>(7-i%8)&1 == 1 {
			z = z.add(y)
		}
		carry := byte(0)
		for j, b := range y {
			y[j] = b>>1 | carry<<7
			carry = b & 1
		}
		y[0] ^= 0xe1 * carry
	}
	return z
}

func (x block) cube() block { return x.times(x).times(x) }

// inverse is x^(2^128-2).
func (x block) inverse() block {
	result, square := block{0x80}, x
	for range 127 {
		square = square.times(square)
		result = result.times(square)
	}
	return result
}
