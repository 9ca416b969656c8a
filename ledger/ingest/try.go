package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// try judges the jobs of a group, one after the other, on a fork of the fold. A job that fails leaves no trace on it.
func (in *Ingest) try(group []*job) (passed []*tried, failed map[*job]error) {
	failed = make(map[*job]error)
	in.Fold.mu.RLock()
	defer in.Fold.mu.RUnlock()
	f := &attempt{
		state: in.Fold.state.Fork(), last: in.Fold.last, closed: in.Fold.closed,
		control: in.Fold.state.Position(), expected: make(map[string]bool),
	}
	var err error
	if f.now, err = logTime(in.Now(), in.Fold.state.Newest()); err != nil {
		for _, j := range group {
			failed[j] = err
		}
		return nil, failed
	}
	for _, j := range group {
		t, err := f.try(j)
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

// attempt is a group on trial.
type attempt struct {
	state    *ledger.State
	now      time.Time
	control  ledger.Position
	last     map[ledger.Chain]uint64
	closed   map[ledger.Chain]error
	expected map[string]bool // filters of chains whose head a message of the batch states already
}

func (a *attempt) try(j *job) (*tried, error) {
	own := a.state.Fork()
	t := &tried{job: j, receipt: protocol.Receipt{Committed: true, LogTime: a.now.UnixMilli(), Control: a.control}}
	named := newNames(j.parts)
	chains := make(map[ledger.Chain]bool)
	var runs ledger.Runs
	for _, encoded := range j.events {
		e, err := ledger.NewEntry(encoded, a.now, a.control)
		if err != nil {
			return nil, err
		}
		if !e.Kind().Known() {
			return nil, fmt.Errorf("%w: this node does not know events of kind %q", ledger.ErrInvalid, e.Kind())
		}
		if err := a.closed[e.Chain]; err != nil {
			return nil, err
		}
		chains[e.Chain] = true
		for _, run := range runs.Add(e) {
			if err := own.Fold(run...); err != nil {
				return nil, err
			}
		}
		if err := named.take(own, e); err != nil {
			return nil, err
		}
		m, err := a.message(e)
		if err != nil {
			return nil, err
		}
		t.messages = append(t.messages, m)
	}
	if runs.Waiting() > 0 {
		return nil, fmt.Errorf("%w: the last event of a run is not signed", ledger.ErrInvalid)
	}
	for chain := range chains {
		if f, ok := own.Compartment(chain); ok && f.Must {
			return nil, fmt.Errorf("%w: a policy that takes access away comes with the epoch that follows it", ledger.ErrInvalid)
		}
	}
	var err error
	if t.parts, err = named.stored(); err != nil {
		return nil, err
	}
	a.expect(t)
	own.Commit()
	return t, nil
}

// expect lets the first message of the batch on each chain state where the chain stood. The others follow from it.
func (a *attempt) expect(t *tried) {
	for i := range t.messages {
		m := &t.messages[i]
		m.Expect = !a.expected[m.Filter]
		a.expected[m.Filter] = true
	}
}

func (a *attempt) message(e *ledger.Entry) (stream.Message, error) {
	data, err := e.Marshal()
	if err != nil {
		return stream.Message{}, err
	}
	return stream.Message{
		Subject: e.Subject(), Data: data, ID: e.Hash.String(), Filter: e.Chain.Filter(), LastSeq: a.last[e.Chain],
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
	case errors.Is(err, ledger.ErrMalformed):
		return refusal(protocol.CodeBad, err)
	default:
		return refusal(protocol.CodeInvalid, err)
	}
}
