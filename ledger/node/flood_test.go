package node_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
)

// flood sends requests as fast as four guests can, and returns what waits until all have been sent. Some are never answered:
// what the node can't even turn away is dropped.
func (n *running) flood(t testing.TB, requests int, make func(i int) (subject string, data []byte)) (wait func()) {
	t.Helper()
	const guests = 4
	var wg sync.WaitGroup
	for g := range guests {
		conn, err := nats.Connect("nats://"+n.URL().Address, nats.CustomInboxPrefix(fmt.Sprintf("_G.flood%d", g)))
		must(t, err)
		t.Cleanup(conn.Close)
		replies, err := conn.Subscribe(conn.NewInbox(), func(*nats.Msg) {})
		must(t, err)
		wg.Go(func() {
			for i := range requests / guests {
				subject, data := make(i)
				if err := conn.PublishRequest(subject, replies.Subject, data); err != nil {
					t.Error(err)
					return
				}
			}
			if err := conn.FlushTimeout(30 * time.Second); err != nil {
				t.Error(err)
			}
		})
	}
	return wg.Wait
}

// size is how many requests a flood has.
func size(n int) int {
	if testing.Short() || raceEnabled {
		return n / 10
	}
	return n
}

// A flood of hellos by strangers costs no curve work and little memory, and others are served meanwhile.
func TestAttack35_HelloFlood(t *testing.T) {
	w := newWorld(t)
	hello, err := w.doctor.begin(t, requestFor(w.health, ledger.OpRead, w.term.ID)).side.Hello(time.Now())
	must(t, err)
	hello[len(hello)-1] ^= 1 // the identity's signature does not verify
	before, start, hellos := heap(), time.Now(), size(100_000)
	wait := w.flood(t, hellos, func(int) (string, []byte) { return protocol.GateHello, hello })
	s, tries := w.persist(t, w.doctor, requestFor(w.health, ledger.OpWrite, w.term.ID))
	served := time.Since(start)
	must(t, w.doctor.write(t, s, w.health, 1))
	wait()
	w.persist(t, w.patient, loginRequest) // waits behind what is left of the flood
	grown := int64(heap()) - int64(before)
	t.Logf("%d hellos in %v; a session after %d tries in %v; %d KiB more heap", hellos, time.Since(start), tries, served, grown>>10)
	if served > time.Minute || grown > 128<<20 {
		t.Error("that is too much")
	}
	if n := w.opened(t); n != 1 {
		t.Errorf("%d sessions are logged", n)
	}
}

// Registered people who ask for challenges and never answer fill their own places only.
func TestAttack35_Unanswered(t *testing.T) {
	w := newWorld(t)
	greedy := w.newPerson(t)
	told := make(map[string]int)
	for range 200 {
		told[codeOf(greedy.begin(t, loginRequest).hello(t))]++
	}
	if told[""] == 0 || told[protocol.CodeBusy] == 0 || told[""]+told[protocol.CodeBusy] != 200 {
		t.Errorf("200 hellos of one person: %v", told)
	}
	_, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	w.patient.login(t)
}

// persist opens a session, trying again while the node is busy.
func (w *world) persist(t testing.TB, p *person, r challenge.Request) (s *session, tries int) {
	t.Helper()
	for {
		tries++
		var err error
		if s, err = p.open(t, r); err == nil {
			return s, tries
		}
		if codeOf(err) != protocol.CodeBusy && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
}

// Newcomers without number are told to wait. Those with a session are not held up.
func TestAttack66_RegistrationFlood(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	stranger := newIdentity(t)
	before, start, requests := heap(), time.Now(), size(50_000)
	wait := w.flood(t, requests, func(int) (string, []byte) {
		garbage := make([]byte, 1<<10)
		rand.Read(garbage)
		return protocol.Register(stranger.GID()), garbage
	})
	for range 20 {
		must(t, w.doctor.write(t, s, w.health, 1))
	}
	written := time.Since(start)
	wait()
	newcomer := &person{Identity: stranger, n: w.running, guest: w.dialAs(t, nil)}
	chain := ledger.PersonChain(stranger.GID())
	for {
		err := newcomer.submit(t, newcomer.guest, protocol.Register(stranger.GID()), newcomer.events(t, ledger.SessionID{}, chain, registrationOf(stranger)))
		if err == nil {
			break
		}
		if codeOf(err) != protocol.CodeBusy && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	grown := int64(heap()) - int64(before)
	t.Logf("%d registrations in %v; 20 writes in %v; %d KiB more heap", requests, time.Since(start), written, grown>>10)
	if written > time.Minute || grown > 128<<20 {
		t.Error("that is too much")
	}
}

// One person's logins beyond what one needs end their own oldest ones, and nobody else's.
func TestAttack66_LoginFlood(t *testing.T) {
	w := newWorld(t)
	other, greedy := w.patient.login(t), w.newPerson(t)
	first := greedy.login(t)
	for range 64 {
		greedy.login(t)
	}
	checkClosed(t, first.conn)
	if other.conn.Err() != nil {
		t.Error("somebody else's login ended")
	}
	h, err := w.Health(t.Context())
	if err != nil || h.Sessions > 64+4 {
		t.Errorf("%d sessions, %v", h.Sessions, err)
	}
	if errors.Is(first.conn.Err(), nil) {
		t.Error("the oldest login goes on")
	}
}
