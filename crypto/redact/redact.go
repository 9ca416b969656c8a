// Package redact keeps secrets out of what is printed. A type that embeds [Secret] shows "redacted" to fmt with every verb,
// to encoding/json and to log/slog; what is inside leaves only by methods of its own. It protects from oversight, not from
// reflection.
package redact

import (
	"fmt"
	"io"
	"log/slog"
)

const text = "redacted"

// Secret is embedded in types with secrets. Packages embed it by an alias of their own, so that the field is not exported.
type Secret struct{}

// String returns "redacted".
func (Secret) String() string { return text }

// GoString returns "redacted".
func (Secret) GoString() string { return text }

// Format writes "redacted" whatever the verb: %d and %#v would otherwise reach the fields by reflection.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, text) }

// MarshalJSON returns "redacted" as a JSON string.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + text + `"`), nil }

// LogValue returns "redacted".
func (Secret) LogValue() slog.Value { return slog.StringValue(text) }
