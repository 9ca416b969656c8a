//go:build !js

package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// A Message is an entry to append.
type Message struct {
	Subject string
	Data    []byte
	ID      string // unique for ever, in practice the event's hash; never empty

	// Filter names the chain, as "phr.aa.<gid>.health.>", always spelled alike. With Expect set, LastSeq must be the
	// sequence of the newest entry on it (0: none) or nothing of the batch is appended. In a batch, only the first
	// message of each chain may have Expect set: the others follow from it.
	Filter  string
	LastSeq uint64
	Expect  bool
}

// Headers of an atomic batch, as nats-server defines them.
const (
	hdrBatchID  = "Nats-Batch-Id"
	hdrBatchSeq = "Nats-Batch-Sequence"
	hdrCommit   = "Nats-Batch-Commit"
)

// Error codes of JetStream that Append tells apart. They are part of its API and don't change between versions.
const (
	codeWrongLastSeq   = 10071 // the chain's newest entry is another one
	codeChainInFlight  = 10164 // with replicas: another append to this chain is not yet decided
	codeDuplicateBatch = 10201 // an id of the batch is in the dedup window
)

// neverID is the id of no message.
const neverID = "never"

const (
	// inFlightPause is between two tries of an append that met an undecided one.
	inFlightPause = 5 * time.Millisecond
	// ackEvery bounds the bytes of a batch the server has not yet taken in. It drops messages beyond 128 MiB.
	ackEvery = 8 << 20
)

// Append stores the messages in one atomic batch of at most MaxBatch, all or none, and returns the sequence of the last
// one. When it returns they are on disk.
//
// It fails with ErrConflict when a chain has moved on, and with ErrDuplicate when an ID is already taken. After any
// other error, a timeout above all, it is not known whether the messages were stored: Append them again, unchanged, and
// it returns where they are, or stores them.
func (l *Ledger) Append(ctx context.Context, msgs []Message) (uint64, error) {
	if err := checkBatch(msgs); err != nil {
		return 0, err
	}
	for {
		seq, err := l.publish(ctx, msgs)
		if err == nil {
			return seq, nil
		}
		code := errorCode(err)
		switch code {
		case codeChainInFlight:
			if err := pause(ctx, inFlightPause); err != nil {
				return 0, fmt.Errorf("appending %d entries: %w", len(msgs), err)
			}
		case codeWrongLastSeq, codeDuplicateBatch:
			return l.settle(ctx, msgs, code)
		default:
			return 0, fmt.Errorf("appending %d entries: %w", len(msgs), err)
		}
	}
}

// checkBatch refuses what no server should be asked.
func checkBatch(msgs []Message) error {
	if len(msgs) == 0 || len(msgs) > MaxBatch {
		return fmt.Errorf("appending %d entries: a batch has 1 to %d", len(msgs), MaxBatch)
	}
	chains := make(map[string]bool)
	for _, m := range msgs {
		if m.ID == "" || m.ID == neverID {
			return fmt.Errorf("appending to %s: the message has no id", m.Subject)
		}
		if m.Expect && (m.Filter == "" || chains[m.Filter]) {
			return fmt.Errorf("appending to %s: only the first message of a chain may expect its head", m.Subject)
		}
		chains[m.Filter] = true
	}
	return nil
}

// publish sends one message as it is, since a batch of one costs a second write, and several as an atomic batch.
func (l *Ledger) publish(ctx context.Context, msgs []Message) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	if len(msgs) == 1 {
		return l.publishOne(ctx, msgs[0])
	}
	id, last, unacked := nuid.Next(), len(msgs)-1, 0
	for i, m := range msgs[:last] {
		staged := m.batched(id, i)
		if unacked += len(m.Data); unacked < ackEvery {
			if err := l.conn.PublishMsg(staged); err != nil {
				return 0, err
			}
			continue
		}
		unacked = 0
		if _, _, err := l.request(ctx, staged); err != nil {
			return 0, err
		}
	}
	commit := msgs[last].batched(id, last)
	commit.Header.Set(hdrCommit, "1")
	seq, _, err := l.request(ctx, commit)
	return seq, err
}

// batched forms the i-th message of an atomic batch.
func (m Message) batched(id string, i int) *nats.Msg {
	msg := m.wire()
	msg.Header.Set(hdrBatchID, id)
	msg.Header.Set(hdrBatchSeq, strconv.Itoa(i+1))
	return msg
}

