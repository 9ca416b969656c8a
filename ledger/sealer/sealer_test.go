package sealer_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/internal/testnode"
	"github.com/phrledger/phr/ledger/sealer"
	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/tree"
	"github.com/phrledger/phr/ledger/witness"
)

var logKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// sealing is a sealer at work.
type sealing struct {
	*sealer.Sealer
	stop func() error
	done chan error // what Run has returned
}

// seal runs a sealer on a node's log until the test ends.
func seal(n *testnode.Node, files tree.Files) *sealing {
	n.Helper()
	return sealWith(n, files, nil)
}

// sealWith is seal with a policy on witnesses.
func sealWith(n *testnode.Node, files tree.Files, witnesses *witness.Policy) *sealing {
	n.Helper()
	signer, err := tree.NewSigner("phr/test", logKey)
	must(n, err)
	verifier, err := tree.NewVerifier("phr/test", logKey.Public().(ed25519.PublicKey))
	must(n, err)
	s := sealer.New(sealer.Config{
		Ledger: n.Ledger(), Fold: n.Fold, Ingest: n.Ingest, Node: n.Self.GID(), Files: files, Signer: signer, Key: verifier, Witnesses: witnesses, Now: n.Now,
	})
	s.Retry(time.Millisecond)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	stop := func() error {
		cancel()
		err := <-done
		done <- err
		if errors.Is(err, context.Canceled) {
			return nil
		}
		return err
	}
	n.Cleanup(func() { _ = stop() }) // a test that cares has asked
	return &sealing{s, stop, done}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for something that a sealer does by itself.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for range 6000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("in vain waited until %s", what)
}

// all waits until everything in the log is sealed, and returns the checkpoint.
func (s *sealing) all(n *testnode.Node) tree.Checkpoint {
	n.Helper()
	ctx, cancel := context.WithTimeout(n.Context(), time.Minute)
	defer cancel()
	last, err := n.Ledger().LastSeq(ctx)
	must(n, err)
	must(n, s.Wait(ctx, last))
	answer, err := s.Checkpoint(0)
	must(n, err)
	c, err := tree.OpenCheckpoint(answer.Note, s.Key)
	must(n, err)
	return c
}

// hashes computes the root of a log without tiles.
type hashes []tlog.Hash

func (h hashes) ReadHashes(indexes []int64) (out []tlog.Hash, err error) {
	for _, i := range indexes {
		out = append(out, h[i])
	}
	return out, nil
}

func rootOf(n *testnode.Node, size uint64) ledger.Hash {
	n.Helper()
	var stored hashes
	for i, e := range n.Entries()[:size] {
		leaf := tree.Leaf(e.Data)
		made, err := tlog.StoredHashes(int64(i), leaf[:], stored)
		must(n, err)
		stored = append(stored, made...)
	}
	root, err := tlog.TreeHash(int64(size), stored)
	must(n, err)
	return ledger.Hash(root)
}

// What is in the log is sealed, in order, and a sealer that starts anew goes on from there.
func TestSeal(t *testing.T) {
	n := testnode.Start(t)
	files := tree.Dir(t.TempDir())
	s := seal(n, files)
	p := n.Patient()
	first := s.all(n)
	p.Grant("doctor@"+string(n.Authority("city-hospital", ledger.Hospital, "doctor").Name), false)
	c := s.all(n)
	if c.Root != rootOf(n, c.Size) || c.Size <= first.Size {
		t.Errorf("checkpoint of %d entries with root %s", c.Size, c.Root)
	}
	must(t, s.stop())
	n.Person()
	s = seal(n, files)
	<-s.Compared()
	later := s.all(n)
	answer, err := s.Checkpoint(c.Size)
	must(t, err)
	must(t, later.Extends(c, answer.Consistency))
	if later.Size == c.Size {
		t.Error("what came while nobody sealed is not sealed")
	}
}

