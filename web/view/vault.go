package view

import "time"

// VaultPerson is somebody whose keys are kept on this device.
type VaultPerson struct {
	GID     string    `json:"gid"`
	Name    string    `json:"name"`
	Slots   []Slot    `json:"slots"`
	Created time.Time `json:"created"`
	Sample  bool      `json:"sample,omitempty"`
}

// Slot is one way to open a vault.
type Slot struct {
	Kind       string `json:"kind"` // passkey, passphrase, recovery
	ID         string `json:"id,omitempty"`
	Credential []byte `json:"credential,omitempty"` // of a passkey: what the authenticator is asked for
	Salt       []byte `json:"salt,omitempty"`       // of a passkey: the input of its PRF
}

// VaultState says who can be unlocked on this device.
type VaultState struct {
	Open   string        `json:"open,omitempty"` // GID of who is
	People []VaultPerson `json:"people"`
}

// SetupBegin starts a new identity.
type SetupBegin struct {
	Name    string `json:"name"`
	Patient bool   `json:"patient"` // a record of one's own; professionals may go without
}

// SetupWords is the recovery sheet, and which of its words are asked back.
type SetupWords struct {
	Words []string `json:"words"`
	Ask   []int    `json:"ask"` // three of them, from 1
	GID   string   `json:"gid"`
	Node  string   `json:"node"`
}

// SetupCheck are the words that were asked back.
type SetupCheck struct {
	Words []string `json:"words"`
}

// SetupFinish makes the vault. One of passphrase and passkey has to be there.
type SetupFinish struct {
	Passphrase string   `json:"passphrase,omitempty"`
	Passkey    *Passkey `json:"passkey,omitempty"`
}

// Passkey is what an authenticator gave.
type Passkey struct {
	Credential []byte `json:"credential"`
	Salt       []byte `json:"salt"`
	Secret     []byte `json:"secret"` // 32 bytes of PRF output
	Label      string `json:"label,omitempty"`
}

// Unlock opens a vault by one of its slots.
type Unlock struct {
	GID        string   `json:"gid"`
	Passphrase string   `json:"passphrase,omitempty"`
	Passkey    *Passkey `json:"passkey,omitempty"`
	Words      string   `json:"words,omitempty"`
}

// KeysState are the keys on this device.
type KeysState struct {
	Person   VaultPerson `json:"person"`
	Keys     []HeldKey   `json:"keys"`
	Unsent   int         `json:"unsent"`
	Unsealed int         `json:"unsealed"`
}

// Passphrase is a new one.
type Passphrase struct {
	Passphrase string `json:"passphrase"`
}

// SlotName names a slot.
type SlotName struct {
	Kind string `json:"kind"`
	ID   string `json:"id,omitempty"`
}

// KeystoreFile is a keystore that phr id copy, or another browser, has written.
type KeystoreFile struct {
	Bytes      []byte `json:"bytes"`
	Name       string `json:"name"`
	Passphrase string `json:"passphrase,omitempty"`
	Words      string `json:"words,omitempty"`
}

// Gone names somebody whose keys are removed from this device.
type Gone struct {
	GID string `json:"gid"`
}

// SamplePerson is one of the demonstration's.
type SamplePerson struct {
	ID string `json:"id"`
}

// Enrolment joins an authority by the code of an invitation.
type Enrolment struct {
	Code string `json:"code"`
	Name string `json:"name,omitempty"`
}
