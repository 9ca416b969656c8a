package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSoundLog(t *testing.T) {
	h := anEventfulLog(t)
	var progress []uint64
	r := h.audit(t, audit.Options{Progress: func(n uint64) { progress = append(progress, n) }})
	wantFindings(t, r)
	if !r.Sound() || r.Entries != uint64(len(h.entries)) || r.Counted != r.Entries-1 || len(r.Rejected) != 1 {
		t.Errorf("sound %t, %d entries, %d counted, %d rejected of %d", r.Sound(), r.Entries, r.Counted, len(r.Rejected), len(h.entries))
	}
	if len(r.Erased) != 1 || r.Erased[0].Record != eventful.erased {
		t.Errorf("erased: %+v", r.Erased)
	}
	if r.Patients != 2 || r.Compartments != 2 || r.Authorities != 3 || r.Nodes != 1 || r.Records != 11 || len(r.Incidents) != 1 {
		t.Errorf("counts: %+v", r)
	}
	if r.Sessions != (audit.Sessions{Opened: 1, Closed: 1}) || r.Last.Before(r.First) || r.First.IsZero() {
		t.Errorf("sessions %+v, from %s to %s", r.Sessions, r.First, r.Last)
	}
	if !slices.IsSorted(progress) || progress[len(progress)-1] != r.Entries {
		t.Errorf("progress %v", progress)
	}
	if known := h.audit(t, audit.Options{Known: audit.Kept{Heads: r.Heads}}); !known.Sound() {
		t.Errorf("with its own heads: %+v", known.Findings)
	}
	data, err := json.Marshal(r)
	if err != nil || !strings.Contains(string(data), `"findings":[]`) {
		t.Errorf("JSON %s, %v", data, err)
	}
	var read audit.Report
	if err := json.Unmarshal(data, &read); err != nil || !maps.Equal(read.Heads, r.Heads) {
		t.Errorf("read from JSON: %+v, %v", read, err)
	}
}

// Whatever byte of whatever event is changed, there is a finding about that very entry, or, within a run, about the one
// before, which it does not go on from any more.
func TestFlippedByte(t *testing.T) {
	h := anEventfulLog(t)
	random := rand.New(rand.NewPCG(1, 2))
	parsed := h.parsed(t)
	for range 25 {
		i := random.IntN(len(h.entries))
		raw := parsed[i].Raw
		at := bytes.Index(h.entries[i].Data, raw) + random.IntN(len(raw))
		changed := h.clone()
		changed.entries[i].Data = bytes.Clone(h.entries[i].Data)
		changed.entries[i].Data[at] ^= 1 << random.IntN(8)
		r := changed.audit(t, audit.Options{})
		if !slices.ContainsFunc(r.Findings, func(f audit.Finding) bool {
			seq := h.entries[i].Seq
			return f.Sequence == seq || f.Sequence == seq-1 && f.Problem == audit.Unsigned
		}) {
			t.Errorf("byte %d of entry %d (%s) flipped: %+v", at, i+1, parsed[i].Kind(), r.Findings)
		}
	}
}

// The findings say where and what, and what only follows from them is counted, not listed.
func TestAttack45_TruncationGapForkReorder(t *testing.T) {
	sound := anEventfulLog(t)
	heads := sound.audit(t, audit.Options{}).Heads
	// The first and the fourth record of a run of six, which several entries on the chain follow.
	record := sound.find(t, 1, func(e *ledger.Entry) bool { return e.Kind() == ledger.RecordWrittenKind })
	policy := sound.find(t, 0, func(e *ledger.Entry) bool { return e.Kind() == ledger.PolicySetKind })
	inRun, chain := record+3, sound.parsed(t)[record].Chain
	on := func(from int) (n uint64) {
		for _, e := range sound.parsed(t)[from:] {
			if e.Chain == chain {
				n++
			}
		}
		return n
	}
	last := len(sound.entries) - 1
	at := func(i int) uint64 { return uint64(i) + 1 }
	for _, tt := range []struct {
		name   string
		change func(*history)
		want   []found
	}{
		{"truncated", func(h *history) { h.entries = h.entries[:last] }, []found{{audit.Truncated, 0, 0}}},
		{"a hole in the log", func(h *history) { h.entries = slices.Delete(h.entries, last-1, last) }, []found{
			{audit.Truncated, 0, 0}, {audit.Unsigned, at(last - 2), 0}, {audit.Gap, at(last - 1), 0},
		}},
		{"a run cut short", func(h *history) {
			h.entries = slices.Delete(h.entries, inRun, inRun+1)
			h.renumber()
		}, []found{{audit.Truncated, 0, 0}, {audit.Unsigned, at(inRun - 1), on(record) - 2}}},
		{"a whole run taken out", func(h *history) {
			h.entries = slices.Delete(h.entries, record, record+6)
			h.renumber()
		}, []found{{audit.Truncated, 0, 0}, {audit.Gap, at(record + 1), on(record+6) - 1}}},
		{"two entries of a chain the other way round", func(h *history) {
			h.entries[policy], h.entries[policy+1] = h.entries[policy+1], h.entries[policy]
			h.renumber()
		}, []found{{audit.Truncated, 0, 0}, {audit.Reordered, at(policy), on(policy + 2)}}},
		{"an event once more", func(h *history) {
			h.entries = slices.Insert(h.entries, record+7, h.entries[record-1])
			h.renumber()
		}, []found{{audit.Replayed, at(record + 7), 0}}},
		{"an entry under another subject", func(h *history) {
			h.entries[last-3].Subject = "phr.00." + strings.Repeat("a", 32) + ".health.record-written"
		}, []found{{audit.Truncated, 0, 0}, {audit.NoEpoch, 0, 0}, {audit.Unreadable, at(last - 3), 2}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := sound.clone()
			tt.change(h)
			r := h.audit(t, audit.Options{Known: audit.Kept{Heads: heads}})
			wantFindings(t, r, tt.want...)
		})
	}
}

