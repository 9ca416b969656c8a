package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/abe"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

var random = rand.Reader

// knock asks the gate for a session that an honest client would not ask for, and returns why it is refused.
func (d *demo) knock(ctx context.Context, p *person, name ledger.Compartment, op ledger.Operation, term ledger.TermID) error {
	user, err := nkeys.CreateUser()
	if err != nil {
		return err
	}
	side, err := challenge.NewClient(challenge.ClientConfig{
		Rand: random, Identity: challenge.Held{Identity: p.Home().Identity()}, User: user, Node: p.Node(),
		Request: challenge.Request{
			Patient: d.maria.GID(), Operation: op, TTL: 60, Targets: []challenge.Target{{Compartment: name, Term: term}},
		},
		Keys: func(identity.GID, uint64) (*identity.Keys, error) { return nil, errors.New("not asked for") },
		Decapsulate: func(*abe.Header, []byte, []byte) ([32]byte, error) {
			return [32]byte{}, errors.New("not asked for")
		},
	})
	if err != nil {
		return err
	}
	hello, err := side.Hello(d.clock.now())
	if err != nil {
		return err
	}
	conn, err := stream.Dial(ctx, stream.Options{URL: "nats://" + d.node.URL().Address})
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Request(ctx, protocol.GateHello, hello)
	return err
}

// copyLog gives the log as the auditor sees it to whoever wants to try something on it.
func (d *demo) copyLog(ctx context.Context) ([]*ledger.Entry, error) {
	var all []*ledger.Entry
	err := d.auditor.Log(ctx, func(entries []stream.Entry) error {
		for _, raw := range entries {
			e, err := ledger.ParseEntry(raw.Data)
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return nil
	})
	return all, err
}

// judgeForged lets somebody with a session to read sign a record, puts it behind a copy of the log, and returns what every
// validator says of it.
func (d *demo) judgeForged(ctx context.Context, p *person, name ledger.Compartment) (verdict, err error) {
	log, err := d.copyLog(ctx)
	if err != nil {
		return nil, err
	}
	state := ledger.NewState(d.node.URL().Root, ledger.WholeLog)
	var runs ledger.Runs
	var session ledger.SessionID
	var sample *ledger.Content
	chain := ledger.RecordChain(d.maria.GID(), name)
	for _, e := range log {
		if opened, ok := e.Body.(*ledger.SessionOpened); ok && opened.GID == p.GID() {
			session = opened.Session
		}
		if written, ok := e.Body.(*ledger.RecordWritten); ok && e.Chain == chain {
			sample = &written.Content
		}
		for _, run := range runs.Add(e) {
			if err := state.Fold(run...); err != nil {
				return nil, err
			}
		}
	}
	forged := *sample
	forged.Leaf[0] ^= 0xff
	id, err := ledger.NewEventID(random, d.clock.now())
	if err != nil {
		return nil, err
	}
	head, _ := state.Head(chain)
	e := &ledger.Event{
		ID: id, Chain: chain, Number: head.Number + 1, Prev: head.Hash, Author: p.GID(), Session: session, Time: d.clock.now(),
		Body: &ledger.RecordWritten{Content: forged},
	}
	if err := e.Sign(p.Home().Identity()); err != nil {
		return nil, err
	}
	encoded, err := e.Marshal()
	if err != nil {
		return nil, err
	}
	entry, err := ledger.NewEntry(encoded, d.clock.now(), state.Position())
	if err != nil {
		return nil, err
	}
	return state.Fold(entry), nil
}

// tryWithOldKeys hands a copy of the log to someone who kept every key, and counts what opens.
func (d *demo) tryWithOldKeys(ctx context.Context, his *client.Book, after ledger.EventID) (old int, opened bool, err error) {
	log, err := d.copyLog(ctx)
	if err != nil {
		return 0, false, err
	}
	chain := ledger.RecordChain(d.maria.GID(), his.Compartment())
	for _, e := range log {
		if e.Chain != chain || !e.Kind().IsRecord() || !his.Opens(e) {
			continue
		}
		old++
		opened = opened || e.ID == after
	}
	return old, opened, nil
}

// reason is the innermost of what an error says, short enough for a line.
func reason(err error) string {
	var told *stream.Error
	text := err.Error()
	if errors.As(err, &told) {
		text = told.Text
	}
	const most = 150
	if r := []rune(text); len(r) > most {
		return "…" + string(r[len(r)-most:])
	}
	return text
}

// settledLog returns the access log once the node has written down that Dr Ruiz's session ended, which it does a moment after
// ending it.
func (d *demo) settledLog(ctx context.Context) ([]client.Access, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for {
		log, err := d.maria.AccessLog(ctx)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(log, func(a client.Access) bool { return a.GID == d.ruiz.GID() && a.Kind == ledger.SessionClosedKind }) {
			return log, nil
		}
	}
}

// whoLooked prints the patient's access log.
func (d *demo) whoLooked(ctx context.Context) ([]string, error) {
	log, err := d.settledLog(ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[identity.GID]string)
	for _, p := range d.everyone {
		names[p.GID()] = p.name
	}
	seen := make(map[string]int)
	var order []string
	for _, a := range log {
		line := fmt.Sprintf("%s: %s, %s", names[a.GID], a.Kind, strings.TrimSpace(string(a.Operation)+" "+string(a.Compartment)))
		if a.Kind == ledger.SessionClosedKind {
			line += " (" + a.Reason + ")"
		}
		if seen[line] == 0 {
			order = append(order, line)
		}
		seen[line] += max(int(a.Count), 1)
	}
	for i, line := range order {
		order[i] = fmt.Sprintf("%2d × %s", seen[line], line)
	}
	who := make(map[identity.GID]map[ledger.Kind]bool)
	for _, a := range log {
		if who[a.GID] == nil {
			who[a.GID] = make(map[ledger.Kind]bool)
		}
		who[a.GID][a.Kind] = true
	}
	ok := who[d.ruiz.GID()][ledger.SessionOpenedKind] && who[d.ruiz.GID()][ledger.SessionClosedKind] &&
		who[d.ida.GID()][ledger.SessionOpenedKind] && who[d.stranger.GID()][ledger.SessionRefusedKind]
	return order, expect(ok, "the log does not show Dr Ruiz's and Ida's sessions, and the stranger's refusal")
}
