package client

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// FollowEmergencies calls told with each of the emergencies that Emergencies returns, the oldest first, and once more whenever
// something comes of one, until ctx ends or told fails, and returns why. So those who may approve hear of a request within a second. The
// node is asked again and again, since nobody but the patient may read the chain that it stands on; while it is away, that goes on.
func (c *Client) FollowEmergencies(ctx context.Context, patient identity.GID, told func(*Emergency) error) error {
	const least, most = 20 * time.Millisecond, time.Second
	known := make(map[ledger.EventID]int) // how much was said of each
	for wait := least; ; wait = min(2*wait, most) {
		all, err := c.Emergencies(ctx, patient)
		if err != nil && ctx.Err() == nil && !passing(err) {
			return err
		}
		for _, e := range slices.Backward(all) {
			n := len(e.Entries())
			if n == known[e.ID()] {
				continue
			}
			known[e.ID()], wait = n, least
			if err := told(&e); err != nil {
				return err
			}
		}
		if !pause(ctx, wait) {
			return ctx.Err()
		}
	}
}
