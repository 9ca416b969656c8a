package view

import (
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// gid returns the patient that is meant: the caller if none is named.
func (v *View) gid(patient string) (identity.GID, error) {
	if patient == "" {
		return v.config.Client.GID(), nil
	}
	gid, err := identity.ParseGID(patient)
	if err != nil {
		return "", misused("there is no such patient")
	}
	return gid, nil
}

// over tells whether a term has ended by itself.
func (v *View) over(t *ledger.Term) bool {
	return t.Until != 0 && v.config.Now().UnixMilli() >= t.Until
}
