package embedded

import (
	"fmt"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/phrledger/phr/ledger/stream"
)

// An operator is who the server trusts, and where it finds the accounts this operator has signed.
type operator struct {
	claims   []*jwt.OperatorClaims
	resolver *server.DirAccResolver
}

// operator signs itself and the three accounts, and stores those in dir. It does so at every start, so that a newer
// version of the table of imports takes effect.
func (s *Server) operator(dir string) (*operator, error) {
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
	resolver, err := server.NewDirAccResolver(dir, 0, 0, server.NoDelete)
	if err != nil {
		return nil, fmt.Errorf("opening the accounts: %w", err)
	}
	system := jwt.NewAccountClaims(s.keys.system.public)
	system.Name = "SYS"
	ledger, clients := accounts(s.keys.ledger.public, s.keys.clients.public)
	if err := CheckAccounts(ledger, clients); err != nil {
		return nil, err
	}
	for _, a := range []*jwt.AccountClaims{system, ledger, clients} {
		// Signed and stored once, after the last edit: the server ignores a second token of the same second.
		token, err := a.Encode(s.keys.operator)
		if err != nil {
			return nil, fmt.Errorf("signing account %s: %w", a.Name, err)
		}
		if err := resolver.Store(a.Subject, token); err != nil {
			return nil, fmt.Errorf("storing account %s: %w", a.Name, err)
		}
	}
	return &operator{[]*jwt.OperatorClaims{claims}, resolver}, nil
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
