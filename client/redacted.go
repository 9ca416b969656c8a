package client

import (
	"fmt"
	"io"
	"log/slog"
)

const redactedText = "redacted"

// String returns "redacted".
func (h *Home) String() string { return redactedText }

// Format writes "redacted" whatever the verb: %d and %#v would otherwise reach the keys by reflection.
func (h *Home) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redactedText) }

// LogValue returns "redacted".
func (h *Home) LogValue() slog.Value { return slog.StringValue(redactedText) }
