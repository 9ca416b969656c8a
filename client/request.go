package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

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

// submit sends events and the parts they name as one submission. When it returns without an error they are on disk. With an
// error they may be all the same. What is sent is kept at home until it is sealed.
func (c *Client) submit(ctx context.Context, conn *stream.Conn, subject string, events []*ledger.Event, parts []protocol.PartData) error {
	line, p, err := newSent(subject, c.config.Now(), events, parts)
	if err != nil {
		return err
	}
	if err := c.home.keepSent(ctx, line, p); err != nil {
		return fmt.Errorf("keeping what is sent: %w", err)
	}
	receipt, err := c.post(ctx, conn, subject, p)
	if isRefusal(err) {
		if failed := c.home.dropSent(ctx, *line); failed != nil {
			return errors.Join(err, failed)
		}
	}
	if err != nil {
		return err
	}
	line.Receipt = receipt
	c.accepted(line)
	return c.home.acknowledge(ctx, line)
}

// isRefusal tells whether an error is a service's word that a submission is not on the log.
func isRefusal(err error) bool {
	switch codeOf(err) {
	case protocol.CodeConflict, protocol.CodeStale, protocol.CodeInvalid, protocol.CodeRefused, protocol.CodeEnded, protocol.CodeBusy,
		protocol.CodeNotFound, protocol.CodeBad:
		return true
	}
	return false
}

// post sends a submission, in as many requests as its size takes.
func (c *Client) post(ctx context.Context, conn *stream.Conn, subject string, p *posted) (receipt *protocol.Receipt, err error) {
	id, err := ledger.NewSubmissionID(rand.Reader, c.config.Now())
	if err != nil {
		return nil, err
	}
	requests := p.parcel()
	for i, r := range requests {
		r.ID, r.Index, r.Count = id, uint32(i), uint32(len(requests))
		if receipt, err = ask[protocol.Receipt](ctx, conn, subject, r); err != nil {
			return nil, err
		}
	}
	if !receipt.Committed {
		return nil, errors.New("the node took the submission and did not commit it")
	}
	return receipt, nil
}

const (
	itemOverhead = 128
	requestRoom  = protocol.MaxRequest - 1024
)

// parcel spreads events and parts over requests, in order. There is at least one.
func (p *posted) parcel() []*protocol.Submission {
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
	for _, encoded := range p.Events {
		r := next(len(encoded))
		r.Events = append(r.Events, encoded)
	}
	for _, part := range p.Parts {
		r := next(len(part.Data))
		r.Parts = append(r.Parts, part)
	}
	return requests
}