// publishOne also tells a repeated id apart, which for a single message is no error to the server.
func (l *Ledger) publishOne(ctx context.Context, m Message) (uint64, error) {
	seq, duplicate, err := l.request(ctx, m.wire())
	if err == nil && duplicate {
		return 0, &nats.APIError{ErrorCode: codeDuplicateBatch, Description: "duplicate message"}
	}
	return seq, err
}

// wire forms the NATS message. The expected stream guards against a subject that no stream, or another one, listens on.
func (m Message) wire() *nats.Msg {
	msg := nats.NewMsg(m.Subject)
	msg.Data = m.Data
	msg.Header.Set(nats.MsgIdHdr, m.ID)
	msg.Header.Set(nats.ExpectedStreamHdr, LedgerName)
	if m.Expect {
		msg.Header.Set(nats.ExpectedLastSubjSeqHdr, strconv.FormatUint(m.LastSeq, 10))
		msg.Header.Set("Nats-Expected-Last-Subject-Sequence-Subject", m.Filter)
	}
	return msg
}

// request sends msg and reads JetStream's acknowledgement. Within a batch it is empty.
func (l *Ledger) request(ctx context.Context, msg *nats.Msg) (seq uint64, duplicate bool, err error) {
	answer, err := l.conn.RequestMsgWithContext(ctx, msg)
	if err != nil || len(answer.Data) == 0 {
		return 0, false, err
	}
	var ack struct {
		Seq       uint64         `json:"seq"`
		Duplicate bool           `json:"duplicate"`
		Error     *nats.APIError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &ack); err != nil {
		return 0, false, fmt.Errorf("reading an acknowledgement: %w", err)
	}
	if ack.Error != nil {
		return 0, false, ack.Error
	}
	return ack.Seq, ack.Duplicate, nil
}

// errorCode returns the JetStream error code of err, 0 if it is none.
func errorCode(err error) nats.ErrorCode {
	var api *nats.APIError
	if errors.As(err, &api) {
		return api.ErrorCode
	}
	return 0
}

// settle decides what a refusal means: the batch of an earlier try that was stored although its acknowledgement was
// lost, or truly a conflict or a duplicate.
func (l *Ledger) settle(ctx context.Context, msgs []Message, code nats.ErrorCode) (uint64, error) {
	at, err := l.find(ctx, msgs[len(msgs)-1])
	if err != nil {
		return 0, err
	}
	if at >= uint64(len(msgs)) {
		same, err := l.holds(ctx, at-uint64(len(msgs))+1, msgs)
		if err != nil {
			return 0, err
		}
		if same {
			return at, nil
		}
	}
	if code == codeWrongLastSeq && at == 0 {
		return 0, fmt.Errorf("appending %d entries: %w", len(msgs), ErrConflict)
	}
	return 0, fmt.Errorf("appending %d entries: %w", len(msgs), ErrDuplicate)
}

// find returns the sequence of a stored message with m's id, 0 if there is none that can be known: it asks the dedup
// window, and beyond that the head of m's chain.
func (l *Ledger) find(ctx context.Context, m Message) (uint64, error) {
	// The server looks the id up before it compares that of its newest message, which never fits: a probe is not stored.
	probe := nats.NewMsg(m.Subject)
	probe.Header.Set(nats.MsgIdHdr, m.ID)
	probe.Header.Set(nats.ExpectedStreamHdr, LedgerName)
	probe.Header.Set(nats.ExpectedLastMsgIdHdr, neverID)
	ctx, cancel := context.WithTimeout(ctx, ackTimeout)
	defer cancel()
	seq, duplicate, err := l.request(ctx, probe)
	if err == nil && duplicate {
		return seq, nil
	}
	if err != nil && errorCode(err) == 0 {
		return 0, fmt.Errorf("looking for an entry by its id: %w", err)
	}
	if m.Filter == "" {
		return 0, nil
	}
	head, err := l.Last(ctx, m.Filter)
	if err != nil || head.ID != m.ID {
		return 0, err
	}
	return head.Seq, nil
}

// holds reports whether the entries from seq on are exactly msgs.
func (l *Ledger) holds(ctx context.Context, seq uint64, msgs []Message) (bool, error) {
	for i, m := range msgs {
		raw, err := l.entries.GetMsg(ctx, seq+uint64(i))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return false, nil
		}
		if err != nil {
			return false, fmt.Errorf("comparing an entry: %w", err)
		}
		if e := rawEntry(raw); e.Subject != m.Subject || e.ID != m.ID || !bytes.Equal(e.Data, m.Data) {
			return false, nil
		}
	}
	return true, nil
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
