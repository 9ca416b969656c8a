package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
)

// compartmentCreate adds a compartment to the caller's record.
func compartmentCreate(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	class := fs.String("class", string(ledger.HealthClass), "`CLASS` of those who may be let in to write: health (hospitals) or training (health clubs)")
	at := fs.String("at", "", "`HOSPITAL` that may open it in an emergency: emergency@HOSPITAL, approved by supervisor@HOSPITAL")
	names, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	name, err := ledger.ParseCompartment(names[0])
	if err != nil {
		return err
	}
	if c := ledger.Class(*class); c != ledger.HealthClass && c != ledger.TrainingClass {
		return e.misused("the class is health or training, not " + quote(*class))
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.CreateCompartment(ctx, name, ledger.Class(*class)); err != nil && (*at == "" || !errors.Is(err, client.ErrExists)) {
		return err
	}
	if e.json && *at == "" {
		return e.emit(shownCompartment{Name: name, Class: ledger.Class(*class), Epoch: 1})
	}
	if !e.json {
		e.say("%s", name)
	}
	return e.openAt(ctx, c, name, *at)
}

// emergencyName is the compartment that is there to be opened in an emergency.
const emergencyName ledger.Compartment = "emergency"

// openAt lets a hospital open a compartment in an emergency, if one is named.
func (e *env) openAt(ctx context.Context, c *client.Client, name ledger.Compartment, hospital string) error {
	if hospital == "" {
		if name == emergencyName {
			e.note("Nobody opens it in an emergency yet: phr breakglass allow --compartment %s says who may.", name)
		}
		return nil
	}
	b, err := c.Book(ctx, c.GID(), name)
	if err != nil {
		return err
	}
	return e.allow(ctx, b, "emergency@"+hospital, "supervisor@"+hospital)
}

// shownCompartment is a compartment as 'compartment list' tells of it.
type shownCompartment struct {
	Name    ledger.Compartment `json:"compartment"`
	Class   ledger.Class       `json:"class"`
	Epoch   uint32             `json:"epoch"`
	Grants  int                `json:"grants"`
	Records int                `json:"records"`
	Stale   string             `json:"stale,omitempty"` // why a new epoch is due before anything is written
	Since   time.Time          `json:"stale_since,omitzero"`
}

// state says to people what is the matter with a compartment.
func (s *shownCompartment) state() string {
	if s.Stale == "" {
		return ""
	}
	return fmt.Sprintf("stale since %s: %s", moment(s.Since), s.Stale)
}

// compartmentList lists the compartments of the caller's record.
func compartmentList(ctx context.Context, e *env, args []string) error {
	if _, err := e.parse(e.online(), args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	facts, err := c.Compartments(ctx)
	if err != nil {
		return err
	}
	if len(facts) == 0 {
		return notPatient(ctx, c)
	}
	e.tellUnproven(c.Unproven())
	t := e.table("COMPARTMENT", "CLASS", "RECORDS", "GRANTS", "EPOCH", "STATE")
	for _, f := range facts {
		shown, err := describe(ctx, c, f)
		if err != nil {
			return err
		}
		err = t.row(shown, string(shown.Name), string(shown.Class), thousands(shown.Records), thousands(shown.Grants), thousands(int(shown.Epoch)), shown.state())
		if err != nil {
			return err
		}
	}
	return t.end("")
}

func describe(ctx context.Context, c *client.Client, f ledger.CompartmentFact) (shownCompartment, error) {
	shown := shownCompartment{Name: f.Chain.Compartment, Class: f.Class, Grants: len(f.Terms)}
	if f.Epoch != nil {
		shown.Epoch = f.Epoch.Number
	}
	b, err := c.Book(ctx, c.GID(), f.Chain.Compartment)
	if err != nil {
		return shown, err
	}
	folded, err := client.Chart(ctx, b)
	if err != nil {
		return shown, err
	}
	for _, item := range records(folded) {
		if item.Latest.Unreadable != client.ErrErased.Error() {
			shown.Records++
		}
	}
	shown.Stale, shown.Since, err = b.Stale(ctx)
	return shown, err
}
