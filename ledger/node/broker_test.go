package node_test

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// raw connects as a hostile client does: with a session's JWT and key, and whatever else it likes.
func (n *running) raw(t testing.TB, s *session) (conn *nats.Conn, violations chan error) {
	t.Helper()
	violations = make(chan error, 1000)
	conn, err := nats.Connect("nats://"+n.URL().Address, nats.CustomInboxPrefix("_I."+s.grant.Inbox),
		nats.UserJWT(func() (string, error) { return s.grant.JWT, nil }, s.user.Sign),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { violations <- err }))
	must(t, err)
	t.Cleanup(conn.Close)
	return conn, violations
}

// state is what no attack may change: the log's length, and that its streams are as they should be.
func (n *running) state(t testing.TB) string {
	t.Helper()
	must(t, n.Ledger().Check(t.Context()))
	last, err := n.Ledger().LastSeq(t.Context())
	must(t, err)
	return fmt.Sprint(last)
}

// forbidden are subjects that no session publishes to.
func (w *world) forbidden(t testing.TB) []string {
	other := ledger.RecordChain(w.doctor.GID(), ledger.Health)
	return []string{
		protocol.Ingest(other), protocol.Ingest(ledger.RecordChain(w.patient.GID(), ledger.Training)),
		protocol.KeyParts(other), protocol.IngestOwner(string(w.patient.GID())), protocol.EnrolNext(hospitalName),
		w.health.Subject(ledger.RecordWrittenKind), ledger.NodeChain(w.gid(t)).Subject(ledger.RejectedKind),
		"$JS.API.STREAM.DELETE.LEDGER", "$JS.API.STREAM.PURGE.LEDGER", "$JS.API.STREAM.UPDATE.LEDGER", "$JS.API.STREAM.CREATE.MIRROR",
		"$JS.API.STREAM.MSG.GET.LEDGER", "$JS.API.DIRECT.GET.LEDGER", "$JS.API.STREAM.MSG.DELETE.KEYS", "$JS.API.STREAM.INFO.LEDGER",
		"$JS.API.CONSUMER.CREATE.LEDGER", "$JS.API.CONSUMER.CREATE.LEDGER.mine", "$JS.API.CONSUMER.DURABLE.CREATE.LEDGER.mine",
		"$JS.API.CONSUMER.LIST.LEDGER", "$JS.API.CONSUMER.NAMES.LEDGER", "PHRJS.CONSUMER.CREATE.LEDGER.mine",
		"PHRJS.CONSUMER.DELETE.LEDGER.mine", "PHRJS.STREAM.DELETE.LEDGER", "PHRJS.CONSUMER.MSG.NEXT.LEDGER.mine",
		"$SYS.REQ.SERVER.PING", "$SYS.REQ.USER.INFO", "_I.someone.x", "_G.someone.x", "_INBOX.x",
	}
}

// A session publishes to its own subjects and reads its own inbox.
func TestAttack37_OtherSubjects(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	conn, violations := w.raw(t, s)
	before := w.state(t)
	for _, subject := range w.forbidden(t) {
		if subject == "$SYS.REQ.USER.INFO" {
			continue // everybody may ask who they are
		}
		if m, err := conn.Request(subject, []byte("{}"), 50*time.Millisecond); err == nil {
			t.Errorf("%s answers %.100q", subject, m.Data)
		}
		if !violated(violations) {
			t.Errorf("publishing to %s is no violation", subject)
		}
	}
	for _, subject := range []string{">", "_I.>", "_G.>", "_I." + s.grant.Inbox + "x.>", "ingest.>", "$JS.>", "$SYS.>", w.health.Filter()} {
		_, err := conn.SubscribeSync(subject)
		must(t, err)
		must(t, conn.Flush())
		if !violated(violations) {
			t.Errorf("subscribing to %s is no violation", subject)
		}
	}
	if after := w.state(t); after != before {
		t.Errorf("the log went from %s to %s", before, after)
	}
	must(t, w.doctor.write(t, s, w.health, 1))
}

// violated tells whether the server has told of a violation by now.
func violated(violations chan error) bool {
	select {
	case err := <-violations:
		return errors.Is(err, nats.ErrPermissionViolation)
	case <-time.After(time.Minute):
		return false
	}
}

// Naming somebody else's subject as the place for a reply does nothing there: on every request that a session may make.
func TestAttack38_ReplySubjects(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	other, err := w.patient.login(t), error(nil)
	must(t, err)
	consumer, err := ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
	must(t, err)
	theirs, err := other.conn, error(nil)
	must(t, err)
	conn, _ := w.raw(t, s)
	before := w.state(t)
	query, err := canonical.Marshal(protocol.PartsQuery{Epoch: 1, Names: []string{ledger.PartShred}})
	must(t, err)
	for _, request := range []struct {
		subject string
		data    []byte
	}{
		{protocol.GateHello, nil},
		{protocol.GateAnswer, nil},
		{protocol.GateConsumer, nil},
		{protocol.Ingest(w.health), nil},
		{protocol.KeyParts(w.health), query},
		{protocol.DirNode, nil},
		{protocol.Register(w.doctor.GID()), nil},
		{"PHRJS.CONSUMER.INFO.LEDGER." + consumer.Name, nil},
		{"PHRJS.CONSUMER.MSG.NEXT.LEDGER." + consumer.Name, []byte(`{"batch":10,"no_wait":true}`)},
		{"PHRJS.CONSUMER.MSG.NEXT.LEDGER." + consumer.Name, nil},
	} {
		for _, reply := range append(w.forbidden(t), "_I."+other.grant.Inbox+".x") {
			must(t, conn.PublishRequest(request.subject, reply, request.data))
		}
	}
	must(t, conn.Flush())
	// What was sent before it is served before it.
	_, err = ask[protocol.Consumer](t, s.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
	must(t, err)
	if _, err := ask[protocol.Consumer](t, theirs, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()}); err != nil {
		t.Errorf("the other session: %v", err)
	}
	if after := w.state(t); after != before {
		t.Errorf("the log went from %s to %s", before, after)
	}
}

