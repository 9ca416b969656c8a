package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
)

// emergency is the compartment that Maria puts ready for the day she can't be asked.
const emergency ledger.Compartment = "emergency"

// breakGlass has two people of the hospital open it, and Maria end and review it.
func (d *demo) breakGlass(ctx context.Context) ([]string, error) {
	medic, chief, err := d.emergencyRoom(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.prepareEmergency(ctx); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, medic, emergency)
	if err := refused(err, "the medic, as a matter of course,"); err != nil {
		return nil, err
	}
	start := time.Now()
	asked, err := medic.RequestEmergency(ctx, client.EmergencyRequest{
		Patient: d.maria.GID(), Compartment: emergency, Reason: "unconscious, in resuscitation room 2",
	})
	if err != nil {
		return nil, err
	}
	_, err = medic.ApproveEmergency(ctx, d.maria.GID(), asked.ID())
	if err := refused(err, "an approval by the medic alone"); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, medic, emergency)
	if err := refused(err, "the medic, before somebody else approved,"); err != nil {
		return nil, err
	}
	if _, err := chief.ApproveEmergency(ctx, d.maria.GID(), asked.ID()); err != nil {
		return nil, err
	}
	if _, err := medic.AwaitEmergency(ctx, d.maria.GID(), asked.ID(), nil); err != nil {
		return nil, err
	}
	read, _, err := d.readAll(ctx, medic, emergency)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	if err := expect(read == 1, "the medic reads %d records instead of 1", read); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, chief, emergency)
	if err := refused(err, "who approved, reading,"); err != nil {
		return nil, err
	}
	if _, err := d.maria.EndEmergency(ctx, d.maria.GID(), asked.ID(), "I am awake"); err != nil {
		return nil, err
	}
	_, _, err = d.readAll(ctx, medic, emergency)
	if err := refused(err, "the medic, after Maria ended it,"); err != nil {
		return nil, err
	}
	_, err = d.maria.ReviewEmergency(ctx, d.maria.GID(), asked.ID(), "Justified: I could not answer.")
	return []string{
		fmt.Sprintf("the medic says why, the chief approves, the node logs it before it gives out its share: open after %s", round(took)),
		"it takes all three shares: the medic alone, the chief alone and the node alone open nothing",
		"Maria ends it: closed at once, and her emergency data goes on under new keys. The review, due within 72 hours, is hers",
	}, err
}

// emergencyRoom lets two people of the hospital join.
func (d *demo) emergencyRoom(ctx context.Context) (medic, chief *person, err error) {
	if medic, err = d.join(ctx, "the medic", d.hospital, "emergency"); err != nil {
		return nil, nil, err
	}
	chief, err = d.join(ctx, "the chief", d.hospital, "supervisor")
	return medic, chief, err
}

func (d *demo) prepareEmergency(ctx context.Context) error {
	if err := d.maria.CreateCompartment(ctx, emergency, ledger.HealthClass); err != nil {
		return err
	}
	b, err := d.maria.Book(ctx, d.maria.GID(), emergency)
	if err != nil {
		return err
	}
	if _, err := b.AllowEmergency(ctx, "emergency@city-hospital", "supervisor@city-hospital"); err != nil {
		return err
	}
	_, err = b.Write(ctx, []client.Draft{{Kind: chart.Written, Media: chart.Note, Body: []byte("Allergic to penicillin.")}}, nil)
	return err
}
