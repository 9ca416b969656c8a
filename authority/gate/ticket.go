package gate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// What a ticket opens over HTTP, where nobody shows a session: leaves to whoever has one, the whole log to an auditor.
const (
	leavesTicket = "leaves"
	wholeTicket  = "whole"
)

// ticketKey makes tickets of this run of the gate: with it they end.
type ticketKey [32]byte

func newTicketKey() (k ticketKey) {
	_, _ = rand.Read(k[:]) // never fails
	return k
}

// ticket returns the one ticket of its kind for a session's connection.
func (k ticketKey) ticket(kind, user string) string {
	mac := hmac.New(sha256.New, k[:])
	mac.Write([]byte(kind + "." + user))
	return kind + "." + user + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// ticket gives a session's holder a ticket. An auditor's opening of the whole log is logged, as by consumer.
func (g *Gate) ticket(ctx context.Context, r *stream.Request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, maxRequest)
	defer cancel()
	var q protocol.TicketQuery
	l, err := g.inSession(ctx, r, &q)
	if err != nil {
		return nil, err
	}
	kind := leavesTicket
	if q.Whole {
		kind = wholeTicket
		if err := g.admitAuditor(ctx, l); err != nil {
			return nil, err
		}
	}
	return canonical.Marshal(protocol.Ticket{Ticket: g.tickets.ticket(kind, r.Caller)})
}

// Admits tells whether a ticket is one that this gate has given out for a session that still lives, and which opens the whole log if
// that is asked.
func (g *Gate) Admits(ticket string, whole bool) bool {
	kind, rest, _ := strings.Cut(ticket, ".")
	user, _, _ := strings.Cut(rest, ".")
	if !hmac.Equal([]byte(ticket), []byte(g.tickets.ticket(kind, user))) || whole && kind != wholeTicket {
		return false
	}
	_, ok := g.Live(user)
	return ok
}
