package audit_test

import (
	"crypto/rand"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// newSessionID draws a session's id.
func newSessionID(t testing.TB) ledger.SessionID {
	t.Helper()
	id, err := ledger.NewSessionID(rand.Reader, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Whoever robs a node of its keys opens a session to an insurer and lets them write in it. No validator counts either, and
// the auditor, to whom the thief does not admit it by a mark, finds both.
func TestAttack59_StolenGateKey(t *testing.T) {
	w := newWard(t)
	stolen := w.Self
	opened := func(op ledger.Operation, term ledger.TermID) (*ledger.SessionOpened, [][]byte) {
		b := &ledger.SessionOpened{
			Session: newSessionID(t), GID: w.agent.GID(), User: "U", Operation: op, Compartment: ledger.Health, Term: term,
			Expires: w.Now().Add(10 * time.Minute).UnixMilli(),
		}
		return b, w.Sign(stolen, none, w.patient.Access, b)
	}
	writes := func(in ledger.SessionID) [][]byte {
		return w.Sign(w.agent.Identity, in, w.patient.Health, w.patient.Record(w.agent.GID(), []byte("pre-existing condition")))
	}
	reading, openReading := opened(ledger.OpRead, w.read)
	w.Submit(openReading) // an insurer may read
	byReader := writes(reading.Session)
	minted, openMinted := opened(ledger.OpWrite, w.read)
	borrowed, openBorrowed := opened(ledger.OpWrite, w.write)
	w.Halt()
	last := uint64(len(w.Entries()))
	for _, events := range [][][]byte{byReader, openMinted, writes(minted.Session), openBorrowed, writes(borrowed.Session)} {
		w.raceHalted(events)
	}
	r := w.audit()
	wantFindings(t, r,
		found{audit.Session, last + 1, 0}, // for reading
		found{audit.Invalid, last + 2, 0}, found{audit.Session, last + 3, 0},
		found{audit.Invalid, last + 4, 0}, found{audit.Session, last + 5, 0})
	for i, why := range []string{"for reading", "grants reading only", "no node has opened", "does not hold what term", "no node has opened"} {
		if i < len(r.Findings) && !strings.Contains(r.Findings[i].What, why) {
			t.Errorf("finding %d says %q, not %q", i, r.Findings[i].What, why)
		}
	}
	w.Restart() // an honest node with these keys marks them
	for _, f := range r.Findings {
		w.untilMarked(f.Hash)
	}
	if r := w.audit(); !r.Sound() || len(r.Rejected) != 5 {
		t.Errorf("once marked: %d rejected, findings %+v", len(r.Rejected), r.Findings)
	}
}

// raceHalted appends events as a node does that does not follow the log.
func (w *ward) raceHalted(events [][]byte) {
	w.Helper()
	var position ledger.Position
	w.Fold.View(func(s *ledger.State) { position = s.Position() })
	for _, encoded := range events {
		e, err := ledger.NewEntry(encoded, w.Now(), position)
		if err != nil {
			w.Fatal(err)
		}
		data, err := e.Marshal()
		if err != nil {
			w.Fatal(err)
		}
		w.RaceRaw(stream.Message{Subject: e.Subject(), Data: data, ID: e.Hash.String(), Filter: e.Chain.Filter()})
	}
}

// What a node appends that no rule allows, and does not mark, is found with what is wrong with it.
func TestUnmarked(t *testing.T) {
	w := newWard(t)
	s := w.Open(w.doctor, w.patient, ledger.OpWrite, w.write)
	doctor := func(in ledger.SessionID) []byte {
		return w.Sign(w.doctor.Identity, in, w.patient.Health, w.patient.Record(w.doctor.GID(), []byte("x")))[0]
	}
	insured := w.Term("agent@acme-insurance", true)
	outsider := w.Person()
	claims, err := ledger.ParseEvent(doctor(s.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(claims.Act(w.read), claims.Sign(w.doctor.Identity)); err != nil {
		t.Fatal(err)
	}
	claimed, err := claims.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	newer, err := ledger.ParseEvent(w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Record(w.patient.GID(), nil))[0])
	if err != nil {
		t.Fatal(err)
	}
	newer.Extensions = map[uint64]canonical.RawMessage{7: {0xf5}}
	if err := newer.Sign(w.patient.Identity); err != nil {
		t.Fatal(err)
	}
	critical, err := newer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	deputies := w.Term("doctor@city-hospital", true)
	deputies.Proxy, deputies.Until = true, w.Now().Add(time.Hour).UnixMilli()
	forever := w.Term("doctor@city-hospital", true)
	forever.Proxy, forever.Expression = true, ledger.GrantAttribute(w.patient.GID(), forever.ID).String()
	w.Halt()
	base := w.history()
	for _, tt := range []struct {
		name    string
		encoded []byte
		late    time.Duration
		want    audit.Problem
		says    string
	}{
		{"forged session", doctor(newSessionID(t)), 0, audit.Session, "no node has opened"},
		{"no session", doctor(none), 0, audit.Session, "no node has opened"},
		{"expired session", doctor(s.ID()), 11 * time.Minute, audit.Session, "after it expired"},
		{"session by an outsider", w.Sign(outsider.Identity, none, w.patient.Access, &ledger.SessionOpened{
			Session: newSessionID(t), GID: w.doctor.GID(), Operation: ledger.OpWrite, Compartment: ledger.Health, Term: w.write,
		})[0], 0, audit.Session, "not a node that the root has described"},
		{"node described by an outsider", w.Sign(outsider.Identity, none, ledger.NodeChain(outsider.GID()), &ledger.NodeDescribed{Sequence: 1})[0], 0, audit.Session, "not the root"},
		{"insurer let in to write", w.Sign(w.patient.Identity, none, w.patient.Health, &ledger.PolicySet{Terms: append(slices.Clone(w.patient.Terms), insured)})[0], 0, audit.Writer, "acme-insurance is an insurer"},
		{"a role that acts for the patient", w.Sign(w.patient.Identity, none, w.patient.Health, &ledger.PolicySet{Terms: append(slices.Clone(w.patient.Terms), deputies)})[0], 0, audit.Writer, "not one person"},
		{"a proxy without an end", w.Sign(w.patient.Identity, none, w.patient.Health, &ledger.PolicySet{Terms: append(slices.Clone(w.patient.Terms), forever)})[0], 0, audit.Writer, "without an end"},
		{"a doctor who claims to act for the patient", claimed, 0, audit.Session, "was written by term"},
		{"keys replaced without them and without a wait", w.Sign(w.doctor.Identity, none, ledger.PersonChain(w.doctor.GID()), &ledger.IdentityRotated{
			Sign: outsider.Keys().Sign, Seal: outsider.Keys().Seal, Recovery: ledger.Hash{1}, RecoveryUsed: w.doctor.Keys().Sign,
		})[0], 0, audit.Identity, "no request to recover the identity stands"},
		{"by nobody registered", w.Sign(w.Stranger(), none, w.patient.Profile, &ledger.PatientRegistered{})[0], 0, audit.Invalid, "not registered"},
		{"what only a newer version understands", critical, 0, audit.Newer, "critical extension 7"},
		{"an unsigned record", w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Records(2, 10)...)[0], 0, audit.Unsigned, "signs a run"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := base.clone()
			h.place(t, len(h.entries), tt.encoded)
			if tt.late > 0 {
				h.delay(t, len(h.entries)-1, tt.late)
			}
			r := h.audit(t, audit.Options{Now: later})
			wantFindings(t, r, found{tt.want, uint64(len(h.entries)), 0})
			if f := r.Findings[0]; !strings.Contains(f.What, tt.says) || f.Hash != ledger.HashEvent(tt.encoded) || f.Event.IsZero() {
				t.Errorf("finding %+v, want one that says %q", f, tt.says)
			}
		})
	}
}

// delay lets an entry have been logged later.
func (h *history) delay(t testing.TB, at int, d time.Duration) {
	t.Helper()
	e := h.parsed(t)[at]
	e.LogTime = e.LogTime.Add(d)
	data, err := e.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	h.entries[at].Data = data
}

// A node that marks what counts is found out, and so is one that logs in the future or takes access away by halves.
func TestNodeMisbehaves(t *testing.T) {
	t.Run("marks what counts", func(t *testing.T) {
		w := newWard(t)
		head := w.Head(w.patient.Health)
		w.mustSay(ledger.NodeChain(w.Self.GID()), &ledger.Rejected{Chain: w.patient.Health.String(), Event: head.Hash, Reason: "no"})
		wantFindings(t, w.audit(), found{audit.Marked, uint64(len(w.Entries())), 0})
	})
	t.Run("logs in the future", func(t *testing.T) {
		w := newWard(t)
		w.Clock.Advance(2 * time.Hour)
		first := uint64(len(w.Entries())) + 1
		w.Say(w.patient.Identity, w.patient.Health, w.patient.Records(3, 10)...)
		wantFindings(t, w.audit(), found{audit.Clock, first, 0})
	})
	t.Run("lets a policy narrow without a new epoch", func(t *testing.T) {
		w := newWard(t)
		events := w.Sign(w.patient.Identity, none, w.patient.Health, &ledger.PolicySet{}, w.patient.Record(w.patient.GID(), []byte("x")))
		w.Halt()
		last := uint64(len(w.Entries()))
		w.raceHalted(events)
		wantFindings(t, w.audit(), found{audit.NoEpoch, 0, 0}, found{audit.Invalid, last + 2, 0})
	})
	t.Run("shows two histories", func(t *testing.T) {
		w := newWard(t)
		told := audit.Head{Number: w.Head(w.patient.Health).Number + 1}
		told.Hash = ledger.HashEvent(w.Sign(w.patient.Identity, none, w.patient.Health, w.patient.Record(w.patient.GID(), nil))[0])
		w.Say(w.patient.Identity, w.patient.Health, w.patient.Records(1, 10)...)
		known := map[ledger.Chain]audit.Head{w.patient.Health: told}
		wantFindings(t, w.history().audit(t, audit.Options{Known: audit.Kept{Heads: known}}), found{audit.Fork, uint64(len(w.Entries())), 0})
	})
}

// One control entry that is not right makes every later entry one of another history. That is one finding, not thousands.
func TestDamagedControlEntry(t *testing.T) {
	h := anEventfulLog(t)
	defined := h.find(t, 0, func(e *ledger.Entry) bool { return e.Kind() == ledger.AttributeDefinedKind })
	raw := &h.entries[defined]
	raw.Data = slices.Clone(raw.Data)
	raw.Data[len(raw.Data)/2] ^= 1 // in the event
	r := h.audit(t, audit.Options{})
	if len(r.Findings) > 3 || r.Findings[0].Sequence != raw.Seq {
		t.Errorf("%d findings, the first at %d; want one at %d and what follows", len(r.Findings), r.Findings[0].Sequence, raw.Seq)
	}
	for _, f := range r.Findings {
		t.Logf("%+v", f)
	}
}

// A log that is put into another stream, with other timestamps, gets the same verdicts.
func TestAttack64_RepublishedStream(t *testing.T) {
	h := anEventfulLog(t)
	want := h.audit(t, audit.Options{})
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for batch := range slices.Chunk(h.entries, 9) {
		messages := make([]stream.Message, len(batch))
		for i, e := range batch {
			messages[i] = stream.Message{Subject: e.Subject, Data: e.Data, ID: e.ID}
		}
		if _, err := s.Ledger().Append(t.Context(), messages); err != nil {
			t.Fatal(err)
		}
	}
	live, err := audit.Run(t.Context(), h.root, audit.Of(s.Ledger()), audit.Options{})
	s.Close()
	if err != nil || !reflect.DeepEqual(live, want) {
		t.Errorf("another report: %+v, %v", live, err)
	}
	if s, err = embedded.Start(t.Context(), embedded.Config{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	again, err := audit.Run(t.Context(), h.root, audit.Of(s.Ledger()), audit.Options{})
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("another report from the directory: %+v, %v", again, err)
	}
}
