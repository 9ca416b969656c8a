package stream_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// A battlefield is a node with two patients and live sessions, where every service writes down who called it.
type battlefield struct {
	*embedded.Server
	dir  string
	mal  session // may read and write alice's health, and wants more
	bob  session // a session of another patient
	keys []byte

	mu    sync.Mutex
	calls []call
}

// A call is a request that reached a service.
type call struct{ subject, caller, data string }

// fight prepares a battlefield.
func fight(t *testing.T) *battlefield {
	t.Helper()
	b := &battlefield{dir: t.TempDir(), keys: []byte("key of bob")}
	b.Server = start(t, b.dir)
	l := b.Ledger()
	appendAll(t, l, append(run(aliceHealth, 0, 3, 0), run(bobHealth, 0, 3, 0)...)...)
	if err := l.PutParts(t.Context(), stream.Part{Subject: "key.bb.bob.health.1.owner.h", Data: b.keys}); err != nil {
		t.Fatal(err)
	}
	for name, filter := range map[string]string{"mal-c": aliceHealth, "bob-c": bobHealth} {
		if err := l.CreateConsumer(t.Context(), stream.Consumer{Name: name, Filter: filter}); err != nil {
			t.Fatal(err)
		}
	}
	for _, subject := range []string{"gate.*", "register.*.*", "enrol.*", "enrol.next.*", "ingest.*.*.*", "keys.*.*.*", "dir.>"} {
		serve(t, l, subject, b.record)
	}
	alice := []stream.Place{{Shard: "aa", Owner: "alice", Compartment: "health"}}
	b.mal = mint(t, b.Server, "mal", stream.Scope{Consumers: []string{"mal-c"}, Ingest: alice, Keys: alice}, time.Minute)
	bobs := []stream.Place{{Shard: "bb", Owner: "bob"}}
	b.bob = mint(t, b.Server, "bob", stream.Scope{Consumers: []string{"bob-c"}, Ingest: bobs, Keys: bobs, Login: true}, time.Minute)
	return b
}

// record is every service: it echoes, which gives an attacker the most to work with.
func (b *battlefield) record(_ context.Context, r *stream.Request) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls = append(b.calls, call{r.Subject, r.Caller, string(r.Data)})
	return slices.Clone(r.Data), nil
}

// called returns and forgets the calls so far.
func (b *battlefield) called() []call {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer func() { b.calls = nil }()
	return b.calls
}

// everything is a grant no gate would give: all subjects, both ways.
func everything(t *testing.T, b *battlefield) session {
	t.Helper()
	key, public := newKey(t)
	jwt, err := b.MintUser(stream.UserGrant{
		User: public, Pub: []string{">"}, Sub: []string{">"}, MaxPayload: 1 << 20, Expires: time.Now().Add(time.Minute),
	})
	if err != nil {
		t.Fatal(err)
	}
	return session{key, public, "everything", jwt}
}

