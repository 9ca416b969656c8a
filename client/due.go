package client

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// Recovered says what happened to the identity of an authority's member.
type Recovered struct {
	Pending time.Time // log time of a request to recover it that stands; zero if none does
	Since   time.Time // log time at which the keys in force took the place of others; zero if they are the first
	Due     []string  // attributes whose version is from before: the lost device may hold keys of it
}

// Recovered finds the members of an authority whose identity was recovered, or is to be. Nobody but the authority can move
// their attributes, which leaves the lost device with keys that count for nothing.
func (c *Client) Recovered(ctx context.Context, members []authority.Member) (map[identity.GID]Recovered, error) {
	var mu sync.Mutex
	found := make(map[identity.GID]Recovered)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(8)
	for _, m := range members {
		g.Go(func() error {
			if _, err := c.Person(ctx, m.GID); err != nil && codeOf(err) != "" {
				return err
			}
			c.mu.Lock()
			rotated, ok := c.state.Rotated(m.GID)
			pending, asked := c.state.Recovery(m.GID)
			c.mu.Unlock()
			if !ok && !asked {
				return nil
			}
			r := Recovered{Pending: pending.Since}
			if ok {
				r.Since, r.Due = rotated.Time, dueSince(&rotated, m.Attributes)
			}
			mu.Lock()
			defer mu.Unlock()
			found[m.GID] = r
			return nil
		})
	}
	return found, g.Wait()
}

// dueSince returns the attributes whose version in force is from before a rotation.
func dueSince(r *ledger.Rotation, all []authority.Held) (due []string) {
	for _, a := range all {
		if a.Since < r.Control {
			due = append(due, a.Name)
		}
	}
	return due
}
