//go:build !js

package audit

import (
	"context"

	"github.com/phrledger/phr/ledger/stream"
)

// Of returns the entries of a ledger that is at hand.
func Of(l *stream.Ledger) Source {
	return func(ctx context.Context, fn func([]stream.Entry) error) error { return l.Read(ctx, 1, fn) }
}