// allowed is what the session mal may publish to.
func allowed(t *testing.T, b *battlefield) []string {
	t.Helper()
	alice := []stream.Place{{Shard: "aa", Owner: "alice", Compartment: "health"}}
	g, err := stream.Scope{Inbox: "x", Consumers: []string{"mal-c"}, Ingest: alice, Keys: alice}.Grant(b.mal.public, "mal", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Pub {
		g.Pub[i] = strings.ReplaceAll(g.Pub[i], "*", "x")
	}
	return g.Pub
}

// settle waits until the server has handled all that c sent, and the services what reached them.
func settle(t *testing.T, b *battlefield, c *nats.Conn) {
	t.Helper()
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
	honest := dial(t, b.Server, b.bob.user())
	for range 3 { // a reply that turned into a request turns into a reply again
		for _, service := range []string{"gate.hello", "register.x.x", "enrol.x", "ingest.bb.bob.health", "keys.bb.bob.health", "dir.node"} {
			_, err := honest.Request(t.Context(), service, []byte("probe"))
			for busy(err) {
				_, err = honest.Request(t.Context(), service, []byte("probe"))
			}
			if err != nil {
				t.Fatalf("an honest session suffers: %s: %v", service, err)
			}
		}
	}
	honest.Close()
}

func busy(err error) bool {
	var e *stream.Error
	return errors.As(err, &e) && e.Code == stream.CodeBusy
}

// unharmed fails the test unless ledger, keys and bob's consumer are as they were, and no service was called by mal, or
// by nobody, for anything but alice's health.
func (b *battlefield) unharmed(t *testing.T) {
	t.Helper()
	if err := b.Ledger().Check(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(readAll(t, b.Ledger())); n != 6 {
		t.Errorf("%d entries, want 6", n)
	}
	if k, err := b.Ledger().Part(t.Context(), "key.bb.bob.health.1.owner.h"); err != nil || string(k) != string(b.keys) {
		t.Errorf("bob's key is %q, %v", k, err)
	}
	for _, c := range b.called() {
		mine := strings.HasSuffix(c.subject, ".aa.alice.health")
		private := strings.HasPrefix(c.subject, "ingest.") || strings.HasPrefix(c.subject, "keys.") || c.subject == "dir.mine"
		if private && !mine && c.caller != "" && c.caller != b.bob.public {
			t.Errorf("%s was called by %s: %q", c.subject, c.caller, c.data)
		}
	}
	bob := dial(t, b.Server, b.bob.user())
	var got int
	err := bob.Fetch(t.Context(), "bob-c", func(entries []stream.Entry, _ uint64) error {
		got += len(entries)
		return nil
	})
	if err != nil || got != 3 {
		t.Errorf("bob fetched %d of his 3 entries: %v", got, err)
	}
}

// A JWT without the nkey it names is worth nothing, and no one becomes someone else by saying so.
func TestAttack32_StolenJWT(t *testing.T) {
	b := fight(t)
	thief, _ := newKey(t)
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"another key":  thief.Sign,
		"no signature": func([]byte) ([]byte, error) { return nil, nil },
		"an old nonce": func([]byte) ([]byte, error) { return b.bob.key.Sign([]byte("old nonce")) },
	} {
		u := &stream.User{JWT: func() (string, error) { return b.bob.jwt, nil }, Sign: sign, Inbox: b.bob.inbox}
		c, err := stream.Dial(t.Context(), stream.Options{URL: b.URL(), User: u})
		if !errors.Is(err, stream.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			c.Close()
		}
	}
	forged := b.bob.jwt[:len(b.bob.jwt)-4] + "AAAA"
	u := &stream.User{JWT: func() (string, error) { return forged, nil }, Sign: b.bob.key.Sign, Inbox: b.bob.inbox}
	c, err := stream.Dial(t.Context(), stream.Options{URL: b.URL(), User: u})
	if err != nil {
		t.Fatal(err) // to the server, who has no valid JWT is a guest
	}
	defer c.Close()
	if _, err := c.Request(t.Context(), "dir.node", nil); !errors.Is(err, stream.ErrRefused) {
		t.Errorf("a forged JWT: %v", err)
	}
	for _, call := range b.called() {
		if call.caller != b.Guest() {
			t.Errorf("a forged JWT made the caller %s", call.caller)
		}
	}
}

// The name a client gives itself when it connects is what the server reports as its user. It is not what a service is
// told.
func TestAttack32_ClaimedNames(t *testing.T) {
	b := fight(t)
	nkey := func(o *nats.Options) error {
		o.Nkey, o.SignatureCB = b.bob.public, b.mal.key.Sign
		return nil
	}
	claims := []nats.Option{nats.UserInfo(b.bob.public, "x"), nats.Name(b.bob.public), nats.Token(b.bob.public), nkey}
	for i, claim := range claims {
		for _, who := range []string{"mal", "guest"} {
			closed := make(chan struct{})
			ended := nats.ClosedHandler(func(*nats.Conn) { close(closed) })
			opts, want := []nats.Option{claim, nats.NoReconnect(), ended}, b.Guest()
			if who == "mal" {
				want = b.mal.public
				opts = append(opts, nats.UserJWT(func() (string, error) { return b.mal.jwt, nil }, b.mal.key.Sign))
				opts = append(opts, nats.CustomInboxPrefix("_I."+b.mal.inbox))
			} else {
				opts = append(opts, nats.CustomInboxPrefix("_G.x"))
			}
			c, err := nats.Connect(b.URL(), opts...)
			if err != nil {
				continue // nats.go itself refuses an nkey beside a JWT
			}
			if _, err := c.Request("dir.node", nil, 10*time.Second); err != nil {
				t.Fatal(err)
			}
			if got := b.called(); len(got) != 1 || got[0].caller != want {
				t.Errorf("claim %d of %s: the service sees %+v, want %s", i, who, got, want)
			}
			if who == "mal" {
				if err := b.Kick(b.mal.public); err != nil {
					t.Fatal(err)
				}
				select {
				case <-closed:
				case <-time.After(5 * time.Second):
					t.Errorf("claim %d evades the kick", i)
				}
			}
			c.Close()
		}
	}
	b.unharmed(t)
}

// A token that means something to NATS never gets into a permission.
func TestAttack36_PatientIDTokens(t *testing.T) {
	b := fight(t)
	_, user := newKey(t)
	hostile := []string{
		"*", ">", "a.b", "a b", "a\r\nPUB x", "a\tb", "a\x00b", ".", "..", "a.", ".a", "a.>", "a.*", "",
		"$JS", "$SYS", "ünïcode", "\u202ealice", strings.Repeat("a", 10_000), "{{subject()}}", "a,b", `a"b`,
	}
	for _, h := range hostile {
		place := func(f func(*stream.Place)) stream.Scope {
			p := stream.Place{Shard: "aa", Owner: "alice", Compartment: "health"}
			f(&p)
			return stream.Scope{Inbox: "x", Ingest: []stream.Place{p}, Keys: []stream.Place{p}}
		}
		scopes := map[string]stream.Scope{
			"inbox":    {Inbox: h},
			"consumer": {Inbox: "x", Consumers: []string{h}},
			"queue":    {Inbox: "x", Queues: []string{h}},
			"shard":    place(func(p *stream.Place) { p.Shard = h }),
			"owner":    place(func(p *stream.Place) { p.Owner = h }),
		}
		if h != "" { // which means all of an owner's
			scopes["compartment"] = place(func(p *stream.Place) { p.Compartment = h })
		}
		for field, scope := range scopes {
			if g, err := scope.Grant(user, "s", time.Now().Add(time.Minute)); err == nil {
				t.Errorf("%s %.20q: granted %q", field, h, g.Pub)
			}
		}
		if _, err := (stream.Scope{Inbox: "x"}).Grant(user, h, time.Now().Add(time.Minute)); err == nil {
			t.Errorf("session %.20q: granted", h)
		}
		if _, err := (stream.Scope{Inbox: "x"}).Grant(h, "s", time.Now().Add(time.Minute)); err == nil {
			t.Errorf("user %.20q: granted", h)
		}
		if err := b.Ledger().CreateConsumer(t.Context(), stream.Consumer{Name: h, Filter: bobHealth}); err == nil {
			t.Errorf("consumer %.20q: made", h)
		}
	}
	for name, g := range map[string]stream.UserGrant{
		"no lists":     {User: user, MaxPayload: 1, Expires: time.Now().Add(time.Minute)},
		"no sub list":  {User: user, Pub: []string{"x"}, MaxPayload: 1, Expires: time.Now().Add(time.Minute)},
		"no pub list":  {User: user, Sub: []string{"x"}, MaxPayload: 1, Expires: time.Now().Add(time.Minute)},
		"no expiry":    {User: user, Pub: []string{"x"}, Sub: []string{"x"}, MaxPayload: 1},
		"expired":      {User: user, Pub: []string{"x"}, Sub: []string{"x"}, MaxPayload: 1, Expires: time.Now().Add(-time.Second)},
		"no size":      {User: user, Pub: []string{"x"}, Sub: []string{"x"}, Expires: time.Now().Add(time.Minute)},
		"not an nkey":  {User: "alice", Pub: []string{"x"}, Sub: []string{"x"}, MaxPayload: 1, Expires: time.Now().Add(time.Minute)},
		"a guest's":    stream.GuestGrant(user),
		"not a user's": {User: "A" + user[1:], Pub: []string{"x"}, Sub: []string{"x"}, MaxPayload: 1, Expires: time.Now().Add(time.Minute)},
	} {
		if _, err := b.MintUser(g); err == nil {
			t.Errorf("%s: minted", name)
		}
	}
}

// What a session may not publish or subscribe to, the server refuses.
func TestAttack37_Elsewhere(t *testing.T) {
	b := fight(t)
	errs := make(chan error, 100)
	note := func(_ *nats.Conn, _ *nats.Subscription, err error) { errs <- err }
	c := raw(t, b.Server, b.mal, nats.ErrorHandler(note))
	for _, subject := range []string{
		"ingest.bb.bob.health", "ingest.aa.alice.training", "ingest.aa.alice._", "keys.bb.bob.health",
		"phr.aa.alice.health.record-written", "phr.bb.bob.health.record-written", "key.bb.bob.health.1.owner.h2", "id.bb.bob.x",
		"auth.city-hospital.x", "node.n.x", "dir.mine", "dir.keys", "enrol.next.city-hospital",
		"PHRJS.CONSUMER.MSG.NEXT.LEDGER.bob-c", "PHRJS.CONSUMER.INFO.LEDGER.bob-c", "PHRJS.STREAM.DELETE.LEDGER",
		"$JS.API.STREAM.DELETE.LEDGER", "$JS.API.INFO", "$JS.ACK.LEDGER.bob-c.1.1.1.1.1", "$JS.FC.x",
		"$SYS.REQ.SERVER.PING", "$SYS.REQ.CLAIMS.LIST", "$SYS.REQ.ACCOUNT.PING", "$SYS.REQ.USER.AUTH",
		"_I.inbox-of-bob.x", "_G.x.y", "_INBOX.x", "_R_.x",
	} {
		if err := c.PublishRequest(subject, "_I.inbox-of-mal.x", []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := <-errs; !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), subject) {
			t.Errorf("publishing to %s: %v", subject, err)
		}
	}
	for _, subject := range []string{
		">", "*", "_I.>", "_I.*.>", "_I.inbox-of-bob.>", "_G.>", "_INBOX.>", "ingest.>", "phr.>", "key.>", "$SYS.>", "$JS.>", "_R_.>",
		"gate.hello", "gate.login", "keys.aa.alice.health", "$JS.EVENT.ADVISORY.>",
	} {
		if _, err := c.SubscribeSync(subject); err != nil {
			t.Fatal(err)
		}
		if err := <-errs; !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), subject) {
			t.Errorf("subscribing to %s: %v", subject, err)
		}
	}
	settle(t, b, c)
	b.unharmed(t)
}

