package abe

import "github.com/phrledger/phr/crypto/redact"

// redacted is embedded in types with secrets, so that nothing prints what is inside.
type redacted = redact.Secret