// Headers that JetStream or a service would act on do nothing on the way in.
func TestAttack39_Headers(t *testing.T) {
	w := newWorld(t)
	s, err := w.doctor.ask(t, w.health, ledger.OpWrite, w.term.ID)
	must(t, err)
	conn, _ := w.raw(t, s)
	victim := w.patient.login(t)
	for _, h := range []nats.Header{
		{"Nats-Rollup": {"all"}},
		{"Nats-TTL": {"1s"}},
		{"Nats-Schedule": {"@at 2020-01-01T00:00:00Z"}},
		{"Nats-Batch-Id": {"x"}, "Nats-Batch-Sequence": {"1"}},
		{"Nats-Expected-Last-Sequence": {"0"}},
		{"Nats-Expected-Last-Subject-Sequence": {"0"}},
		{"Nats-Subject": {protocol.Ingest(ledger.RecordChain(w.patient.GID(), ledger.Training))}},
		{"Nats-Msg-Id": {"taken"}},
		{"Phr-Error": {"1"}},
		{"Nats-Request-Info": {fmt.Sprintf(`{"acc":"CLIENTS","name_tag":%q,"user":%q}`, victim.nkey, victim.nkey)}},
	} {
		events := w.doctor.events(t, s.grant.Session, w.health, record(1))
		before, want := w.number(w.health), events[0]
		m := nats.NewMsg(protocol.Ingest(w.health))
		m.Header = h
		m.Data = submissionOf(t, want)
		answer, err := conn.RequestMsg(m, 5*time.Second)
		must(t, err)
		if answer.Header.Get("Phr-Error") != "" {
			t.Errorf("%v: %q", h, answer.Data)
			continue
		}
		w.until(t, "the event counts", func(state *ledger.State) bool {
			head, _ := state.Head(w.health)
			return head.Number == before+1
		})
		raw, err := want.Marshal()
		must(t, err)
		stored, err := w.Ledger().Last(t.Context(), w.health.Filter())
		must(t, err)
		if stored.ID != ledger.HashEvent(raw).String() || stored.Subject != want.Subject() {
			t.Errorf("%v: stored as %s under %s", h, stored.ID, stored.Subject)
		}
	}
	if last, err := w.Ledger().LastSeq(t.Context()); err != nil || fmt.Sprint(last) != w.state(t) {
		t.Error(err)
	}
}

func submissionOf(t testing.TB, e *ledger.Event) []byte {
	t.Helper()
	raw, err := e.Marshal()
	must(t, err)
	data, err := canonical.Marshal(protocol.Submission{ID: ledger.SubmissionID(e.ID), Count: 1, Events: [][]byte{raw}})
	must(t, err)
	return data
}

// A consumer is its session's alone, and reads its chain alone.
func TestAttack40_ConsumerHijack(t *testing.T) {
	w := newWorld(t)
	owner, err := w.doctor.ask(t, w.health, ledger.OpRead, w.term.ID)
	must(t, err)
	consumer, err := ask[protocol.Consumer](t, owner.conn, protocol.GateConsumer, protocol.ConsumerQuery{Chain: w.health.String()})
	must(t, err)
	thief := w.newPerson(t).login(t)
	err = thief.conn.Fetch(t.Context(), consumer.Name, func([]stream.Entry, uint64) error { return nil })
	if codeOf(err) != stream.CodeDenied {
		t.Errorf("fetched from another's consumer: %v", err)
	}
	conn, violations := w.raw(t, thief)
	for _, subject := range []string{
		"PHRJS.CONSUMER.MSG.NEXT.LEDGER." + consumer.Name, "PHRJS.CONSUMER.INFO.LEDGER." + consumer.Name,
		"$JS.API.CONSUMER.MSG.NEXT.LEDGER." + consumer.Name,
		"PHRJS.CONSUMER.MSG.NEXT.KEYS." + consumer.Name,
	} {
		if m, err := conn.Request(subject, nil, 50*time.Millisecond); err == nil {
			t.Errorf("%s answers %.100q", subject, m.Data)
		}
		if !violated(violations) {
			t.Errorf("publishing to %s is no violation", subject)
		}
	}
	n := 0
	must(t, owner.conn.Fetch(t.Context(), consumer.Name, func(entries []stream.Entry, _ uint64) error {
		for _, e := range entries {
			n++
			if parsed, err := ledger.ParseEntry(e.Data); err != nil || parsed.Chain != w.health {
				t.Errorf("delivered %s", e.Subject)
			}
		}
		return nil
	}))
	if n != 3 {
		t.Errorf("the owner read %d entries", n)
	}
}
