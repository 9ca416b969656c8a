package keystore

import "fmt"

// Seal seals plaintext, a file that lies beside the keystore, under a key of its own for name. The result is 40 bytes
// longer and differs each time. Seal doesn't write anything; whoever does protects it from being lost or put back.
func (k *Keystore) Seal(name string, plaintext []byte) ([]byte, error) {
	key, err := k.partKey(name)
	if err != nil {
		return nil, fmt.Errorf("sealing %s: %w", name, err)
	}
	defer clear(key)
	nonce := random(nonceSize)
	ciphertext, err := sealWith(key, nonce, plaintext, []byte(name))
	if err != nil {
		return nil, err
	}
	return append(nonce, ciphertext...), nil
}

// Unseal returns what Seal sealed under the same name with this keystore, any version of it, or ErrMalformed.
func (k *Keystore) Unseal(name string, sealed []byte) ([]byte, error) {
	key, err := k.partKey(name)
	if err != nil {
		return nil, fmt.Errorf("unsealing %s: %w", name, err)
	}
	defer clear(key)
	if len(sealed) < nonceSize {
		return nil, fmt.Errorf("unsealing %s: %w", name, ErrMalformed)
	}
	plaintext, err := openWith(key, sealed[:nonceSize], sealed[nonceSize:], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("unsealing %s: %w", name, ErrMalformed)
	}
	return plaintext, nil
}

func (k *Keystore) partKey(name string) ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.vault.derive("part", name)
}
