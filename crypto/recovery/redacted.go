package recovery

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted is embedded in both secret types, so that no verb, encoder or logger shows what is inside.
type redacted struct{}

const redactedText = "redacted"

// String returns "redacted".
func (redacted) String() string { return redactedText }

// GoString returns "redacted".
func (redacted) GoString() string { return redactedText }

// Format writes "redacted" whatever the verb.
func (redacted) Format(f fmt.State, _ rune) { io.WriteString(f, redactedText) }

// MarshalJSON returns "redacted" as a string: a secret leaves only through Bytes.
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"` + redactedText + `"`), nil }

// LogValue returns "redacted".
func (redacted) LogValue() slog.Value { return slog.StringValue(redactedText) }
