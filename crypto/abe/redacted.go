package abe

import (
	"fmt"
	"io"
	"log/slog"
)

// redacted, embedded in a type with secrets, keeps them out of every print, log and JSON document.
type redacted struct{}

// String returns "redacted".
func (redacted) String() string { return "redacted" }

// GoString returns "redacted".
func (redacted) GoString() string { return "redacted" }

// Format writes "redacted" for every verb and flag.
func (redacted) Format(w fmt.State, _ rune) { io.WriteString(w, "redacted") }

// MarshalJSON returns the string "redacted".
func (redacted) MarshalJSON() ([]byte, error) { return []byte(`"redacted"`), nil }

// LogValue returns "redacted".
func (redacted) LogValue() slog.Value { return slog.StringValue("redacted") }
