package ingest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// tried is a job that stands the test, with what is to be written for it.
type tried struct {
	*job
	entries  []*ledger.Entry
	messages []stream.Message // of entries
	parts    []stream.Part
	erased   []string // subjects of parts that are to go once the events are on disk
	spent    []string // and of those that are to go in time, since nobody needs them any more
	receipt  protocol.Receipt
}

// try judges the jobs of a group, one after the other, on a fork of the fold. A job that fails leaves no trace on it.
func (in *Ingest) try(group []*job) (passed []*tried, failed map[*job]error) {
	failed = make(map[*job]error)
	in.Fold.mu.RLock()
	defer in.Fold.mu.RUnlock()
	a := &attempt{
		fold: in.Fold, node: in.Node, state: in.Fold.state.Fork(), control: in.Fold.state.Position(), expected: make(map[ledger.Chain]bool),
	}
	var err error
	if a.now, err = logTime(in.Now(), in.Fold.state.Newest()); err != nil {
		for _, j := range group {
			failed[j] = err
		}
		return nil, failed
	}
	for _, j := range group {
		t, err := a.try(j)
		if err != nil {
			failed[j] = asRefusal(err)
			continue
		}
		passed = append(passed, t)
	}
	return passed, failed
}

// logTime is the node's clock, or the newest log time where the clock is a little behind it.
func logTime(now, newest time.Time) (time.Time, error) {
	now = now.Truncate(time.Millisecond)
	if !now.Before(newest) {
		return now, nil
	}
	if newest.Sub(now) > ledger.ClockSkew {
		return now, &stream.Error{
			Code: protocol.CodeBusy, Text: "the node's clock is behind its log by " + newest.Sub(now).Round(time.Second).String(),
			Hint: "its operator has to set the clock",
		}
	}
	return newest, nil
}

// attempt is a group on trial. All its entries are judged by the control position of the fold, not by what control entries
// of the same group say: another node's may come between.
type attempt struct {
	fold     *Fold // locked
	node     *identity.Identity
	state    *ledger.State
	now      time.Time
	control  ledger.Position
	expected map[ledger.Chain]bool // chains whose head a message of the batch states already
}

func (a *attempt) try(j *job) (*tried, error) {
	own := a.state.Fork()
	t := &tried{job: j, receipt: protocol.Receipt{Committed: true, LogTime: a.now.UnixMilli(), Control: a.control}}
	if err := a.place(own, t); err != nil {
		return nil, err
	}
	named, err := newNames(j.parts)
	if err != nil {
		return nil, err
	}
	if err := a.judge(own, t, named); err != nil {
		return nil, err
	}
	if t.parts, err = named.stored(); err != nil {
		return nil, err
	}
	for _, e := range t.entries {
		m, err := a.message(e)
		if err != nil {
			return nil, err
		}
		t.messages = append(t.messages, m)
		a.expected[e.Chain] = true
	}
	own.Commit()
	return t, nil
}

// place gives the events of a job their places. The job keeps its own: it may be tried again.
func (a *attempt) place(s *ledger.State, t *tried) error {
	events := t.events
	if t.words != nil {
		said, err := t.words.sign(a.node, s, a.now)
		if err != nil {
			return err
		}
		events = []*ledger.Entry{said}
	}
	placed := make([]ledger.Entry, len(events))
	for i, e := range events {
		placed[i] = *e
		placed[i].LogTime, placed[i].Control = a.now.UTC(), a.control
		t.entries = append(t.entries, &placed[i])
	}
	return nil
}

// judge folds the entries of a job into s, which is a fork, and finds what they name and what they erase.
func (a *attempt) judge(s *ledger.State, t *tried, named *names) error {
	var runs ledger.Runs
	for _, e := range t.entries {
		if err := a.admissible(e); err != nil {
			return err
		}
		gone, before := subjectsOf(erasedBy(s, e)), obsolete(s, e)
		for _, run := range runs.Add(e) {
			if err := s.Fold(run...); err != nil {
				return err
			}
		}
		if err := named.take(s, e, a.node); err != nil {
			return err
		}
		t.erased, t.spent = append(t.erased, gone...), append(t.spent, since(before, obsolete(s, e))...)
	}
	if runs.Waiting() > 0 {
		return fmt.Errorf("%w: the last event of a run is not signed", ledger.ErrInvalid)
	}
	for _, e := range t.entries {
		if f, ok := s.Compartment(e.Chain); ok && f.Must {
			return fmt.Errorf("%w: a policy that takes access away comes with the epoch that follows it", ledger.ErrInvalid)
		}
	}
	return nil
}

// admissible judges what the rules of the log leave to the node that accepts an event.
func (a *attempt) admissible(e *ledger.Entry) error {
	if !e.Kind().Known() {
		return fmt.Errorf("%w: this node does not know events of kind %q", ledger.ErrInvalid, e.Kind())
	}
	for _, owner := range []string{e.Chain.Owner, string(e.Author)} {
		if err := a.fold.closed[owner]; err != nil {
			return err
		}
	}
	// A mark names an entry by its event: one event must not stand in the log both marked and counting.
	if slices.Contains(a.fold.rejected[e.Chain], e.Hash) {
		return fmt.Errorf("%w: this event came to the log too late before", ledger.ErrConflict)
	}
	return nil
}

// message lets the first message of the batch on each chain state where the chain stood. The others follow from it.
func (a *attempt) message(e *ledger.Entry) (stream.Message, error) {
	data, err := e.Marshal()
	if err != nil {
		return stream.Message{}, err
	}
	return stream.Message{
		Subject: e.Subject(), Data: data, ID: e.Hash.String(),
		Filter: e.Chain.Filter(), LastSeq: a.fold.last[e.Chain], Expect: !a.expected[e.Chain],
	}, nil
}

// refusal gives err a code for the caller.
func refusal(code string, err error) *stream.Error {
	return &stream.Error{Code: code, Text: err.Error()}
}

// asRefusal gives a verdict the code that clients act on.
func asRefusal(err error) error {
	var told *stream.Error
	switch {
	case errors.As(err, &told):
		return told
	case errors.Is(err, ledger.ErrConflict):
		return refusal(protocol.CodeConflict, err)
	case errors.Is(err, ledger.ErrStale):
		return refusal(protocol.CodeStale, err)
	case errors.Is(err, ledger.ErrMalformed) && !errors.Is(err, ledger.ErrInvalid):
		return refusal(protocol.CodeBad, err)
	default:
		return refusal(protocol.CodeInvalid, err)
	}
}
