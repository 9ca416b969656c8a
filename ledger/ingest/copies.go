package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
)

// Mirror makes the parts that the log names, and that somebody needs, the same in both copies: what is in one alone comes to the other,
// and what the log does not name, or is spent, goes from the second. It returns how many came back to the first, which had lost them.
func (in *Ingest) Mirror(ctx context.Context) (restored int, err error) {
	if in.Copies == nil {
		return 0, nil
	}
	in.keeping.Lock()
	defer in.keeping.Unlock()
	if err := in.caughtUp(ctx); err != nil {
		return 0, err
	}
	var named, spent map[string]bool
	in.Fold.View(func(s *ledger.State) { named, spent = s.NamedParts() })
	for subject := range spent {
		delete(named, subject)
	}
	if err := in.Copies.EraseOthers(func(subject string) bool { return named[subject] }); err != nil {
		return 0, err
	}
	err = in.Ledger.Parts(ctx, "key.>", func(p stream.Part) error {
		if !named[p.Subject] || !hashedIn(p.Subject, p.Data) {
			return nil
		}
		delete(named, p.Subject)
		if there, err := in.Copies.Read(p.Subject); err == nil && bytes.Equal(there, p.Data) {
			return nil
		}
		return in.Copies.Keep(p.Subject, p.Data)
	})
	if err != nil {
		return 0, err
	}
	for subject := range named {
		data, err := in.Copies.Read(subject)
		if err != nil || !hashedIn(subject, data) {
			continue // in neither copy: the scrub says so
		}
		if err := in.Ledger.PutParts(ctx, stream.Part{Subject: subject, Data: data}); err != nil {
			return restored, fmt.Errorf("bringing a part back from its copy: %w", err)
		}
		restored++
	}
	return restored, nil
}

// hashedIn tells whether the subject of a part ends in the hash of its bytes.
func hashedIn(subject string, data []byte) bool {
	return strings.HasSuffix(subject, "."+ledger.Hash(sha256.Sum256(data)).String())
}
