//go:build !js

package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config is what a Ledger needs beside its connection.
type Config struct {
	// Clients is the public key of the NATS account people are in. Only callers of that account have an identity.
	Clients string
	// Copies has a second copy of each part. Nil for none.
	Copies Copies
	// Log gets the failures of services that no caller may see in full. Nil discards them.
	Log *slog.Logger
}

// Copies keeps a second copy of parts where the loss of the streams' disk does not reach it. A *tree.Parts does.
type Copies interface {
	// Keep returns when the copy is on disk.
	Keep(subject string, data []byte) error
	// Erase destroys it. That there is none is no error.
	Erase(subject string) error
}

// A Ledger is the node's side of the two streams, over a connection of the account that owns them. It is safe for
// concurrent use.
type Ledger struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	entries jetstream.Stream
	keys    jetstream.Stream
	clients string
	copies  Copies
	log     *slog.Logger
}

// OpenLedger finds the two streams, or makes them if they are not there, and refuses with an *UnsafeError when one is
// configured in a way that could lose entries. The connection stays the caller's to close.
func OpenLedger(ctx context.Context, conn *nats.Conn, c Config) (*Ledger, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	l := &Ledger{conn: conn, js: js, clients: c.Clients, copies: c.Copies, log: c.Log}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.entries, err = openStream(ctx, js, ledgerConfig()); err != nil {
		return nil, err
	}
	if l.keys, err = openStream(ctx, js, keysConfig()); err != nil {
		return nil, err
	}
	return l, nil
}

func openStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	s, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		s, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("opening stream %s: %w", want.Name, err)
	}
	return s, CheckStream(s.CachedInfo().Config)
}

// Check reads both configurations again and fails with an *UnsafeError if somebody has changed one.
func (l *Ledger) Check(ctx context.Context) error {
	for _, s := range []jetstream.Stream{l.entries, l.keys} {
		info, err := s.Info(ctx)
		if err != nil {
			return fmt.Errorf("checking the ledger's streams: %w", err)
		}
		if err := CheckStream(info.Config); err != nil {
			return err
		}
	}
	return nil
}

// Guard watches both streams until ctx ends, and fails with an *UnsafeError as soon as somebody has changed one, or with
// another error if one is gone. Only holders of the ledger's own keys can do that; the node should stop when it happens.
func (l *Ledger) Guard(ctx context.Context) error {
	sub, err := l.conn.SubscribeSync("$JS.EVENT.ADVISORY.STREAM.*.*")
	if err != nil {
		return fmt.Errorf("guarding the ledger's streams: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only when the connection is closed
	for {
		if err := l.Check(ctx); err != nil {
			return err
		}
		if _, err := sub.NextMsgWithContext(ctx); err != nil {
			return fmt.Errorf("guarding the ledger's streams: %w", err)
		}
	}
}

// LastSeq returns the sequence of the newest entry, 0 if there is none.
func (l *Ledger) LastSeq(ctx context.Context) (uint64, error) {
	info, err := l.entries.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("reading the ledger's state: %w", err)
	}
	return info.State.LastSeq, nil
}

// Last returns the newest entry whose subject matches filter, and the zero Entry if there is none.
func (l *Ledger) Last(ctx context.Context, filter string) (Entry, error) {
	m, err := l.entries.GetLastMsgForSubject(ctx, filter)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Entry{}, nil
	}
	if err != nil {
		return Entry{}, fmt.Errorf("reading the head of a chain: %w", err)
	}
	return rawEntry(m), nil
}

func rawEntry(m *jetstream.RawStreamMsg) Entry {
	return Entry{Seq: m.Sequence, Subject: m.Subject, ID: m.Header.Get(nats.MsgIdHdr), Data: m.Data}
}
