package stream_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/ledger/stream"
)

func TestServiceAnswers(t *testing.T) {
	s := start(t, t.TempDir())
	full := &stream.Error{Code: "not-now", Text: "not now", Hint: "tomorrow"}
	serve(t, s.Ledger(), "dir.>", func(_ context.Context, r *stream.Request) ([]byte, error) {
		switch r.Subject {
		case "dir.node":
			return append([]byte("you said "), r.Data...), nil
		case "dir.identity":
			return nil, fmt.Errorf("asking somebody else: %w", full)
		case "dir.authority":
			return nil, errors.New("canary-51af: the disk of db7 is full")
		}
		return make([]byte, 2<<20), nil
	})
	guest := dial(t, s, nil)
	if got, err := guest.Request(t.Context(), "dir.node", []byte("hello")); err != nil || string(got) != "you said hello" {
		t.Errorf("answer %q, %v", got, err)
	}
	for subject, want := range map[string]string{
		"dir.identity":     "not-now",
		"dir.authority":    stream.CodeInternal,
		"dir.registration": stream.CodeInternal, // an answer no message can hold
		"dir.mine":         stream.CodeDenied,
		"gate.hello":       stream.CodeUnavailable,
	} {
		_, err := guest.Request(t.Context(), subject, nil)
		var e *stream.Error
		if !errors.As(err, &e) || e.Code != want {
			t.Errorf("%s: got %v, want code %s", subject, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the caller learns what failed: %v", subject, err)
		}
	}
	_, err := guest.Request(t.Context(), "dir.identity", nil)
	if err == nil || err.Error() != full.Error() {
		t.Errorf("error came as %v, want %v", err, full)
	}
}

// A service with all hands full says so at once, and goes on when one is free.
func TestServiceBusy(t *testing.T) {
	s := start(t, t.TempDir())
	ln, err := s.Ledger().Listen("dir.node", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	guest := dial(t, s, nil)
	answers := make(chan error)
	const asked = 20 // more than one handler and its queue take
	for range asked {
		go func() {
			_, err := guest.Request(context.Background(), "dir.node", nil)
			answers <- err
		}()
	}
	var busy int
	for range asked - 4 { // nobody serves yet: all but the queue come back
		var e *stream.Error
		if err := <-answers; !errors.As(err, &e) || e.Code != stream.CodeBusy {
			t.Errorf("got %v, want busy", err)
		}
		busy++
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- ln.Serve(ctx, whoami) }()
	for range asked - busy {
		if err := <-answers; err != nil {
			t.Errorf("a queued request failed: %v", err)
		}
	}
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Errorf("Serve ended with %v", err)
	}
}

// Serve returns only when its handlers have.
func TestServiceEnds(t *testing.T) {
	s := start(t, t.TempDir())
	ln, err := s.Ledger().Listen("dir.node", "q", 2)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered, finished := make(chan bool), false
	guest := dial(t, s, nil)
	go func() { _, _ = guest.Request(ctx, "dir.node", nil) }() // it is never answered
	served := make(chan error)
	go func() {
		served <- ln.Serve(ctx, func(ctx context.Context, _ *stream.Request) ([]byte, error) {
			entered <- true
			<-ctx.Done()
			finished = true
			return nil, ctx.Err()
		})
	}()
	<-entered
	cancel()
	<-served
	if !finished {
		t.Error("Serve returned before its handler")
	}
}

func TestCaller(t *testing.T) {
	s := start(t, t.TempDir())
	serve(t, s.Ledger(), "dir.node", whoami)
	if who, err := dial(t, s, nil).Request(t.Context(), "dir.node", nil); err != nil || string(who) != s.Guest() {
		t.Errorf("the guest is %q, %v; want %q", who, err, s.Guest())
	}
	a := mint(t, s, "alice", stream.Scope{}, time.Minute)
	if who, err := dial(t, s, a.user()).Request(t.Context(), "dir.node", nil); err != nil || string(who) != a.public {
		t.Errorf("alice is %q, %v; want %q", who, err, a.public)
	}
}

func TestScopeGrant(t *testing.T) {
	_, user := newKey(t)
	session := []string{"gate.hello", "gate.answer", "gate.login", "gate.consumer"}
	read := []string{"PHRJS.CONSUMER.MSG.NEXT.LEDGER.c1", "PHRJS.CONSUMER.INFO.LEDGER.c1", "keys.aa.alice.health"}
	for _, tt := range []struct {
		name        string
		scope       stream.Scope
		has, hasNot []string
	}{
		{
			"read",
			stream.Scope{Consumers: []string{"c1"}, Keys: []stream.Place{{Shard: "aa", Owner: "alice", Compartment: "health"}}},
			append(read, session...),
			[]string{"ingest.aa.alice.health", "dir.mine"},
		},
		{
			"write",
			stream.Scope{
				Consumers: []string{"c1"},
				Keys:      []stream.Place{{Shard: "aa", Owner: "alice", Compartment: "health"}},
				Ingest:    []stream.Place{{Shard: "aa", Owner: "alice", Compartment: "health"}},
			},
			append(read, "ingest.aa.alice.health"),
			[]string{"ingest.aa.alice.training", "ingest.aa.alice.*"},
		},
		{
			"a patient's login",
			stream.Scope{Login: true, Ingest: []stream.Place{{Shard: "aa", Owner: "alice"}}, Keys: []stream.Place{{Shard: "aa", Owner: "alice"}}},
			[]string{"ingest.aa.alice.*", "keys.aa.alice.*", "dir.mine", "dir.keys", "dir.names", "dir.held", "dir.breakglass", "breakglass"},
			nil,
		},
		{
			"an authority's login",
			stream.Scope{Login: true, Queues: []string{"city-hospital"}, Ingest: []stream.Place{{Shard: "cc", Owner: "city-hospital", Compartment: "_"}}},
			[]string{"enrol.next.city-hospital", "ingest.cc.city-hospital._"},
			[]string{"ingest.cc.city-hospital.*"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.scope.Inbox = "token"
			g, err := tt.scope.Grant(user, "s1", time.Now().Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(g.Sub, []string{"_I.token.>"}) {
				t.Errorf("it may subscribe to %q", g.Sub)
			}
			for _, want := range tt.has {
				if !slices.Contains(g.Pub, want) {
					t.Errorf("it may not publish to %s", want)
				}
			}
			for _, bad := range tt.hasNot {
				if slices.Contains(g.Pub, bad) {
					t.Errorf("it may publish to %s", bad)
				}
			}
		})
	}
}
