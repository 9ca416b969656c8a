package epoch

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"

	"github.com/phrledger/phr/crypto/canonical"
)

// A sealed record is format ‖ commitment[32] ‖ salt[16] ‖ AES-256-GCM(frame), under a key that seals nothing else.
const (
	recordFormat   = 1
	commitmentSize = 32
	saltSize       = 16
	tagSize        = 16
	headSize       = 1 + commitmentSize + saltSize

	// Overhead is the length in bytes that sealing adds to a size bucket.
	Overhead = headSize + tagSize
)

const recordLabel = "phr/record/1\x00"

// Header is what a record's event says in the clear and the seal binds: the record opens nowhere else. Version is the
// event's, Class its media class, RefersTo zero if it refers to no other event.
type Header struct {
	Version     uint8    `cbor:"1,keyasint"`
	Patient     string   `cbor:"2,keyasint"`
	Compartment string   `cbor:"3,keyasint"`
	Epoch       uint32   `cbor:"4,keyasint"`
	EventID     [16]byte `cbor:"5,keyasint"`
	Kind        string   `cbor:"6,keyasint"`
	Author      string   `cbor:"7,keyasint"`
	RefersTo    [16]byte `cbor:"8,keyasint"`
	Leaf        Leaf     `cbor:"9,keyasint"`
	Class       string   `cbor:"10,keyasint"`
}

// Seal compresses, pads and encrypts a record body of at most MaxBody bytes for the epoch of keys and shred. Every call
// draws a new salt and so a new key: sealing one event twice is harmless. It fails with ErrTooLarge, and with ErrErased
// if the leaf was punctured.
func Seal(rand io.Reader, keys *Keys, shred *Shred, h Header, plaintext []byte) ([]byte, error) {
	framed, err := frame(plaintext)
	if err != nil {
		return nil, fmt.Errorf("sealing record: %w", err)
	}
	sealed, err := seal(rand, keys, shred, h, framed)
	if err != nil {
		return nil, fmt.Errorf("sealing record: %w", err)
	}
	return sealed, nil
}

// Open returns the body of a sealed record. It fails with ErrErased if the record's leaf was punctured, and with ErrOpen
// for every other reason: other keys, any field of the header changed, any byte of sealed changed, a body that is not
// what Seal makes.
func Open(keys *Keys, shred *Shred, h Header, sealed []byte) ([]byte, error) {
	framed, err := unseal(keys, shred, h, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening record: %w", err)
	}
	plaintext, err := unframe(framed)
	if err != nil {
		return nil, fmt.Errorf("opening record: %w", err)
	}
	return plaintext, nil
}

// seal encrypts a frame.
func seal(rand io.Reader, keys *Keys, shred *Shred, h Header, framed []byte) ([]byte, error) {
	var salt [saltSize]byte
	if _, err := io.ReadFull(rand, salt[:]); err != nil {
		return nil, fmt.Errorf("drawing salt: %w", err)
	}
	aead, commitment, err := recordCipher(keys, shred, h, salt)
	if err != nil {
		return nil, err
	}
	aad, err := canonical.Marshal(h)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, 0, Overhead+len(framed))
	sealed = append(sealed, recordFormat)
	sealed = append(sealed, commitment...)
	sealed = append(sealed, salt[:]...)
	// The zero nonce is safe because the key depends on the salt just drawn.
	return aead.Seal(sealed, make([]byte, aead.NonceSize()), framed, aad), nil
}

// unseal is the inverse of seal. The commitment is compared before anything is decrypted.
func unseal(keys *Keys, shred *Shred, h Header, sealed []byte) ([]byte, error) {
	if _, err := Bucket(sealed); err != nil {
		return nil, ErrOpen
	}
	salt := [saltSize]byte(sealed[1+commitmentSize:])
	aead, commitment, err := recordCipher(keys, shred, h, salt)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(commitment, sealed[1:1+commitmentSize]) != 1 {
		return nil, ErrOpen
	}
	aad, err := canonical.Marshal(h)
	if err != nil {
		return nil, ErrOpen
	}
	framed, err := aead.Open(nil, make([]byte, aead.NonceSize()), sealed[headSize:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return framed, nil
}

// recordCipher derives the key of one seal and the commitment to it from the epoch key, the leaf's secret, the salt and
// the event's id.
func recordCipher(keys *Keys, shred *Shred, h Header, salt [saltSize]byte) (cipher.AEAD, []byte, error) {
	leaf, err := shred.Leaf(h.Leaf)
	if err != nil {
		return nil, nil, err
	}
	secret := append(append(make([]byte, 0, KeySize+len(leaf)), keys.key[:]...), leaf[:]...)
	derived, err := hkdf.Key(sha256.New, secret, salt[:], recordLabel+string(h.EventID[:]), KeySize+commitmentSize)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(derived[:KeySize])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, derived[KeySize:], err
}

// Bucket returns the size in bytes that a sealed record shows to everybody: the length of its text, compressed and
// rounded up. It needs no key, and fails with canonical.ErrMalformed for what Seal never makes.
func Bucket(sealed []byte) (int, error) {
	size := len(sealed) - Overhead
	if size < frameHead || size > maxFrame || size != padme(size) || sealed[0] != recordFormat {
		return 0, fmt.Errorf("sealed record: %w", canonical.ErrMalformed)
	}
	return size, nil
}
