package keystore

import (
	"fmt"
	"io"
	"log/slog"
)

const redactedText = "redacted"

// String returns "redacted".
func (k *Keystore) String() string { return redactedText }

// GoString returns "redacted".
func (k *Keystore) GoString() string { return redactedText }

// Format writes "redacted" whatever the verb.
func (k *Keystore) Format(f fmt.State, _ rune) { io.WriteString(f, redactedText) }

// MarshalJSON returns "redacted" as a string.
func (k *Keystore) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedText + `"`), nil }

// LogValue returns "redacted".
func (k *Keystore) LogValue() slog.Value { return slog.StringValue(redactedText) }
