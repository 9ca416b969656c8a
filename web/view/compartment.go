package view

import (
	"context"
	"errors"
	"fmt"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// NewCompartment is a part of the record to be made.
type NewCompartment struct {
	Name  string `json:"name"`
	Class string `json:"class"`
}

// ProxyEnd takes the right to act away.
type ProxyEnd struct {
	GID string `json:"gid"`
}

// CreateCompartment adds a part to the caller's record. Nobody else can open it.
func (v *View) CreateCompartment(ctx context.Context, args NewCompartment) (Sharing, error) {
	name, err := ledger.ParseCompartment(args.Name)
	if err != nil {
		return Sharing{}, misused("a part's name is a letter, then up to 30 small letters, digits or hyphens")
	}
	class := ledger.Class(args.Class)
	if class != ledger.HealthClass && class != ledger.TrainingClass {
		return Sharing{}, misused("it is for health or for training")
	}
	err = v.config.Client.CreateCompartment(ctx, name, class)
	if errors.Is(err, client.ErrExists) {
		return Sharing{}, misused(fmt.Sprintf("there is a part %q already", name))
	}
	if err != nil {
		return Sharing{}, err
	}
	v.refresh(v.config.Client.GID())
	return v.sharingMoved(ctx)
}

// RenewCompartment has a part go on under new keys.
func (v *View) RenewCompartment(ctx context.Context, args CompartmentName) (Sharing, error) {
	b, err := v.ownBook(ctx, args.Compartment)
	if err != nil {
		return Sharing{}, err
	}
	if _, err := b.StartEpoch(ctx, "renewed by the patient"); err != nil {
		return Sharing{}, err
	}
	return v.sharingMoved(ctx)
}

// EndProxy takes the right to act for the caller from a person, wherever they have it.
func (v *View) EndProxy(ctx context.Context, args ProxyEnd) (Sharing, error) {
	ended, err := v.config.Client.EndProxies(ctx, func(p client.Proxy) bool { return p.Person == identity.GID(args.GID) })
	if err != nil {
		return Sharing{}, err
	}
	if len(ended) == 0 {
		return Sharing{}, misused("this person does not act for you")
	}
	return v.sharingMoved(ctx)
}
