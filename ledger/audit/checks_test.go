package audit_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/audit"
	"github.com/phrledger/phr/ledger/stream"
)

// audited is a log that something is wrong with, and how it is audited.
type audited struct {
	*history
	audit.Options
	served error // by whoever delivers the log
}

func (a *audited) run(t *testing.T, left ...audit.Check) *audit.Report {
	t.Helper()
	r, err := audit.Run(t.Context(), a.root, func(ctx context.Context, fn func([]stream.Entry) error) error {
		return errors.Join(a.source(ctx, fn), a.served)
	}, a.LeaveOut(left...))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// scene is a log with two runs of records of a patient, a checkpoint between them, and something a node says at the end.
type scene struct {
	*sealed
	*history
	first, second int // where the runs begin
}

func newScene(t *testing.T) *scene {
	t.Helper()
	s := &scene{sealed: newSealed(t)}
	s.first = len(s.Entries())
	s.write(3)
	s.sealed.checkpoint(s.first + 3)
	s.second = len(s.Entries())
	s.write(3)
	s.mustSay(ledger.NodeChain(s.Self.GID()), &ledger.Incident{Text: "nothing"})
	s.history = s.sealed.history()
	return s
}

// with is the log with another event at its end.
func (s *scene) with(t *testing.T, encoded []byte) *audited {
	t.Helper()
	h := s.clone()
	h.place(t, len(h.entries), encoded)
	return &audited{history: h}
}

// saying is the log with another event by the node at its end.
func (s *scene) saying(t *testing.T, b ledger.Body) *audited {
	t.Helper()
	return s.with(t, s.Sign(s.Self, none, ledger.NodeChain(s.Self.GID()), b)[0])
}

// checkpointed is the log with another checkpoint at its end, which is not quite right.
func (s *scene) checkpointed(t *testing.T, size int, change func(*ledger.Checkpoint)) *audited {
	t.Helper()
	c := s.history.checkpoint(t, size)
	change(c)
	return s.saying(t, c)
}

// shown is the log with a checkpoint shown beside it.
func (s *scene) shown(o audit.Options, note []byte) *audited {
	o.Checkpoint = note
	return &audited{history: s.history, Options: o}
}

// tiled is the log beside its tiles, in one of which a byte has changed.
func (s *scene) tiled(t *testing.T, file string) *audited {
	t.Helper()
	dir := s.seal(t, s.key, len(s.entries))
	found, err := filepath.Glob(filepath.Join(dir, "tile", file))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	b, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 1
	if err := os.WriteFile(found[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	tiles, err := audit.OpenTiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &audited{history: s.history, Options: audit.Options{Tiles: tiles}}
}

// forged is a record that somebody writes in a session which no node has opened.
func forged(t *testing.T, s *scene) *audited {
	return s.with(t, s.Sign(s.doctor.Identity, newSessionID(t), s.patient.Health, s.patient.Record(s.doctor.GID(), []byte("x")))[0])
}

// noticed says, for every check, what it alone notices.
var noticed = map[audit.Check]struct {
	name   string
	attack func(*testing.T, *scene) *audited
	beside []audit.Check // which notice it too
}{
	audit.CheckServed: {"a server that knows that entries are missing", func(_ *testing.T, s *scene) *audited {
		return &audited{history: s.history, served: &stream.GapError{Want: 1000, Last: 1001}}
	}, nil},
	audit.CheckOrder: {"records taken out of the log", func(_ *testing.T, s *scene) *audited {
		return &audited{history: s.holed(s.second, s.second+3)}
	}, nil},
	audit.CheckSubject: {"an entry where nobody looks for it", func(_ *testing.T, s *scene) *audited {
		h := s.clone()
		h.entries[len(h.entries)-1].Subject = s.patient.Access.Subject(ledger.IncidentKind)
		return &audited{history: h}
	}, nil},
	audit.CheckClock: {"a log from the future", func(_ *testing.T, s *scene) *audited {
		return &audited{history: s.history, Options: audit.Options{Now: func() time.Time { return time.Now().Add(-time.Hour) }}}
	}, nil},
	audit.CheckRules: {"a session of somebody who does not hold what its term asks for", func(t *testing.T, s *scene) *audited {
		return s.with(t, s.Sign(s.Self, none, s.patient.Access, &ledger.SessionOpened{
			Session: newSessionID(t), GID: s.agent.GID(), User: "U", Operation: ledger.OpWrite, Compartment: ledger.Health, Term: s.sealed.ward.write,
			Expires: s.Now().Add(time.Minute).UnixMilli(),
		})[0])
	}, nil},
	audit.CheckTwice:  {"a session that no node has opened, by other rules than they are", forged, []audit.Check{audit.CheckRules}},
	audit.CheckMarked: {"a session that no node has opened", forged, nil},
	audit.CheckEndsOfRuns: {"a record that nobody signed", func(t *testing.T, s *scene) *audited {
		return s.with(t, s.Sign(s.patient.Identity, none, s.patient.Health, s.patient.Records(2, 10)...)[0])
	}, nil},
	audit.CheckMark: {"a mark on what counts", func(t *testing.T, s *scene) *audited {
		return s.saying(t, &ledger.Rejected{Chain: s.patient.Health.String(), Event: s.Head(s.patient.Health).Hash, Reason: "no"})
	}, nil},
	audit.CheckBehind: {"a record accepted without a look at the log for ten minutes", func(t *testing.T, s *scene) *audited {
		a := s.with(t, s.Sign(s.patient.Identity, none, s.patient.Health, s.patient.Record(s.patient.GID(), nil))[0])
		last := a.parsed(t)[len(a.entries)-1]
		before, err := ledger.ParseEntry(a.entries[s.second+2].Data)
		if err != nil {
			t.Fatal(err)
		}
		last.LogTime, last.Control = last.LogTime.Add(10*time.Minute), before.Control
		if a.entries[len(a.entries)-1].Data, err = last.Marshal(); err != nil {
			t.Fatal(err)
		}
		a.Now = later
		return a
	}, nil},
	audit.CheckNewEpoch: {"access taken away, and no new epoch", func(t *testing.T, s *scene) *audited {
		return s.with(t, s.Sign(s.patient.Identity, none, s.patient.Health, &ledger.PolicySet{})[0])
	}, nil},
	audit.CheckReviewed: {"an emergency that nobody has reviewed", func(t *testing.T, _ *scene) *audited {
		g := newGlass(t)
		g.patient.BreakGlass(g.term, g.medic, g.chief)
		g.Clock.Advance(73 * time.Hour)
		g.mustSay(ledger.NodeChain(g.Self.GID()), &ledger.Incident{Text: "nothing"})
		return &audited{history: g.history(), Options: audit.Options{Now: g.Now}}
	}, nil},
	audit.CheckPassed: {"a chain that went through another event", func(_ *testing.T, s *scene) *audited {
		head := s.Head(s.patient.Health)
		known := map[ledger.Chain]audit.Head{s.patient.Health: {Number: head.Number - 1, Hash: head.Hash}}
		return &audited{history: s.history, Options: audit.Options{Known: audit.Kept{Heads: known}}}
	}, nil},
	audit.CheckEnds: {"a chain that went further", func(_ *testing.T, s *scene) *audited {
		head := s.Head(s.patient.Health)
		known := map[ledger.Chain]audit.Head{s.patient.Health: {Number: head.Number, Hash: head.Hash}}
		return &audited{history: s.without(s.second, s.second+3), Options: audit.Options{Known: audit.Kept{Heads: known}}}
	}, nil},

	audit.CheckAhead: {"a checkpoint over more than there is", func(t *testing.T, s *scene) *audited {
		return s.checkpointed(t, len(s.entries), func(c *ledger.Checkpoint) { c.Size++ })
	}, nil},
	audit.CheckBack: {"a checkpoint over less than an earlier one", func(t *testing.T, s *scene) *audited {
		return s.checkpointed(t, s.first, func(*ledger.Checkpoint) {})
	}, nil},
	audit.CheckRoot: {"a checkpoint over other entries", func(t *testing.T, s *scene) *audited {
		return s.checkpointed(t, len(s.entries), func(c *ledger.Checkpoint) { c.Root = s.tree(t, s.first).Root })
	}, nil},
	audit.CheckMap: {"a checkpoint of other ends of chains", func(t *testing.T, s *scene) *audited {
		return s.checkpointed(t, len(s.entries), func(c *ledger.Checkpoint) { c.Map = mapOf(s.ends(t, s.first)) })
	}, nil},

	audit.CheckOrigin: {"another log's checkpoint", func(t *testing.T, s *scene) *audited {
		return s.shown(audit.Options{}, (&history{root: s.patient.GID(), entries: s.entries}).sign(t, s.key, len(s.entries)))
	}, nil},
	audit.CheckSigned: {"a checkpoint by another key", func(t *testing.T, s *scene) *audited {
		_, strange, err := newKey()
		if err != nil {
			t.Fatal(err)
		}
		return s.shown(audit.Options{}, s.sign(t, strange, len(s.entries)))
	}, nil},
	audit.CheckShown: {"a signed checkpoint over other entries", func(t *testing.T, s *scene) *audited {
		root := s.tree(t, s.first).Root
		return s.shown(audit.Options{}, signed(t, s.root, s.key, log.Checkpoint{Origin: "phr/" + string(s.root), Size: uint64(s.second), Hash: root[:]}))
	}, nil},
	audit.CheckKept: {"another log than was kept", func(t *testing.T, s *scene) *audited {
		known := audit.Kept{Root: s.root, Tree: audit.Tree{Size: uint64(s.second), Root: s.tree(t, s.first).Root}}
		return &audited{history: s.history, Options: audit.Options{Known: known}}
	}, nil},
	audit.CheckShort: {"less than was kept", func(t *testing.T, s *scene) *audited {
		known := audit.Kept{Root: s.root, Tree: s.tree(t, len(s.entries))}
		return &audited{history: s.until(len(s.entries) - 1), Options: audit.Options{Known: known}}
	}, nil},
	audit.CheckWitnesses: {"a checkpoint that too few have signed", func(t *testing.T, s *scene) *audited {
		none := func([]byte, note.Verifier) error { return errors.New("0 of 2 witnesses have signed it") }
		return s.shown(audit.Options{Witnesses: none}, s.sign(t, s.key, len(s.entries)))
	}, nil},

	audit.CheckTiles:   {"a rotten tile", func(t *testing.T, s *scene) *audited { return s.tiled(t, "0/000.p/*") }, nil},
	audit.CheckBundles: {"a rotten bundle", func(t *testing.T, s *scene) *audited { return s.tiled(t, "entries/000.p/*") }, nil},
	audit.CheckData:    {"rotten entries", func(t *testing.T, s *scene) *audited { return s.tiled(t, "data/000") }, nil},
}

// TestEveryCheckIsNeeded leaves out one check after the other: each time an attack goes unnoticed that does not with it.
func TestEveryCheckIsNeeded(t *testing.T) {
	s := newScene(t)
	wantFindings(t, (&audited{history: s.history}).run(t))
	for c := range audit.CheckCount {
		by, ok := noticed[c]
		if !ok {
			t.Errorf("nothing goes unnoticed when check %d is left out", c)
			continue
		}
		t.Run(by.name, func(t *testing.T) {
			a := by.attack(t, s)
			for n := range len(by.beside) + 1 {
				left := by.beside[:n]
				r := a.run(t, left...)
				if len(r.Findings) != 1 || r.Findings[0].What == "" || r.Findings[0].Sequence == 0 && r.Findings[0].Hash.IsZero() && c != audit.CheckOrigin {
					t.Errorf("without %d it is found as %+v, want one finding", left, r.Findings)
				}
				for _, f := range r.Findings {
					t.Logf("%s at %d: %s (%s)", f.Problem, f.Sequence, f.What, f.Evidence)
				}
			}
			if r := a.run(t, append(by.beside, c)...); !r.Sound() {
				t.Errorf("something else notices it: %+v", r.Findings)
			}
		})
	}
}
