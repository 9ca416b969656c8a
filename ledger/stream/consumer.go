//go:build !js

package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// A Consumer is a session's own place in the ledger: one for each compartment it may read.
type Consumer struct {
	Name   string // unique for ever, one subject token; literal in the session's permissions
	Filter string // the one chain it reads, as "phr.aa.<gid>.health.>"
	From   uint64 // the sequence to begin at; 0 and 1 are the beginning
}

// CreateConsumer makes a consumer for a session to pull from with (*Conn).Fetch. It has one filter, since with three
// the server takes a hundred times longer, keeps its state in memory, and is deleted when nobody pulls for two minutes.
// Making one that is there already, with the same parameters, is no error.
func (l *Ledger) CreateConsumer(ctx context.Context, c Consumer) error {
	if c.Filter == "" || !validToken(c.Name) {
		return fmt.Errorf("making a consumer: name or filter is not valid")
	}
	_, err := l.entries.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Name:              c.Name,
		FilterSubject:     c.Filter,
		DeliverPolicy:     jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:       max(c.From, 1),
		AckPolicy:         jetstream.AckNonePolicy,
		InactiveThreshold: idleConsumer,
		MaxWaiting:        4,
		MaxRequestBatch:   pullBatch,
		MemoryStorage:     true,
		Replicas:          1,
	})
	if err != nil {
		return fmt.Errorf("making a consumer: %w", err)
	}
	return nil
}

// DeleteConsumer ends what a session may read. Deleting one that is gone is no error.
func (l *Ledger) DeleteConsumer(ctx context.Context, name string) error {
	err := l.entries.DeleteConsumer(ctx, name)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return fmt.Errorf("deleting a consumer: %w", err)
	}
	return nil
}
