package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
)

// idExport writes a copy of the keystore.
func idExport(_ context.Context, e *env, args []string) error {
	operands, err := e.parse(e.personal(), args, 1, 1)
	if err != nil {
		return err
	}
	e.direct = true
	h, err := e.open()
	if err != nil {
		return err
	}
	defer h.Close()
	copied, err := h.Copy()
	if err != nil {
		return err
	}
	if err := writeSecret(operands[0], copied); err != nil {
		return err
	}
	if e.json {
		return e.emit(struct {
			GID  identity.GID `json:"gid"`
			File string       `json:"file"`
		}{h.GID(), operands[0]})
	}
	e.note("Whatever opens your home now opens this copy for ever: the passphrase, and the recovery words. What waits unsent is not in it.")
	return nil
}

// maxCopy is longer than any keystore, in bytes.
const maxCopy = 32 << 20

// idImport makes a home of a copy of a keystore.
func idImport(_ context.Context, e *env, args []string) error {
	fs := e.personal()
	fresh := fs.String("new-passphrase-file", "", "`FILE` whose first line is the new passphrase, where recovery words open the copy")
	sheet := fs.String("recovery-file", "", "open the copy by the recovery words in `FILE`: its passphrase is forgotten")
	forgotten := fs.Bool("forgotten", false, "ask for the recovery words: the copy's passphrase is forgotten")
	operands, err := e.parse(fs, args, 1, 1)
	if err != nil {
		return err
	}
	dir, err := e.newHomeDir()
	if err != nil {
		return err
	}
	copied, err := readCopy(operands[0])
	if err != nil {
		return err
	}
	var h *client.Home
	if *sheet == "" && !*forgotten {
		h, err = e.restore(dir, copied)
	} else {
		h, err = e.restoreForgotten(dir, copied, *sheet, *fresh)
	}
	if err != nil {
		return err
	}
	defer h.Close()
	return e.showHome(h, dir)
}

func readCopy(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	copied, err := io.ReadAll(io.LimitReader(f, maxCopy))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return copied, nil
}

func (e *env) restore(dir string, copied []byte) (*client.Home, error) {
	passphrase, err := e.passphrase(false)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return client.RestoreHome(dir, copied, passphrase)
}

// restoreForgotten makes the home by the recovery words, and gives it a passphrase that is known.
func (e *env) restoreForgotten(dir string, copied []byte, sheet, fresh string) (*client.Home, error) {
	code, err := e.recoveryCode(sheet)
	if err != nil {
		return nil, err
	}
	defer code.Close()
	passphrase, err := e.newPassphrase(fresh)
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	h, err := client.RestoreHomeRecovery(dir, copied, code)
	if err != nil {
		return nil, err
	}
	if err := h.SetPassphrase(passphrase); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}
