package keystore

import "fmt"

// Way is one way into a keystore, as its file tells in clear: what to derive a key from a passphrase with, or what to ask an authenticator
// for. A recovery slot has neither.
type Way struct {
	Kind       SlotKind
	Derivation Derivation
	Passkey    Passkey
}

// Ways returns the ways into a keystore, in the order of its slots. It fails with ErrMalformed: what it returns is within the bounds of
// Params, whoever has doctored the file.
func Ways(file []byte) ([]Way, error) {
	_, h, err := parseFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading keystore: %w: %w", ErrMalformed, err)
	}
	ways := make([]Way, len(h.Slots))
	for i := range ways {
		t := &h.Slots[i].Terms
		ways[i].Kind = t.Kind
		switch t.Kind {
		case PassphraseSlot:
			ways[i].Derivation = Derivation{t.Salt, t.params()}
		case PasskeySlot:
			ways[i].Passkey = t.passkey()
		}
	}
	return ways, nil
}
