package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// event makes an event of the caller's at a place on a chain, unsigned.
func (c *Client) event(chain ledger.Chain, head ledger.Head, b ledger.Body) (*ledger.Event, error) {
	now := c.config.Now()
	id, err := ledger.NewEventID(rand.Reader, now)
	if err != nil {
		return nil, err
	}
	return &ledger.Event{
		ID: id, Chain: chain, Number: head.Number + 1, Prev: head.Hash, Author: c.GID(), Time: now, Body: b,
	}, nil
}

// extend signs bodies as the next events of a chain that the caller owns.
func (c *Client) extend(chain ledger.Chain, head ledger.Head, bodies ...ledger.Body) ([]*ledger.Event, error) {
	var events []*ledger.Event
	for _, b := range bodies {
		e, err := c.event(chain, head, b)
		if err != nil {
			return nil, err
		}
		if err := e.Sign(c.home.Identity()); err != nil {
			return nil, err
		}
		encoded, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		head = ledger.Head{Number: e.Number, Hash: ledger.HashEvent(encoded)}
		events = append(events, e)
	}
	return events, nil
}

// RegisterIdentity makes the caller known to the node. Doing it again changes nothing.
func (c *Client) RegisterIdentity(ctx context.Context) error {
	if _, err := c.Person(ctx, c.GID()); err == nil {
		return nil
	} else if code := codeOf(err); code != "" && code != protocol.CodeNotFound {
		return err
	}
	inception := c.home.Identity().Inception()
	body := &ledger.IdentityRegistered{Sign: inception.Keys.Sign, Seal: inception.Keys.Seal, Recovery: inception.Recovery}
	if err := c.register(ctx, ledger.PersonChain(c.GID()), ledger.Head{}, body); err != nil {
		return fmt.Errorf("registering the identity: %w", err)
	}
	_, err := c.Person(ctx, c.GID())
	return err
}

func (c *Client) register(ctx context.Context, chain ledger.Chain, head ledger.Head, b ledger.Body) error {
	events, err := c.extend(chain, head, b)
	if err != nil {
		return err
	}
	_, err = submit(ctx, c.guest, protocol.Register(c.GID()), c.config.Now(), events, nil)
	return err
}

// RegisterPatient makes the caller a patient, with the compartments health and training. What is there already stays, so
// that it can be called again after an interruption.
func (c *Client) RegisterPatient(ctx context.Context) error {
	if err := c.RegisterIdentity(ctx); err != nil {
		return err
	}
	if !c.isPatient(c.GID()) {
		master, err := c.home.master()
		if err != nil {
			return err
		}
		body := &ledger.PatientRegistered{Key: master.PublicKey().Bytes()}
		if err := c.register(ctx, ledger.RecordChain(c.GID(), ledger.Profile), ledger.Head{}, body); err != nil {
			return fmt.Errorf("registering as a patient: %w", err)
		}
	}
	for _, made := range []struct {
		name  ledger.Compartment
		class ledger.Class
	}{{ledger.Health, ledger.HealthClass}, {ledger.Training, ledger.TrainingClass}} {
		if err := c.CreateCompartment(ctx, made.name, made.class); err != nil && !errors.Is(err, ErrExists) {
			return err
		}
	}
	_, err := c.Person(ctx, c.GID())
	return err
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.catchUp(ctx, ledger.OpRead); err != nil {
		return err
	}
	if f, ok := b.fact(); ok && f.Epoch != nil {
		return fmt.Errorf("compartment %q is %w", name, ErrExists)
	}
	created := []ledger.Body{&ledger.CompartmentCreated{Class: class}}
	if f, ok := b.fact(); ok && f.Epoch == nil {
		created = nil // a first try came half way
	}
	return b.startEpoch(ctx, created, nil, "first epoch")
}

// Compartments returns the compartments of the caller's own record, in the order of their names.
func (c *Client) Compartments(ctx context.Context) ([]ledger.CompartmentFact, error) {
	s, err := c.relogin(ctx)
	if err != nil {
		return nil, err
	}
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
