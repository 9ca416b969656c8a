package authority

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Owed is a key that a person is enrolled for and has not been issued: none of the version in force, or none made by the key in
// force.
type Owed struct {
	GID       identity.GID
	Attribute string
	Version   uint32
}

// Owed returns what is to be issued, in order of GID and attribute. It is what the chain itself shows to be missing, so
// whoever goes on after a crash asks again and needs to remember nothing. An attribute that must move first, see Overdue, is
// not among it.
func (r *Roster) Owed() []Owed {
	var owed []Owed
	for gid, m := range r.members {
		for name, held := range m.held {
			if version, ok := r.Version(name); ok && !r.current(name, held) && !r.overdue(name) {
				owed = append(owed, Owed{gid, name, version})
			}
		}
	}
	slices.SortFunc(owed, func(x, y Owed) int { return cmp.Or(cmp.Compare(x.GID, y.GID), cmp.Compare(x.Attribute, y.Attribute)) })
	return owed
}

// current tells whether a key counts: it is of the version in force, made by the key in force.
func (r *Roster) current(name string, held issued) bool {
	return int(held.version) == len(r.versions[name]) && held.version > 0 && held.control >= r.since
}

// Reissue returns the keys that are owed, to be appended in this order. It works on all cores: rand and lookup are used
// concurrently. Lookup returns the keys in force of a person; where it wraps ErrRefused, because the identity is revoked, the
// person is left out.
func (a *Authority) Reissue(rand io.Reader, owed []Owed, lookup func(identity.GID) (*identity.Keys, error)) ([]ledger.Body, error) {
	issued := make([]ledger.Body, len(owed))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, o := range owed {
		g.Go(func() error {
			keys, err := lookup(o.GID)
			if err == nil {
				var body *ledger.KeyIssued
				if body, err = issue(rand, a.master, o.GID, keys, o.Attribute, o.Version); err == nil {
					issued[i] = body
				}
			}
			if err != nil && !errors.Is(err, ErrRefused) {
				return fmt.Errorf("issuing %s to %s: %w", o.Attribute, o.GID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(issued, func(b ledger.Body) bool { return b == nil }), nil
}
