package main

import (
	"context"
	"errors"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
)

// patientRegister makes the caller a patient. Run again, it finishes what was interrupted, and changes the name.
func patientRegister(ctx context.Context, e *env, args []string) error {
	fs := e.online()
	name := fs.String("name", "", "`NAME` that those you let in see; it is sealed like any record")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	c, err := e.dial(ctx)
	if err != nil {
		return err
	}
	defer hangUp(c)
	if err := c.RegisterPatient(ctx); err != nil {
		return err
	}
	if *name != "" {
		if err := c.SetName(ctx, *name); err != nil {
			return err
		}
	}
	if e.json {
		return e.emit(struct {
			Patient identity.GID `json:"patient"`
		}{c.GID()})
	}
	e.say("%s", c.GID())
	return nil
}

// notPatient is what somebody hears who has no record, or none any more.
func notPatient(ctx context.Context, c *client.Client) error {
	if erased, _ := c.IsErased(ctx); erased { // it fails for who is not registered at all
		return errors.New("your record is erased: there is nothing of it, for anybody")
	}
	return &hinted{errors.New("you have no record here"), "phr patient register makes one; --patient names somebody else's"}
}
