package client

import (
	"context"
	"fmt"
	"slices"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// Person is somebody, and how an authority calls them.
type Person struct {
	GID       identity.GID
	Name      string           // "" if no authority gives one
	Authority policy.Authority // that gives the name
}

// String returns the name with the authority that vouches for it, as in "Dr. A. Ruiz of city-hospital", or else the GID.
func (p Person) String() string {
	if p.Name == "" {
		return string(p.GID)
	}
	return p.Name + " of " + string(p.Authority)
}

// Names finds out how authorities call people, as in "Dr. A. Ruiz of city-hospital". Who is enrolled by none under a name is
// not among them.
func (c *Client) Names(ctx context.Context, all ...identity.GID) (map[identity.GID]string, error) {
	people, err := c.people(ctx, all)
	names := make(map[identity.GID]string, len(people))
	for gid, known := range people {
		names[gid] = known[0].String()
	}
	return names, err
}

// People finds out who people are, each as the first authority says that enrolled them under a name. Who has none is not among them.
func (c *Client) People(ctx context.Context, all ...identity.GID) (map[identity.GID]Person, error) {
	people, err := c.people(ctx, all)
	found := make(map[identity.GID]Person, len(people))
	for gid, known := range people {
		found[gid] = known[0]
	}
	return found, err
}

// people finds out who people are, as each authority that enrolled them under a name says.
func (c *Client) people(ctx context.Context, all []identity.GID) (map[identity.GID][]Person, error) {
	people := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(all))), func(gid identity.GID) bool { return gid == "" })
	known := make(map[identity.GID][]Person, len(people))
	if len(people) == 0 {
		return known, nil
	}
	return known, c.attempt(ctx, loginKey, func(s *session) error {
		for some := range slices.Chunk(people, protocol.MaxNames) {
			if err := c.addPeople(ctx, s, some, known); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *Client) addPeople(ctx context.Context, s *session, people []identity.GID, known map[identity.GID][]Person) error {
	answer, err := ask[protocol.Names](ctx, s.conn, protocol.DirNames, protocol.NamesQuery{GIDs: people})
	if err != nil {
		return err
	}
	for _, encoded := range answer.Entries {
		p, err := c.enrolled(ctx, encoded)
		if err != nil {
			return fmt.Errorf("who somebody in the access log is: %w", err)
		}
		if p.Name != "" && !slices.Contains(known[p.GID], p) {
			known[p.GID] = append(known[p.GID], p)
		}
	}
	return nil
}

// enrolled reads how an authority calls someone it enrolled, from its signed word.
func (c *Client) enrolled(ctx context.Context, encoded []byte) (p Person, err error) {
	e, err := ledger.ParseEntry(encoded)
	if err != nil {
		return p, err
	}
	body, ok := e.Body.(*ledger.RepresentativeEnrolled)
	if !ok {
		return p, fmt.Errorf("%s says nothing of it", e.Kind())
	}
	at, err := c.Authority(ctx, e.Chain.Authority())
	if err != nil {
		return p, err
	}
	if at.Founder != e.Author {
		return p, fmt.Errorf("%s does not speak for %q", e.Author, at.Name)
	}
	keys, err := c.keysAt(e.Author, e.Control.Count)
	if err != nil {
		return p, err
	}
	if err := e.Verify(keys); err != nil {
		return p, err
	}
	return Person{body.GID, body.Display, at.Name}, nil
}
