package embedded

import (
	"fmt"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/phrledger/phr/ledger/stream"
)

// operator signs itself: whose accounts the server trusts.
func (s *Server) operator() ([]*jwt.OperatorClaims, error) {
	claims := jwt.NewOperatorClaims(s.keys.operator.public)
	claims.Name = "phr"
	claims.SystemAccount = s.keys.system.public
	token, err := claims.Encode(s.keys.operator)
	if err != nil {
		return nil, fmt.Errorf("signing the operator: %w", err)
	}
	if claims, err = jwt.DecodeOperatorClaims(token); err != nil {
		return nil, fmt.Errorf("signing the operator: %w", err)
	}
	return []*jwt.OperatorClaims{claims}, nil
}

// resolver signs the three accounts and stores them in dir, where the server finds them. It does so at every start, so
// that the table of imports of this version takes effect. The caller must close it if no server does.
func (s *Server) resolver(dir string) (*server.DirAccResolver, error) {
	system := jwt.NewAccountClaims(s.keys.system.public)
	system.Name = "SYS"
	ledger, clients := accounts(s.keys.ledger.public, s.keys.clients.public)
	if err := CheckAccounts(ledger, clients); err != nil {
		return nil, err
	}
	r, err := server.NewDirAccResolver(dir, 0, 0, server.NoDelete)
	if err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	for _, a := range []*jwt.AccountClaims{system, ledger, clients} {
		// Signed and stored once, after the last edit: the server ignores a second token of the same second.
		token, err := a.Encode(s.keys.operator)
		if err == nil {
			err = r.Store(a.Subject, token)
		}
		if err != nil {
			r.Close()
			return nil, fmt.Errorf("storing account %s: %w", a.Name, err)
		}
	}
	return r, nil
}

// accounts describes the account that owns the ledger and the one people are in.
func accounts(ledgerKey, clientsKey string) (ledger, clients *jwt.AccountClaims) {
	ledger = jwt.NewAccountClaims(ledgerKey)
	ledger.Name = "LEDGER"
	ledger.Limits.JetStreamLimits = jwt.JetStreamLimits{
		MemoryStorage: jwt.NoLimit, DiskStorage: jwt.NoLimit, Streams: jwt.NoLimit, Consumer: jwt.NoLimit,
	}
	clients = jwt.NewAccountClaims(clientsKey)
	clients.Name = "CLIENTS"
	for _, i := range stream.Imports() {
		e := &jwt.Export{Name: i.Subject, Subject: jwt.Subject(i.Subject), Type: jwt.Service, ResponseType: jwt.ResponseTypeSingleton}
		if i.Stream {
			e.ResponseType = jwt.ResponseTypeStream
		}
		ledger.Exports.Add(e)
		clients.Imports.Add(&jwt.Import{
			Name:         i.Subject,
			Subject:      e.Subject,
			Account:      ledgerKey,
			LocalSubject: jwt.RenamingSubject(i.Local),
			Type:         jwt.Service,
			Share:        true, // tells the service who asks
		})
	}
	return ledger, clients
}