// A checkpoint event commits to the tree and to where every chain ends, and is logged for those who ask and not for each of them.
func TestAnchor(t *testing.T) {
	n := testnode.Start(t)
	s := seal(n, tree.Dir(t.TempDir()))
	p, hospital := n.Patient(), n.Authority("city-hospital", ledger.Hospital, "doctor")
	health := ledger.RecordChain(p.GID(), ledger.Health)
	said := func() (events int) {
		for _, e := range n.Entries() {
			if strings.HasSuffix(e.Subject, ".checkpoint") {
				events++
			}
		}
		return events
	}
	ask := func() *ledger.Checkpoint {
		t.Helper()
		found, err := s.Heads(t.Context(), []ledger.Chain{health}, 0)
		must(t, err)
		e, err := ledger.ParseEntry(found.Entry)
		must(t, err)
		b := e.Body.(*ledger.Checkpoint)
		if b.Root != rootOf(n, b.Size) {
			t.Errorf("the event of %d entries names another root", b.Size)
		}
		got, err := found.Heads[0].Verify(b.Map, health)
		must(t, err)
		if want := n.Head(health); got.Number != want.Number || got.Hash != want.Hash {
			t.Errorf("the chain ends at %d, want %d", got.Number, want.Number)
		}
		return b
	}
	first := ask()
	for range 5 {
		ask()
	}
	if said() != 1 {
		t.Errorf("%d checkpoint events for six who ask within five minutes", said())
	}
	if s.Overdue() {
		t.Error("another is due at once")
	}
	n.Clock.Advance(6 * time.Minute)
	p.Grant("doctor@"+string(hospital.Name), false)
	second := ask()
	if said() != 2 || second.Size <= first.Size {
		t.Errorf("%d checkpoint events after six minutes, the last of %d entries", said(), second.Size)
	}
	n.Clock.Advance(11 * time.Minute)
	if s.Overdue() {
		t.Error("one is due though nothing has happened")
	}
	n.Person()
	s.all(n)
	if !s.Overdue() {
		t.Error("none is due eleven minutes after the last, though something has happened")
	}
}

// A log that is not the one that was sealed is not gone on from.
func TestForked(t *testing.T) {
	n := testnode.Start(t)
	files := tree.Dir(t.TempDir())
	s := seal(n, files)
	n.Person()
	sealed := s.all(n)
	must(t, s.stop())
	other := testnode.Start(t)
	forked := seal(other, files)
	if err := forked.ended(t); !errors.Is(err, sealer.ErrForked) {
		t.Errorf("a shorter log: %v, want ErrForked", err)
	}
	for n := other; uint64(len(n.Entries())) < sealed.Size; {
		n.Person()
	}
	forked = seal(other, files)
	if err := forked.ended(t); !errors.Is(err, sealer.ErrForked) {
		t.Errorf("another log: %v, want ErrForked", err)
	}
	select {
	case <-forked.Compared():
		t.Error("another log is taken for the one that was sealed")
	default:
	}
}

// ended waits until a sealer gives up by itself.
func (s *sealing) ended(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.done:
		s.done <- err
		return err
	case <-time.After(time.Minute):
		t.Fatal("the sealer goes on")
		return nil
	}
}

// What is no entry, or not the one that it was stored as, stops the sealing before it, and the log says so.
func TestStops(t *testing.T) {
	for name, message := range map[string]func(n *testnode.Node, e stream.Entry) stream.Message{
		"garbage": func(n *testnode.Node, e stream.Entry) stream.Message {
			return stream.Message{Subject: e.Subject, ID: "1", Data: []byte("garbage")}
		},
		"another id": func(n *testnode.Node, e stream.Entry) stream.Message {
			return stream.Message{Subject: e.Subject, ID: strings.Repeat("a", 64), Data: e.Data}
		},
		"another's subject": func(n *testnode.Node, e stream.Entry) stream.Message {
			all := n.Entries()
			return stream.Message{Subject: all[len(all)-1].Subject, ID: "2", Data: e.Data}
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := testnode.Start(t)
			s := seal(n, tree.Dir(t.TempDir()))
			n.Person()
			before := s.all(n)
			n.RaceRaw(message(n, n.Entries()[0]))
			until(t, "sealing stops", func() bool { return s.Status().Stopped != "" })
			until(t, "the log says so", func() bool {
				return slices.ContainsFunc(n.Entries(), func(e stream.Entry) bool { return strings.HasSuffix(e.Subject, ".incident") })
			})
			answer, err := s.Checkpoint(0)
			must(t, err)
			if c, err := tree.OpenCheckpoint(answer.Note, s.Key); err != nil || c != before {
				t.Errorf("it goes on to %d entries, from %d: %v", c.Size, before.Size, err)
			}
		})
	}
}

