package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// ask sends a request and reads the answer.
func ask[Answer any](ctx context.Context, conn *stream.Conn, subject string, query any) (*Answer, error) {
	data, err := canonical.Marshal(query)
	if err != nil {
		return nil, err
	}
	raw, err := conn.Request(ctx, subject, data)
	if err != nil {
		return nil, err
	}
	answer := new(Answer)
	if err := canonical.Unmarshal(raw, answer); err != nil {
		return nil, fmt.Errorf("the node's answer to %s: %w", subject, err)
	}
	return answer, nil
}

// codeOf returns the code that a service answered with, "" if err is none of a service's.
func codeOf(err error) string {
	var told *stream.Error
	if errors.As(err, &told) {
		return told.Code
	}
	return ""
}

// submit sends events and the parts they name as one submission, in as many requests as their size takes. When it returns
// without an error they are on disk. With an error they may be all the same.
func submit(ctx context.Context, conn *stream.Conn, subject string, now time.Time, events []*ledger.Event, parts []protocol.PartData) error {
	id, err := ledger.NewSubmissionID(rand.Reader, now)
	if err != nil {
		return err
	}
	requests, err := parcel(events, parts)
	if err != nil {
		return err
	}
	var receipt *protocol.Receipt
	for i, r := range requests {
		r.ID, r.Index, r.Count = id, uint32(i), uint32(len(requests))
		if receipt, err = ask[protocol.Receipt](ctx, conn, subject, r); err != nil {
			return err
		}
	}
	if !receipt.Committed {
		return errors.New("the node took the submission and did not commit it")
	}
	return nil
}

const (
	itemOverhead = 128
	requestRoom  = protocol.MaxRequest - 1024
)

// parcel spreads events and parts over requests, in order. There is at least one.
func parcel(events []*ledger.Event, parts []protocol.PartData) ([]*protocol.Submission, error) {
	requests := []*protocol.Submission{{}}
	room := requestRoom
	next := func(size int) *protocol.Submission {
		size += itemOverhead
		if size > room && room < requestRoom {
			requests, room = append(requests, &protocol.Submission{}), requestRoom
		}
		room -= size
		return requests[len(requests)-1]
	}
	for _, e := range events {
		encoded, err := e.Marshal()
		if err != nil {
			return nil, err
		}
		r := next(len(encoded))
		r.Events = append(r.Events, encoded)
	}
	for _, p := range parts {
		r := next(len(p.Data))
		r.Parts = append(r.Parts, p)
	}
	return requests, nil
}
