package epoch

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/phrledger/phr/crypto/canonical"
)

// partFormat leads every sealed part: keys or a Shred under XChaCha20-Poly1305 with a random nonce, and for the owner part
// under what the identity uses.
const partFormat = 1

const partHead = 1 + chacha20poly1305.NonceSizeX

// partLabel and the name of a part separate the keys of parts from each other and from those of records.
const partLabel = "phr/part/1\x00"

const (
	ownerPart = "owner"
	linkPart  = "link"
	shredPart = "shred"
)

func wrapPart(term string) string { return "wrap-" + term }

// part says which part of which epoch something sealed is: its encoding is the additional data.
type part struct {
	_           struct{} `cbor:",toarray"`
	Format      uint8
	Patient     string
	Compartment string
	Epoch       uint32
	KID         [sha256.Size]byte
	Name        string
	Version     uint64 // of a Shred; 0 in parts that are never replaced
}

func (p Place) part(name string, kid [sha256.Size]byte, version uint64) part {
	return part{
		Format: partFormat, Patient: p.Patient, Compartment: p.Compartment, Epoch: p.Epoch,
		KID: kid, Name: name, Version: version,
	}
}

// SealWrap seals the epoch key, and the history key if history is set, for the readers of a term. wrapKey is what an
// encapsulation under the term's expression gave. With history, keys must hold the history key, else ErrNoHistory.
func SealWrap(rand io.Reader, wrapKey [KeySize]byte, at Place, term string, keys *Keys, history bool) ([]byte, error) {
	if history && !keys.hasHistory {
		return nil, fmt.Errorf("sealing wrap: %w", ErrNoHistory)
	}
	if !history {
		keys = keys.WithoutHistory()
	}
	sealed, err := at.part(wrapPart(term), keys.KID(), 0).seal(rand, wrapKey, keys.bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing wrap: %w", err)
	}
	return sealed, nil
}

// OpenWrap opens the wrap of a term. The keys returned are those that the epoch's event committed to by kid and hid;
// they hold the history key if the wrap includes it. Everything else is ErrOpen.
func OpenWrap(wrapKey [KeySize]byte, at Place, kid, hid [sha256.Size]byte, term string, sealed []byte) (*Keys, error) {
	b, err := at.part(wrapPart(term), kid, 0).open(wrapKey, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening wrap: %w", err)
	}
	keys, err := checkedKeys(b, kid, hid)
	if err != nil {
		return nil, fmt.Errorf("opening wrap: %w", err)
	}
	return keys, nil
}

// SealLink seals the keys of the epoch before place at under the history key of at's own epoch. Both must hold their
// history keys, else ErrNoHistory: a rotator without them leaves the link to somebody who has them.
func SealLink(rand io.Reader, at Place, current, previous *Keys) ([]byte, error) {
	if !current.hasHistory || !previous.hasHistory {
		return nil, fmt.Errorf("sealing link: %w", ErrNoHistory)
	}
	sealed, err := at.part(linkPart, current.KID(), 0).seal(rand, current.history, previous.bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing link: %w", err)
	}
	return sealed, nil
}

// OpenLink opens the link of place at with the keys of at's own epoch and returns the keys of the epoch before, which
// committed to them by kid and hid. Without the history key it fails with ErrNoHistory.
func OpenLink(current *Keys, at Place, kid, hid [sha256.Size]byte, sealed []byte) (*Keys, error) {
	if !current.hasHistory {
		return nil, fmt.Errorf("opening link: %w", ErrNoHistory)
	}
	b, err := at.part(linkPart, current.KID(), 0).open(current.history, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening link: %w", err)
	}
	keys, err := checkedPair(b, kid, hid)
	if err != nil {
		return nil, fmt.Errorf("opening link: %w", err)
	}
	return keys, nil
}

// SealShred seals the epoch's Shred under the epoch key.
func SealShred(rand io.Reader, at Place, keys *Keys, shred *Shred) ([]byte, error) {
	sealed, err := at.part(shredPart, keys.KID(), shred.Version()).seal(rand, keys.key, shred.Bytes())
	if err != nil {
		return nil, fmt.Errorf("sealing shred: %w", err)
	}
	return sealed, nil
}

// OpenShred opens the epoch's Shred. version is the number of leaves that the log shows as erased in the epoch, so that
// an older Shred does not pass for the one in force. Everything else is ErrOpen.
func OpenShred(keys *Keys, at Place, version uint64, sealed []byte) (*Shred, error) {
	b, err := at.part(shredPart, keys.KID(), version).open(keys.key, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening shred: %w", err)
	}
	shred, err := ParseShred(b)
	if err != nil || shred.Version() != version {
		return nil, fmt.Errorf("opening shred: %w", ErrOpen)
	}
	return shred, nil
}

// seal returns format ‖ nonce[24] ‖ ciphertext.
func (p part) seal(rand io.Reader, key [KeySize]byte, plaintext []byte) ([]byte, error) {
	aead, aad, err := p.cipher(key)
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, partHead, partHead+len(plaintext)+aead.Overhead())
	sealed[0] = partFormat
	if _, err := io.ReadFull(rand, sealed[1:]); err != nil {
		return nil, fmt.Errorf("drawing nonce: %w", err)
	}
	return aead.Seal(sealed, sealed[1:], plaintext, aad), nil
}

// open is the inverse of seal.
func (p part) open(key [KeySize]byte, sealed []byte) ([]byte, error) {
	aead, aad, err := p.cipher(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < partHead || sealed[0] != partFormat {
		return nil, ErrOpen
	}
	plaintext, err := aead.Open(nil, sealed[1:partHead], sealed[partHead:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// cipher returns the cipher of a part under key, and its additional data.
func (p part) cipher(key [KeySize]byte) (cipher.AEAD, []byte, error) {
	aad, err := canonical.Marshal(p)
	if err != nil {
		return nil, nil, err
	}
	own, err := hkdf.Key(sha256.New, key[:], nil, partLabel+p.Name, chacha20poly1305.KeySize)
	if err != nil {
		return nil, nil, err
	}
	aead, err := chacha20poly1305.NewX(own)
	return aead, aad, err
}

// checkedKeys parses keys and refuses those that kid and hid do not commit to.
func checkedKeys(b []byte, kid, hid [sha256.Size]byte) (*Keys, error) {
	keys, err := parseKeys(b)
	if err != nil || keys.Check(kid, hid) != nil {
		return nil, ErrOpen
	}
	return keys, nil
}

// checkedPair is checkedKeys for parts that always carry both keys.
func checkedPair(b []byte, kid, hid [sha256.Size]byte) (*Keys, error) {
	keys, err := checkedKeys(b, kid, hid)
	if err != nil || !keys.hasHistory {
		return nil, ErrOpen
	}
	return keys, nil
}