// What does not count is rejected as often as it stands in the log, and by as many nodes as say so. Nothing else of it is kept.
func TestMarkedAgain(t *testing.T) {
	h := anEventfulLog(t)
	mark := h.find(t, 0, func(e *ledger.Entry) bool { return e.Kind() == ledger.RejectedKind })
	entries := h.parsed(t)
	event := entries[mark].Body.(*ledger.Rejected).Event
	late := slices.IndexFunc(entries, func(e *ledger.Entry) bool { return e.Hash == event })
	for _, tt := range []struct {
		name   string
		change func(*history)
		want   int
	}{
		{"once more before it is marked", func(h *history) { h.entries = slices.Insert(h.entries, mark, h.entries[late]) }, 2},
		{"once more after it is marked", func(h *history) { h.entries = append(h.entries, h.entries[late]) }, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := h.clone()
			tt.change(h)
			h.renumber()
			r := h.audit(t, audit.Options{})
			wantFindings(t, r)
			if len(r.Rejected) != tt.want || r.Rejected[0].Sequence >= r.Rejected[1].Sequence {
				t.Errorf("rejected: %+v", r.Rejected)
			}
		})
	}
	w := newWard(t)
	second := w.Second()
	stale := w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Record(w.patient.GID(), []byte("late")))
	w.Say(w.patient.Identity, w.patient.Health, w.patient.Record(w.patient.GID(), []byte("faster")))
	w.Race(stale)
	w.untilMarked(ledger.HashEvent(stale[0]))
	if _, err := second.Say(t.Context(), ledger.NodeChain(second.Node.GID()), &ledger.Rejected{
		Chain: w.patient.Health.String(), Event: ledger.HashEvent(stale[0]), Reason: "by another node too",
	}); err != nil {
		t.Fatal(err)
	}
	if r := w.audit(); !r.Sound() || len(r.Rejected) != 1 {
		t.Errorf("marked by two nodes: %+v, findings %+v", r.Rejected, r.Findings)
	}
}

// The second opinion forgets sessions that ended long ago, and no other.
func TestForgottenSessions(t *testing.T) {
	const all = 2000
	start, s := time.Now(), audit.NewSecond("root")
	access := ledger.RecordChain("patient", ledger.Access)
	id := func(i int) ledger.SessionID { return ledger.SessionID{byte(i), byte(i >> 8), 1} }
	for i := range all {
		opened := start.Add(time.Duration(i) * time.Minute)
		s.Apply(&ledger.Entry{LogTime: opened, Event: &ledger.Event{Chain: access, Body: &ledger.SessionOpened{
			Session: id(i), Expires: opened.Add(ledger.MaxSession).UnixMilli(),
		}}})
	}
	kept := 0
	for i := range all {
		if s.Remembers(id(i)) {
			kept++
		} else if i > all-60 {
			t.Errorf("session %d of %d is forgotten", i, all)
		}
	}
	if kept > all/2 {
		t.Errorf("%d of %d sessions are remembered", kept, all)
	}
}

// A log that can't be read to its end is no report; entries that its server knows to be missing are a finding.
func TestRunErrors(t *testing.T) {
	h := anEventfulLog(t)
	broken := errors.New("the line is dead")
	_, err := audit.Run(t.Context(), h.root, func(ctx context.Context, fn func([]stream.Entry) error) error {
		return errors.Join(h.source(ctx, fn), broken)
	}, audit.Options{})
	if !errors.Is(err, broken) {
		t.Errorf("Run = %v", err)
	}
	r, err := audit.Run(t.Context(), h.root, func(ctx context.Context, fn func([]stream.Entry) error) error {
		return errors.Join(h.source(ctx, fn), fmt.Errorf("reading: %w", &stream.GapError{Want: 51, Got: 53, Last: 60}))
	}, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	wantFindings(t, r, found{audit.Gap, 51, 0})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := audit.Run(ctx, h.root, h.source, audit.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v", err)
	}
	stranger := &history{root: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", entries: h.entries}
	if r := stranger.audit(t, audit.Options{}); r.Sound() {
		t.Error("the log is sound under another root")
	}
	if r := (&history{root: h.root}).audit(t, audit.Options{}); !r.Sound() || r.Entries != 0 {
		t.Errorf("an empty log: %+v", r)
	}
}
