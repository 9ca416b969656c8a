package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/projections"
	"github.com/phrledger/phr/projections/directory"
	"github.com/phrledger/phr/projections/disclosures"
	"github.com/phrledger/phr/projections/timeline"
)

// tablesName is the file of the tables in a node's directory.
const tablesName = "projections.db"

func tables() []projections.Projection {
	return []projections.Projection{directory.Projection{}, timeline.Projection{}, disclosures.Projection{}}
}

// CompareTables makes a node's tables anew, in a file that it removes again, and compares those in the node's directory with them.
// No node may run on it. read delivers the log from its first entry on, and last is how many entries it has.
func CompareTables(
	ctx context.Context, dir string, root identity.GID, read func(context.Context, func([]stream.Entry) error) error, last uint64,
) (c projections.Comparison, err error) {
	anew, err := os.MkdirTemp("", "phr-tables-")
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(anew)) }()
	return projections.Compare(ctx, projections.Config{
		Path: filepath.Join(anew, tablesName), Root: root, Source: finished{read, last}, Projections: tables(),
	}, filepath.Join(dir, tablesName))
}

// finished is a log that nothing is added to, as projections read it.
type finished struct {
	read func(context.Context, func([]stream.Entry) error) error
	last uint64
}

// Follow implements projections.Source. It returns at the end of the log.
func (f finished) Follow(ctx context.Context, _ uint64, fn func([]projections.Message) error) error {
	return f.read(ctx, func(entries []stream.Entry) error { return fn(messages(entries)) })
}

// Last implements projections.Source.
func (f finished) Last(context.Context) (uint64, error) { return f.last, nil }
