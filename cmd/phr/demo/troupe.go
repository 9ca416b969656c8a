package demo

import (
	"context"
	"log/slog"
	"time"

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
)

// troupe is a node and the people who came to it. It is for one goroutine at a time.
type troupe struct {
	node     *node.Node
	log      *slog.Logger
	now      func() time.Time
	registry *person
	everyone []*person
}

// openRegistry lets the registry in whose keys lie in the node's directory.
func (t *troupe) openRegistry(ctx context.Context, dir string) error {
	identity, registry, err := node.Registry(dir)
	if err != nil {
		return err
	}
	home := client.HomeOf(identity)
	if err := home.SetAuthority(registry); err != nil {
		return err
	}
	t.registry, err = t.connect(ctx, "the registry", home)
	return err
}

// enter gives somebody a home and a connection.
func (t *troupe) enter(ctx context.Context, name string) (*person, error) {
	home, err := client.NewHome()
	if err != nil {
		return nil, err
	}
	return t.connect(ctx, name, home)
}

func (t *troupe) connect(ctx context.Context, name string, home *client.Home) (*person, error) {
	c, err := client.Dial(ctx, client.Config{Home: home, Node: t.node.URL(), Log: t.log, Now: t.now})
	if err != nil {
		return nil, err
	}
	p := &person{name, c}
	t.everyone = append(t.everyone, p)
	return p, nil
}

func (t *troupe) leave() {
	for _, p := range t.everyone {
		p.Close()
	}
}

func (t *troupe) found(ctx context.Context, name policy.Authority, kind ledger.AuthorityKind) (*person, error) {
	p, err := t.enter(ctx, string(name))
	if err != nil {
		return nil, err
	}
	fingerprint, err := p.FoundAuthority(ctx, name, kind)
	if err != nil {
		return nil, err
	}
	return p, t.registry.Endorse(ctx, name, fingerprint)
}

func (t *troupe) join(ctx context.Context, name string, at *person, attribute string) (*person, error) {
	p, err := t.enter(ctx, name)
	if err != nil {
		return nil, err
	}
	code, _, err := at.Invite(ctx, authority.Offer{Attributes: []string{attribute}})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	_, err = p.Enroll(ctx, code, name)
	return p, err
}
