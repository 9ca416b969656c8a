package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// RegisterIdentity makes the caller known to the node. Doing it again changes nothing.
func (c *Client) RegisterIdentity(ctx context.Context) error {
	if _, err := c.Person(ctx, c.GID()); err == nil {
		return c.keepEscrow(ctx)
	} else if code := codeOf(err); code != "" && code != protocol.CodeNotFound {
		return err
	}
	inception := c.home.Keys().Inception()
	body := &ledger.IdentityRegistered{Sign: inception.Keys.Sign, Seal: inception.Keys.Seal, Recovery: inception.Recovery}
	if err := c.register(ctx, ledger.PersonChain(c.GID()), body); err != nil {
		return fmt.Errorf("registering the identity: %w", err)
	}
	if _, err := c.Person(ctx, c.GID()); err != nil {
		return err
	}
	return c.keepEscrow(ctx)
}

// register submits the first event of a chain, for which no session is needed.
func (c *Client) register(ctx context.Context, chain ledger.Chain, b ledger.Body) error {
	events, err := c.extend(chain, ledger.Head{}, ledger.SessionID{}, []ledger.Body{b})
	if err != nil {
		return err
	}
	return c.submit(ctx, c.guest, protocol.Register(c.GID()), events, nil)
}

// RegisterPatient makes the caller a patient, with the compartments health and training. What is there already stays, so
// that it can be called again after an interruption.
func (c *Client) RegisterPatient(ctx context.Context) error {
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	if c.isErased() {
		return fmt.Errorf("the record of %s is %w: nobody registers under it again, and a new identity has a record of its own", c.GID(), ErrErased)
	}
	if !c.isPatient(c.GID()) {
		master, err := c.home.Keys().MasterKey()
		if err != nil {
			return err
		}
		body := &ledger.PatientRegistered{Key: master.Bytes()}
		if err := c.register(ctx, ledger.RecordChain(c.GID(), ledger.Profile), body); err != nil {
			return fmt.Errorf("registering as a patient: %w", err)
		}
		c.dropSessions() // a login from before reaches no record
	}
	for _, made := range []struct {
		name  ledger.Compartment
		class ledger.Class
	}{{ledger.Health, ledger.HealthClass}, {ledger.Training, ledger.TrainingClass}} {
		if err := c.CreateCompartment(ctx, made.name, made.class); err != nil && !errors.Is(err, ErrExists) && !errors.Is(err, ErrErased) {
			return err
		}
	}
	_, err := c.Person(ctx, c.GID())
	return err
}

// IsPatient tells whether the caller is a patient.
func (c *Client) IsPatient(ctx context.Context) (bool, error) {
	_, err := c.Person(ctx, c.GID())
	if codeOf(err) == protocol.CodeNotFound {
		err = nil
	}
	return c.isPatient(c.GID()), err
}

// isPatient tells whether a person is known to be a patient.
func (c *Client) isPatient(gid identity.GID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.state.Patient(gid)
	return ok
}

// ErrExists is returned, wrapped, for what is there already.
var ErrExists = errors.New("there already")

// CreateCompartment adds a compartment to the caller's own record and starts its first epoch.
func (c *Client) CreateCompartment(ctx context.Context, name ledger.Compartment, class ledger.Class) error {
	if name.Reserved() {
		return fmt.Errorf("%q is not a compartment for records", name)
	}
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return err
	}
	if err := b.turn.take(ctx); err != nil {
		return err
	}
	defer b.turn.give()
	tried := false
	return c.attempt(ctx, loginKey, func(s *session) error {
		if err := b.catchUp(ctx, s); err != nil {
			return err
		}
		f, begun := b.fact()
		switch {
		case f.Erased:
			return fmt.Errorf("compartment %q is %w, and a name is not used again", name, ErrErased)
		case begun && f.Epoch != nil && tried:
			return nil // the try before counts after all
		case begun && f.Epoch != nil:
			return fmt.Errorf("compartment %q is %w", name, ErrExists)
		case begun:
			return b.startEpoch(ctx, s, "first epoch") // an earlier try came half way
		}
		tried = true
		return b.startFirst(ctx, s, class)
	})
}

// Compartments returns the compartments of the caller's own record that are not erased, in the order of their names.
func (c *Client) Compartments(ctx context.Context) ([]ledger.CompartmentFact, error) {
	// Which there are, a login says when it is opened. The one in use may be older than the newest of them.
	s, err := c.openLogin(ctx)
	if err != nil {
		return nil, err
	}
	s.end()
	var all []ledger.CompartmentFact
	for _, head := range s.grant.Heads {
		chain, err := ledger.ParseChain(head.Chain)
		if err != nil || chain.Space != ledger.RecordSpace || chain.Compartment.Reserved() {
			continue
		}
		b, err := c.Book(ctx, c.GID(), chain.Compartment)
		if err != nil {
			return nil, err
		}
		f, err := b.Fact(ctx)
		if errors.Is(err, ErrErased) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b ledger.CompartmentFact) int {
		return strings.Compare(string(a.Chain.Compartment), string(b.Chain.Compartment))
	})
	return all, nil
}
