package view

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/stream"
)

const (
	mostLines  = 200 // that are shown of a search
	recentLog  = 20
	maxEntries = 1 << 20 // that a replay keeps
)

// replay is the whole log as an auditor read it last.
type replay struct {
	turn chan struct{} // of whoever reads

	mu      sync.Mutex // guards what follows
	entries [][]byte
	lines   []LogLine
	kinds   []Kind
	report  *audit.Report // nil before
}

// AuditLog replays the whole log and says what is wrong with it. The node puts on its own chain that the caller has read it.
func (v *View) AuditLog(ctx context.Context, _ Nothing) (Audit, error) {
	if err := v.replayLog(ctx); err != nil {
		return Audit{}, err
	}
	p := &v.replay
	p.mu.Lock()
	defer p.mu.Unlock()
	a := Audit{Entries: p.report.Entries, OK: p.report.Sound(), Findings: []Finding{}, Kinds: p.kinds}
	for _, f := range p.report.Findings {
		text := f.What
		if f.Evidence != "" {
			text += ": " + f.Evidence
		}
		a.Findings = append(a.Findings, Finding{Severity: "error", Sequence: f.Sequence, Text: text})
	}
	for _, i := range p.report.Incidents {
		a.Findings = append(a.Findings, Finding{Severity: "note", Sequence: i.Sequence, Text: i.Text})
	}
	var err error
	a.Report, err = json.MarshalIndent(p.report, "", "  ")
	return a, err
}

// replayLog reads the log from its first entry to its last, and judges every one.
func (v *View) replayLog(ctx context.Context) error {
	p := &v.replay
	if err := take(ctx, p.turn); err != nil {
		return err
	}
	defer func() { <-p.turn }()
	c := v.config.Client
	newest, witnessed, err := c.Checkpoints(ctx)
	if err != nil {
		return err
	}
	seen, err := c.LogSeen()
	if err != nil {
		return err
	}
	var entries [][]byte
	source := func(ctx context.Context, fn func([]stream.Entry) error) error {
		return c.Log(ctx, func(some []stream.Entry) error {
			for _, e := range some {
				if len(entries) < maxEntries {
					entries = append(entries, e.Data)
				}
			}
			return fn(some)
		})
	}
	report, err := audit.Run(ctx, c.Root(), source, audit.Options{
		Now: v.config.Now, Checkpoint: newest, Witnessed: witnessed,
		Progress: func(n uint64) {
			v.post("progress", Progress{Call: "log.audit", Done: int(n), Total: int(max(seen.Size, n))})
		},
	})
	if err != nil {
		return err
	}
	p.keep(entries, report)
	return nil
}

// keep takes the place of what was read before.
func (p *replay) keep(entries [][]byte, report *audit.Report) {
	wrong := make(map[uint64]string)
	for _, r := range report.Rejected {
		wrong[r.Sequence] = r.Why
	}
	for _, f := range report.Findings {
		wrong[f.Sequence] = f.What
	}
	lines, counts := make([]LogLine, len(entries)), make(map[string]int)
	for i, data := range entries {
		lines[i] = lineOf(data, uint64(i)+1, wrong)
		counts[lines[i].Kind]++
	}
	kinds := []Kind{}
	for kind, n := range counts {
		kinds = append(kinds, Kind{Kind: kind, N: n})
	}
	slices.SortFunc(kinds, func(a, b Kind) int { return cmp.Or(cmp.Compare(b.N, a.N), strings.Compare(a.Kind, b.Kind)) })
	p.mu.Lock()
	defer p.mu.Unlock()
	p.entries, p.lines, p.kinds, p.report = entries, lines, kinds, report
}

// lineOf returns what everybody who keeps the log sees of an entry.
func lineOf(data []byte, sequence uint64, wrong map[uint64]string) LogLine {
	why, bad := wrong[sequence]
	line := LogLine{Sequence: sequence, Valid: !bad, Why: why}
	e, err := ledger.ParseEntry(data)
	if err != nil {
		line.Kind, line.Valid, line.Why = "unreadable", false, cmp.Or(why, err.Error())
		return line
	}
	line.Time, line.Kind, line.Author, line.Chain, line.Number, line.Event = e.LogTime.UTC(), string(e.Kind()), string(e.Author), e.Chain.String(), e.Number, e.ID.String()
	return line
}

// FindInLog returns events by the pseudonym of somebody, by an id or by a kind, newest first. The log is read once for that.
func (v *View) FindInLog(ctx context.Context, q LogQuery) (LogLines, error) {
	if err := v.replayed(ctx); err != nil {
		return LogLines{}, err
	}
	most := mostLines
	if q.Max > 0 {
		most = min(q.Max, mostLines)
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	found := LogLines{Lines: []LogLine{}}
	p := &v.replay
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range slices.Backward(p.lines) {
		if !line.has(text) {
			continue
		}
		if len(found.Lines) < most {
			found.Lines = append(found.Lines, line)
		}
		found.Total++
	}
	return found, nil
}

func (l *LogLine) has(text string) bool {
	return strings.Contains(l.Author, text) || strings.Contains(l.Chain, text) || strings.Contains(l.Event, text) || strings.Contains(l.Kind, text)
}

// replayed reads the log unless that was done.
func (v *View) replayed(ctx context.Context) error {
	v.replay.mu.Lock()
	done := v.replay.report != nil
	v.replay.mu.Unlock()
	if done {
		return nil
	}
	return v.replayLog(ctx)
}

// addReplay adds what was read of the log, if it was.
func (v *View) addReplay(state *LogState) {
	p := &v.replay
	p.mu.Lock()
	defer p.mu.Unlock()
	state.Events = p.kinds
	state.Log = slices.Clone(p.lines[max(0, len(p.lines)-recentLog):])
	slices.Reverse(state.Log)
}
