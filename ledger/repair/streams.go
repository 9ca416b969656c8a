package repair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// How much is appended at once.
const (
	batchWidth = stream.MaxBatch
	batchBytes = 8 << 20
)

// makeStreams makes those streams anew that are damaged, with a server of their own, and plans to put them into place.
func (s *survey) makeStreams(ctx context.Context, p *plan, aside string) error {
	if err := s.step("streams"); err != nil {
		return err
	}
	dir := filepath.Join(s.streams(), making)
	server, err := embedded.Start(ctx, embedded.Config{Dir: dir})
	if err != nil {
		return err
	}
	var names []string
	if s.report.damaged(Log) {
		names = append(names, stream.LedgerName)
		err = s.makeLog(ctx, server.Ledger())
	}
	if err == nil && s.report.damaged(Keys) {
		names = append(names, stream.KeysName)
		err = s.makeKeys(ctx, server.Ledger())
	}
	server.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		to, err := embedded.StreamDir(s.Dir, name)
		if err != nil {
			return err
		}
		from, err := embedded.StreamDir(dir, name)
		if err != nil {
			return err
		}
		p.replace(to, from, filepath.Join(s.streams(), aside))
	}
	return nil
}

// makeLog appends all entries there are to an empty log: those that are sealed get the places that they have.
func (s *survey) makeLog(ctx context.Context, to *stream.Ledger) error {
	m := newLog{survey: s, to: to, state: ledger.NewState(s.Root, ledger.WholeLog), moved: make(map[*ledger.Entry]uint64)}
	holes := len(s.report.Lost) > 0
	err := s.walk(ctx, func(seq uint64, data []byte, _ bool) error { return m.take(ctx, seq, data, holes) })
	if err == nil {
		err = m.flush(ctx)
	}
	if err != nil {
		return fmt.Errorf("making the log anew: %w", err)
	}
	for _, seq := range slices.Sorted(maps.Values(m.moved)) {
		s.report.lose(seq)
	}
	s.done("the log was made anew: %d entries, the first %d of them as they were sealed", m.size, s.sealed.Size)
	return nil
}

// newLog is a log that is being made.
type newLog struct {
	*survey
	to    *stream.Ledger
	state *ledger.State
	runs  ledger.Runs
	torn  bool                     // an entry is missing: what follows has to be judged anew
	moved map[*ledger.Entry]uint64 // entries behind it that do not count yet, and their sequences
	batch []stream.Message
	bytes int
	size  uint64
}

// take takes the next entry. What follows one that is gone moves up, and stays if it counts without it.
func (m *newLog) take(ctx context.Context, seq uint64, data []byte, holes bool) error {
	if data == nil {
		m.torn = true
		return nil
	}
	e, err := ledger.ParseEntry(data)
	if err != nil {
		return fmt.Errorf("entry %d: %w", seq, err)
	}
	if m.torn {
		m.moved[e] = seq
	} else if err := m.append(ctx, e, data); err != nil || !holes {
		return err
	}
	for _, run := range m.runs.Add(e) {
		if err := m.state.Fold(run...); err != nil || !m.torn {
			continue
		}
		if err := m.appendMoved(ctx, run); err != nil {
			return err
		}
	}
	return nil
}

// appendMoved appends those entries of a run that counts which are not in the log already.
func (m *newLog) appendMoved(ctx context.Context, run []*ledger.Entry) error {
	for _, e := range run {
		if _, moved := m.moved[e]; !moved {
			continue
		}
		delete(m.moved, e)
		data, err := e.Marshal()
		if err == nil {
			err = m.append(ctx, e, data)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *newLog) append(ctx context.Context, e *ledger.Entry, data []byte) error {
	m.batch = append(m.batch, stream.Message{Subject: e.Subject(), Data: data, ID: e.Hash.String()})
	m.size++
	if m.bytes += len(data); len(m.batch) < batchWidth && m.bytes < batchBytes {
		return nil
	}
	return m.flush(ctx)
}

func (m *newLog) flush(ctx context.Context) error {
	if len(m.batch) == 0 {
		return nil
	}
	last, err := m.to.Append(ctx, m.batch)
	if err == nil && last != m.size {
		err = errors.New("the entries did not get their places")
	}
	m.batch, m.bytes = nil, 0
	return err
}

// makeKeys puts what is readable and needed of the erasable parts into an empty stream. What was erased stays so.
func (s *survey) makeKeys(ctx context.Context, to *stream.Ledger) error {
	named, spent := s.state.NamedParts()
	dir, err := embedded.StreamDir(s.Dir, stream.KeysName)
	if err != nil {
		return err
	}
	kept := 0
	_, err = embedded.OpenBlocks(dir, func(e stream.Entry) error {
		if isPart(e.Subject) && (!named[e.Subject] || spent[e.Subject] || !hashIn(e)) {
			return nil
		}
		kept++
		return to.PutParts(ctx, stream.Part{Subject: e.Subject, Data: e.Data})
	})
	for _, p := range s.copied {
		if err == nil {
			err = to.PutParts(ctx, p)
		}
	}
	kept += len(s.copied)
	if err != nil {
		return fmt.Errorf("making the key material's stream anew: %w", err)
	}
	s.done("the key material's stream was made anew: %d parts", kept)
	return nil
}
