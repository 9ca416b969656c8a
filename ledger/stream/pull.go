package stream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

const (
	pullBatch     = 1000             // entries one pull asks for
	pullBytes     = 8 << 20          // and bytes, beyond which a pull ends early
	pullExpires   = 20 * time.Second // how long a pull waits for new entries
	pullHeartbeat = 5 * time.Second  // how often the server says, meanwhile, that it still waits
	pullSilence   = 15 * time.Second // how long silence is taken for a live server
	pullAgain     = time.Second      // how long what should be there is waited for
)

// ErrNoConsumer is returned, wrapped, when a consumer is gone: idled out, deleted with its session, or never made.
// Asking the gate for it again tells which.
var ErrNoConsumer = errors.New("the consumer is gone")

// A puller reads one consumer that no one else reads. It asks for what is there, then for what will come, and accepts
// entries only in the order and number the consumer sent them.
type puller struct {
	conn  *core
	next  string // subject that pulls are sent to
	inbox string
	sub   *subscription // to inbox, one token for each pull
	pulls int

	delivered uint64 // the consumer's own count of what it sent
	seq       uint64 // stream sequence of the newest entry read
	pending   uint64 // entries that the stream held beyond it then
	erasable  bool   // entries may vanish while it reads
}

// pullRequest is the body JetStream defines for a pull. Durations are nanoseconds.
type pullRequest struct {
	Batch     int           `json:"batch"`
	MaxBytes  int           `json:"max_bytes"`
	NoWait    bool          `json:"no_wait,omitempty"`
	Expires   time.Duration `json:"expires,omitempty"`
	Heartbeat time.Duration `json:"idle_heartbeat,omitempty"`
}

func newPuller(conn *core, next string) (*puller, error) {
	inbox := conn.NewInbox()
	sub, err := conn.SubscribeSync(inbox + ".*")
	if err != nil {
		return nil, err
	}
	return &puller{conn: conn, next: next, inbox: inbox, sub: sub}, nil
}

// close ends the subscription. Entries a pull still on its way brings are lost to this consumer.
func (p *puller) close() {
	_ = p.sub.Unsubscribe() // fails only when the connection is closed, and then it is gone anyway
}

// drain reads exactly what the stream holds. Asking for one entry more would make the server scan to the stream's end.
// What the server counts but can't read, it passes over without a word: then some are left when there is nothing more. A server
// that is busy may say so too early, and is asked once more.
func (p *puller) drain(ctx context.Context, fn func([]Entry, uint64) error) error {
	for again := false; p.pending > 0; {
		before := p.delivered
		want := pullRequest{Batch: int(min(p.pending, pullBatch)), MaxBytes: pullBytes, NoWait: !again}
		if again {
			want.Expires = pullAgain
		}
		if err := p.pull(ctx, want, fn); err != nil {
			return err
		}
		switch {
		case p.delivered > before:
			again = false
		case !again:
			again = true
		case p.erasable:
			return nil
		default:
			return &GapError{Last: p.seq, Missing: p.pending}
		}
	}
	return nil
}

// tail reads what comes until ctx ends.
func (p *puller) tail(ctx context.Context, fn func([]Entry, uint64) error) error {
	want := pullRequest{Batch: pullBatch, MaxBytes: pullBytes, Expires: pullExpires, Heartbeat: pullHeartbeat}
	for {
		if err := p.pull(ctx, want, fn); err != nil {
			return err
		}
	}
}

// pull asks for entries and hands them to fn as they come, as many at once as have arrived. It returns when they were as
// many as wanted, or when the server ends the pull because of its size or age.
func (p *puller) pull(ctx context.Context, want pullRequest, fn func([]Entry, uint64) error) error {
	body, err := json.Marshal(want)
	if err != nil {
		return fmt.Errorf("forming a pull: %w", err)
	}
	p.pulls++
	if err := p.conn.PublishRequest(p.next, p.reply(), body); err != nil {
		return fmt.Errorf("pulling entries: %w", err)
	}
	for n := want.Batch; n > 0; {
		entries, done, err := p.gather(ctx, n)
		if err != nil {
			return err
		}
		if len(entries) > 0 {
			if err := fn(entries, p.pending); err != nil {
				return err
			}
		}
		if done {
			return nil
		}
		n -= len(entries)
	}
	return nil
}

// reply is where the current pull is answered. Entries come under their own subjects, but a status comes under this one:
// the server may send one for a pull that has had all it asked for, and that must not end the next.
func (p *puller) reply() string { return p.inbox + "." + strconv.Itoa(p.pulls) }

// gather waits for one message and takes those that arrived with it. done says that the server ended the pull.
func (p *puller) gather(ctx context.Context, n int) (entries []Entry, done bool, err error) {
	for len(entries) == 0 || len(entries) < n && p.arrived() {
		m, err := p.message(ctx)
		if err != nil {
			return nil, false, err
		}
		if status := m.Header.Get("Status"); status != "" && len(m.Data) == 0 {
			if m.Subject != p.reply() {
				continue
			}
			done, err := pullStatus(status, m.Header.Get("Description"))
			if done || err != nil {
				return entries, done, err
			}
			continue
		}
		e, err := p.entry(m)
		if err != nil {
			return nil, false, err
		}
		entries = append(entries, e)
	}
	return entries, false, nil
}

func (p *puller) arrived() bool {
	n, _, err := p.sub.Pending()
	return err == nil && n > 0
}

// message waits for the next message, but not for ever: the server sends heartbeats.
func (p *puller) message(ctx context.Context) (*message, error) {
	wait, cancel := context.WithTimeout(ctx, pullSilence)
	defer cancel()
	m, err := p.sub.NextMsgWithContext(wait)
	switch {
	case err == nil:
		return m, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("pulling entries: the server is silent: %w", err)
	default:
		return nil, fmt.Errorf("pulling entries: %w", dropped(err))
	}
}

// pullStatus tells the ordinary ends of a pull from failures.
func pullStatus(status, description string) (done bool, err error) {
	switch status {
	case "100": // heartbeat
		return false, nil
	case "404", "408": // nothing there, expired
		return true, nil
	case "409":
		if description == "Message Size Exceeds MaxBytes" {
			return true, nil
		}
		return true, fmt.Errorf("pulling entries: %w: %s", ErrNoConsumer, description)
	case "503":
		return true, fmt.Errorf("pulling entries: %w", ErrNoConsumer)
	default:
		return true, fmt.Errorf("pulling entries: status %s: %s", status, description)
	}
}

// entry takes a message off its envelope, and checks that none before it was lost on the way.
func (p *puller) entry(m *message) (Entry, error) {
	meta, err := m.Metadata()
	if err != nil {
		return Entry{}, fmt.Errorf("pulling entries: %w", err)
	}
	if want := p.delivered + 1; meta.Sequence.Consumer != want || meta.Sequence.Stream <= p.seq {
		return Entry{}, fmt.Errorf("pulling entries: %w: delivery %d came for %d", ErrNoConsumer, meta.Sequence.Consumer, want)
	}
	p.delivered, p.seq, p.pending = meta.Sequence.Consumer, meta.Sequence.Stream, meta.NumPending
	return Entry{
		Seq:     p.seq,
		Subject: m.Subject,
		ID:      m.Header.Get("Nats-Msg-Id"),
		Data:    m.Data,
		stored:  meta.Timestamp,
	}, nil
}
