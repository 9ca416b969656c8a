package main

import (
	"context"
	"errors"

	"github.com/phrledger/phr/client"
)

// idPassphrase changes the passphrase of a home, which is opened by the one before or by the recovery words.
func idPassphrase(_ context.Context, e *env, args []string) error {
	fs := e.personal()
	fresh := fs.String("new-passphrase-file", "", "`FILE` whose first line is the new passphrase, instead of a prompt")
	sheet := fs.String("recovery-file", "", "open the home by the recovery words in `FILE`: the passphrase is forgotten")
	forgotten := fs.Bool("forgotten", false, "ask for the recovery words: the passphrase is forgotten")
	if _, err := e.parse(fs, args, 0, 0); err != nil {
		return err
	}
	h, err := e.openToChange(*sheet, *forgotten)
	if err != nil {
		return err
	}
	defer h.Close()
	passphrase, err := e.newPassphrase(*fresh)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	if err := h.SetPassphrase(passphrase); err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			Changed bool `json:"changed"`
		}{true})
	}
	e.note("The passphrase is changed. Copies of the home from before still open by the old one, and whoever has both has the keys: " +
		"destroy the copies, and if somebody else may have them, replace the keys.")
	return nil
}

// openToChange opens the home by the recovery words if they are given, else by its passphrase.
func (e *env) openToChange(sheet string, forgotten bool) (*client.Home, error) {
	if sheet == "" && !forgotten {
		e.direct = true
		return e.open()
	}
	dir, err := e.homeDir()
	if err != nil {
		return nil, err
	}
	if !hasIdentity(dir) {
		return nil, noIdentity(dir)
	}
	code, err := e.recoveryCode(sheet)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	return client.RecoverHome(dir, code)
}

func (e *env) newPassphrase(file string) ([]byte, error) {
	if file != "" {
		return passphraseFrom(file)
	}
	passphrase, err := e.askTwice("New passphrase: ")
	var more *hinted
	if errors.As(err, &more) {
		more.hint = "name a file with --new-passphrase-file"
	}
	return passphrase, err
}
