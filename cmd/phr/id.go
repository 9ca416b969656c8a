package main

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/recovery"
)

// idCreate makes an identity. It needs no node: the GID is the hash of its keys.
func idCreate(_ context.Context, e *env, args []string) error {
	fs := e.personal()
	file := fs.String("recovery-file", "", "write the recovery sheet to `FILE`, instead of to the terminal")
	untested := fs.Bool("no-recovery-test", false, "don't ask for words of the sheet")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	dir, err := e.newHomeDir()
	if err != nil {
		return err
	}
	passphrase, err := e.passphrase(true)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	code, err := recovery.Generate(rand.Reader)
	if err != nil {
		return err
	}
	defer code.Close()
	person, err := client.NewIdentity(code)
	if err != nil {
		return err
	}
	// The sheet comes first: an identity whose sheet nobody has could never be recovered, a sheet without an identity does no harm.
	if err := e.handOut(code, person.GID(), *file, !*untested); err != nil {
		return err
	}
	h, err := client.CreateHome(dir, passphrase, person, code)
	if err != nil {
		return err
	}
	defer h.Close()
	return e.showHome(h, dir,
		"The keys are in "+dir+", under the passphrase. The recovery sheet opens them too, and brings the identity back without them.")
}

// showHome prints whose home was made, with notes on it.
func (e *env) showHome(h *client.Home, dir string, notes ...string) error {
	if e.json {
		return e.emit(struct {
			GID  identity.GID `json:"gid"`
			Home string       `json:"home"`
		}{h.GID(), dir})
	}
	e.say("%s", h.GID())
	for _, note := range notes {
		e.note("%s", note)
	}
	return nil
}

// shownID is what 'id show' tells of a home.
type shownID struct {
	GID       identity.GID   `json:"gid"`
	Node      string         `json:"node,omitempty"`
	Authority string         `json:"authority,omitempty"`
	Keys      []string       `json:"attributes,omitempty"`
	Recovery  *bool          `json:"recovery,omitempty"` // whether a recovery code opens the home; an agent does not tell
	Unsent    map[string]int `json:"unsent,omitempty"`   // drafts that wait, by chain
	Unsealed  map[string]int `json:"unsealed,omitempty"` // events that are accepted and not known to be sealed, by chain
}

// idShow tells whose home it is and what is in it, without a node.
func idShow(_ context.Context, e *env, args []string) error {
	if _, err := e.parse(e.personal(), args, 0, 0); err != nil {
		return err
	}
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	s := shownID{GID: h.GID(), Node: h.Node()}
	held, err := h.Keys().Attributes()
	if err != nil {
		return err
	}
	for _, k := range held {
		s.Keys = append(s.Keys, k.Attribute.String())
	}
	a, err := h.Authority()
	if err != nil && !errors.Is(err, client.ErrAgent) {
		return err
	}
	if a != nil {
		s.Authority = string(a.Name())
	}
	if s.Unsent, err = h.Unsent(); err != nil {
		return err
	}
	if s.Unsealed, err = h.Unsealed(); err != nil {
		return err
	}
	if has, known := h.HasRecovery(); known {
		s.Recovery = &has
	}
	if e.json {
		return e.emit(s)
	}
	e.say("%s", s.GID)
	if s.Node != "" {
		e.say("node       %s", s.Node)
	}
	if s.Authority != "" {
		e.say("authority  %s, which is kept here", s.Authority)
	}
	if s.Recovery != nil && !*s.Recovery {
		e.say("recovery   no recovery code opens this home")
	}
	for _, k := range s.Keys {
		e.say("attribute  %s", k)
	}
	for chain, n := range s.Unsent {
		e.say("unsent     %s for %s: 'phr record import' writes what it left", plural(n, "record"), chain)
	}
	for chain, n := range s.Unsealed {
		e.say("unsealed   %s for %s: the node has them, and has not proven yet that they are sealed", plural(n, "event"), chain)
	}
	return nil
}