// failing is a directory on a disk that is full for a while.
type failing struct {
	tree.Dir
	full atomic.Bool
}

func (f *failing) Write(name string, at int64, data []byte) error {
	if f.full.Load() {
		return errors.New("no space left on device")
	}
	return f.Dir.Write(name, at, data)
}

// A full disk stops the sealing, not the log; when there is room, all of it is sealed.
func TestGoesOn(t *testing.T) {
	n := testnode.Start(t)
	files := &failing{Dir: tree.Dir(t.TempDir())}
	s := seal(n, files)
	before := s.all(n)
	files.full.Store(true)
	n.Person()
	until(t, "sealing stops", func() bool { return strings.Contains(s.Status().Stopped, "no space left") })
	n.Person()
	if got := s.Status().Size; got != before.Size {
		t.Errorf("%d entries are sealed on a full disk", got)
	}
	files.full.Store(false)
	c := s.all(n)
	if s.Status().Stopped != "" || c.Root != rootOf(n, c.Size) || c.Size < before.Size+2 {
		t.Errorf("afterwards: %+v", s.Status())
	}
}

// Nobody seals beside another.
func TestOneSealer(t *testing.T) {
	n := testnode.Start(t)
	files := tree.Dir(t.TempDir())
	first := seal(n, files)
	first.all(n)
	second := seal(n, files)
	until(t, "the second waits", func() bool { return strings.Contains(second.Status().Stopped, tree.ErrLocked.Error()) })
	must(t, first.stop())
	n.Person()
	second.all(n)
}

// watch returns a witness of the tests' log.
func watch(t *testing.T, name string) *witness.Witness {
	t.Helper()
	text, err := tree.VerifierKey("phr/test", logKey.Public().(ed25519.PublicKey))
	must(t, err)
	key, err := witness.ParseKey(text)
	must(t, err)
	w, err := witness.Open(witness.Config{Dir: t.TempDir(), Name: name})
	must(t, err)
	t.Cleanup(w.Close)
	must(t, w.Follow(key))
	return w
}

// serve returns where a witness is asked, until the test ends.
func serve(t *testing.T, w *witness.Witness) string {
	t.Helper()
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return s.URL
}

// A log has its checkpoints cosigned while it grows, and says so when a witness knows another tree.
func TestWitnesses(t *testing.T) {
	n := testnode.Start(t)
	files := tree.Dir(t.TempDir())
	first, other := watch(t, "example.org/a"), watch(t, "example.org/b")
	policy, err := witness.ParsePolicy(fmt.Appendf(nil, "witness a %s %s\nwitness b %s %s\ngroup both all a b\nquorum both\n",
		first.Key(), serve(t, first), other.Key(), serve(t, other)))
	must(t, err)
	s := sealWith(n, files, policy)
	s.all(n)
	witnessed := func() (checked *witness.Checked) {
		t.Helper()
		until(t, "both have cosigned everything", func() bool {
			answer, err := s.Checkpoint(0)
			must(t, err)
			if answer.Witnessed == nil {
				return false
			}
			newest, err := tree.OpenCheckpoint(answer.Note, s.Key)
			must(t, err)
			earlier, err := tree.OpenCheckpoint(answer.Witnessed, s.Key)
			must(t, err)
			must(t, newest.Extends(earlier, answer.Since))
			checked, err = policy.Check(answer.Witnessed, s.Key, time.Now())
			return err == nil && earlier == newest
		})
		return checked
	}
	before := witnessed()
	n.Person()
	s.all(n)
	if after := witnessed(); after.Size <= before.Size {
		t.Errorf("cosigned up to %d entries, then up to %d", before.Size, after.Size)
	}
	must(t, s.stop())

	forked := testnode.Start(t)
	sealWith(forked, tree.Dir(t.TempDir()), policy)
	until(t, "a log with another tree says what the witnesses say", func() bool {
		return slices.ContainsFunc(forked.Entries(), func(e stream.Entry) bool { return strings.HasSuffix(e.Subject, ".incident") })
	})
}
