package keystore

import "github.com/phrledger/phr/crypto/canonical"

// Reencode parses a file as Open does before it tries a passphrase, which costs too much for a fuzzer, and encodes the
// result.
func Reencode(data []byte) ([]byte, error) {
	f, h, err := parseFile(data)
	if err != nil {
		return nil, err
	}
	if f.Header, err = canonical.Marshal(h); err != nil {
		return nil, err
	}
	return canonical.Marshal(f)
}

// Splice returns the encoded form of one version with the slots of another.
func Splice(encoded, slotsOf []byte) ([]byte, error) {
	f, h, err := parseFile(encoded)
	if err != nil {
		return nil, err
	}
	_, other, err := parseFile(slotsOf)
	if err != nil {
		return nil, err
	}
	h.Slots = other.Slots
	if f.Header, err = canonical.Marshal(h); err != nil {
		return nil, err
	}
	return canonical.Marshal(f)
}
