package authority

import (
	"fmt"
	"io"
	"log/slog"
)

const redactedText = "redacted"

// redacted is embedded in secret types, so that no way of printing or logging them shows what they hold.
type redacted struct{}

// String returns "redacted".
func (redacted) String() string { return redactedText }

// GoString returns "redacted".
func (redacted) GoString() string { return redactedText }

// Format writes "redacted" whatever the verb: %d and %#v would otherwise reach the fields by reflection.
func (redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedText) }

// MarshalJSON returns "redacted" as a JSON string.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedText + `"`), nil }

// LogValue returns "redacted".
func (redacted) LogValue() slog.Value { return slog.StringValue(redactedText) }