// Replies can be aimed at anything, by every request a client may make. None may do anything there.
func TestAttack38_ReplySubjects(t *testing.T) {
	bodies := []string{"", `{"batch":3,"no_wait":true}`, `{"no_wait":true}`, `{"name":"LEDGER"}`, "+ACK", "+TERM", "+NXT"}
	for _, who := range []string{"a session", "a session allowed everything"} {
		t.Run(who, func(t *testing.T) {
			b := fight(t)
			u := b.mal
			if who != "a session" {
				u = everything(t, b)
			}
			c := raw(t, b.Server, u)
			for _, subject := range allowed(t, b) {
				for _, reply := range []string{
					"$JS.API.STREAM.DELETE.LEDGER", "$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.DELETE.KEYS",
					"$JS.API.STREAM.UPDATE.LEDGER", "$JS.API.CONSUMER.DELETE.LEDGER.bob-c", "$JS.API.STREAM.MSG.DELETE.KEYS",
					"PHRJS.CONSUMER.MSG.NEXT.LEDGER.bob-c", "PHRJS.CONSUMER.INFO.LEDGER.bob-c",
					"$JS.API.CONSUMER.MSG.NEXT.LEDGER.bob-c", "$JS.ACK.LEDGER.bob-c.1.1.1.1.1",
					"phr.bb.bob.health.record-written", "key.bb.bob.health.2.owner.h", "id.bb.bob.x", "auth.h.x",
					"ingest.bb.bob.health", "keys.bb.bob.health", "dir.mine", "register.bb.bob", "enrol.next.city-hospital",
					"$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.RELOAD", "_R_.x", "$JSC.CI.x",
				} {
					for _, body := range bodies {
						if err := c.PublishRequest(subject, reply, []byte(body)); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			settle(t, b, c)
			b.mu.Lock()
			var asked, aimed int
			for _, c := range b.calls {
				if c.caller == u.public {
					asked++
				}
				if c.caller == "" {
					aimed++
				}
			}
			b.mu.Unlock()
			t.Logf("%d calls in its name, %d in nobody's", asked, aimed)
			if asked == 0 {
				t.Error("the attack reached no service: it proves nothing")
			}
			if who == "a session" {
				b.unharmed(t)
				return
			}
			// It may pull from bob's consumer and call what it likes in its own name, but nothing beyond the table.
			if n := len(readAll(t, b.Ledger())); n != 6 {
				t.Errorf("%d entries, want 6", n)
			}
			if k, err := b.Ledger().Part(t.Context(), "key.bb.bob.health.1.owner.h"); err != nil || string(k) != string(b.keys) {
				t.Errorf("bob's key is %q, %v", k, err)
			}
			for _, c := range b.called() {
				if c.caller != "" && c.caller != u.public && c.caller != b.bob.public {
					t.Errorf("%s was called as %s", c.subject, c.caller)
				}
			}
		})
	}
}

// The attack above is real: with one account, the right to pull from one's own consumer deletes the ledger.
func TestAttack38_WouldWorkInOneAccount(t *testing.T) {
	b := fight(t)
	c := ledgerUser(t, b, "$JS.API.CONSUMER.MSG.NEXT.LEDGER.mal-c")
	deleted, err := owner(t, b).SubscribeSync("$JS.EVENT.ADVISORY.STREAM.DELETED.LEDGER")
	if err != nil {
		t.Fatal(err)
	}
	if err := deleted.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	drainConsumer(t, b)
	if err := c.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.LEDGER.mal-c", "$JS.API.STREAM.DELETE.LEDGER", []byte(`{"batch":1,"no_wait":true}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := deleted.NextMsg(5 * time.Second); err != nil {
		t.Errorf("the ledger survived (%v): the server has changed; two accounts may no longer be needed", err)
	}
}

// drainConsumer reads mal's consumer to its end, so that the next pull is answered with an empty status.
func drainConsumer(t *testing.T, b *battlefield) {
	t.Helper()
	if err := dial(t, b.Server, b.mal.user()).Fetch(t.Context(), "mal-c", ignore); err != nil {
		t.Fatal(err)
	}
}
