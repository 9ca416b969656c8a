package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

// Headers a client sends reach neither the stream nor a service's idea of the caller.
func TestAttack39_Headers(t *testing.T) {
	b := fight(t)
	forged, err := json.Marshal(map[string]any{"acc": clientsAccount(t, b), "name_tag": b.bob.public, "user": b.bob.public, "svc": "x"})
	if err != nil {
		t.Fatal(err)
	}
	headers := map[string]string{
		"Nats-Request-Info":                   string(forged),
		"Nats-Rollup":                         "all",
		"Nats-TTL":                            "1s",
		"Nats-Schedule":                       "@every 1s",
		"Nats-Schedule-Target":                "phr.bb.bob.health.record-written",
		"Nats-Batch-Id":                       "b1",
		"Nats-Batch-Sequence":                 "1",
		"Nats-Batch-Commit":                   "1",
		"Nats-Expected-Last-Subject-Sequence": "0",
		"Nats-Expected-Last-Sequence":         "0",
		"Nats-Msg-Id":                         bobHealth + "3",
		"Nats-Subject":                        "ingest.bb.bob.health",
		"Nats-Stream-Source":                  "LEDGER 1",
		"Nats-Incr":                           "+1",
		"Nats-Trace-Dest":                     "ingest.bb.bob.health",
		"Nats-Trace-Only":                     "0",
		"Status":                              "503",
		"Phr-Error":                           "1",
	}
	c := raw(t, b.Server, b.mal)
	send := func(set map[string]string) {
		t.Helper()
		for _, subject := range allowed(t, b) {
			m := nats.NewMsg(subject)
			m.Reply = "_I.inbox-of-mal.x"
			for k, v := range set {
				m.Header.Set(k, v)
			}
			if err := c.PublishMsg(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for k, v := range headers {
		send(map[string]string{k: v})
	}
	send(headers)
	settle(t, b, c)
	for _, c := range b.called() {
		if c.data != "probe" && c.caller != b.mal.public {
			t.Errorf("%s was called as %q", c.subject, c.caller)
		}
	}
	b.unharmed(t)
	// Bob's next entry is not taken for a repetition of what mal sent under its id.
	appendAll(t, b.Ledger(), message(bobHealth, 3, 6))
}

// Even who may publish into the stream can't make it forget or rewrite by a header.
func TestAttack39_HeadersInsideTheLedger(t *testing.T) {
	b := fight(t)
	c := owner(t, b)
	for k, v := range map[string]string{
		"Nats-Rollup": "all", "Nats-TTL": "1s", "Nats-Schedule": "@at 2030-01-01T00:00:00Z", "Nats-Incr": "+1", "Nats-Stream-Source": "X 1",
	} {
		m := nats.NewMsg("phr.bb.bob.health.record-written")
		m.Header.Set(k, v)
		answer, err := c.RequestMsg(m, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(answer.Data), `"error"`) {
			t.Errorf("%s: %s: %s", k, v, answer.Data)
		}
	}
	b.unharmed(t)
}

// Without the calls there is nothing to hijack with, whatever the permissions say.
func TestAttack40_Consumers(t *testing.T) {
	b := fight(t)
	c := raw(t, b.Server, everything(t, b))
	push := `{"stream_name":"LEDGER","config":{"deliver_subject":"_I.inbox-of-bob.x","filter_subject":"phr.>","ack_policy":"none"}}`
	for _, prefix := range []string{"$JS.API.", "PHRJS."} {
		for call, body := range map[string]string{
			"INFO":                                        "",
			"CONSUMER.CREATE.LEDGER":                      push,
			"CONSUMER.CREATE.LEDGER.evil":                 push,
			"CONSUMER.CREATE.LEDGER.evil.phr.>":           push,
			"CONSUMER.DURABLE.CREATE.LEDGER.evil":         push,
			"CONSUMER.DELETE.LEDGER.bob-c":                "",
			"CONSUMER.PAUSE.LEDGER.bob-c":                 `{"pause_until":"2030-01-01T00:00:00Z"}`,
			"CONSUMER.RESET.LEDGER.bob-c":                 "",
			"CONSUMER.UNPIN.LEDGER.bob-c":                 "",
			"CONSUMER.NAMES.LEDGER":                       "",
			"CONSUMER.LIST.LEDGER":                        "",
			"CONSUMER.INFO.KEYS.x":                        "",
			"CONSUMER.MSG.NEXT.KEYS.x":                    "",
			"STREAM.MSG.GET.LEDGER":                       `{"seq":4}`,
			"STREAM.MSG.GET.KEYS":                         `{"seq":1}`,
			"DIRECT.GET.LEDGER":                           `{"seq":4}`,
			"DIRECT.GET.KEYS.key.bb.bob.health.1.owner.h": "",
			"STREAM.INFO.LEDGER":                          `{"subjects_filter":">"}`,
			"STREAM.NAMES":                                "",
			"STREAM.LIST":                                 "",
			"STREAM.SNAPSHOT.LEDGER":                      `{"deliver_subject":"x"}`,
			"STREAM.CREATE.MIRROR":                        `{"name":"MIRROR","mirror":{"name":"LEDGER"}}`,
			"STREAM.CREATE.SOURCE":                        `{"name":"SOURCE","sources":[{"name":"LEDGER"}]}`,
			"STREAM.CREATE.CAPTURE":                       `{"name":"CAPTURE","subjects":["ingest.>"]}`,
		} {
			answer, err := c.Request(prefix+call, []byte(body), 200*time.Millisecond)
			if err == nil && !strings.Contains(string(answer.Data), `"error"`) {
				t.Errorf("%s%s is answered: %s", prefix, call, answer.Data)
			}
		}
	}
	if _, err := c.Request("PHRJS.CONSUMER.MSG.NEXT.LEDGER.no-such", nil, 200*time.Millisecond); err == nil {
		t.Error("pulling from a consumer that is not there is answered")
	}
	b.unharmed(t)
}

func TestAttack41_ChangingTheStream(t *testing.T) {
	calls := map[string]string{
		"STREAM.PURGE.LEDGER":      "",
		"STREAM.MSG.DELETE.LEDGER": `{"seq":1}`,
		"STREAM.DELETE.LEDGER":     "",
		"STREAM.UPDATE.LEDGER":     `{"name":"LEDGER","subjects":["phr.>","id.>","auth.>","node.>"],"max_msgs":1,"num_replicas":1,"storage":"file","retention":"limits","discard":"new"}`,
	}
	t.Run("people", func(t *testing.T) {
		b := fight(t)
		c := raw(t, b.Server, everything(t, b))
		for _, prefix := range []string{"$JS.API.", "PHRJS."} {
			for call, body := range calls {
				answer, err := c.Request(prefix+call, []byte(body), 200*time.Millisecond)
				if err == nil && !strings.Contains(string(answer.Data), `"error"`) {
					t.Errorf("%s%s is answered: %s", prefix, call, answer.Data)
				}
			}
		}
		b.unharmed(t)
	})
	t.Run("the ledger's own account", func(t *testing.T) {
		b := fight(t)
		c := owner(t, b)
		for _, call := range []string{"STREAM.PURGE.LEDGER", "STREAM.MSG.DELETE.LEDGER"} {
			answer, err := c.Request("$JS.API."+call, []byte(calls[call]), 5*time.Second)
			if err != nil || !strings.Contains(string(answer.Data), `"error"`) {
				t.Errorf("%s: %v", call, err)
			}
		}
		b.unharmed(t)
	})
	// Whoever holds the node's keys can do the rest. The node notices.
	for _, call := range []string{"STREAM.UPDATE.LEDGER", "STREAM.DELETE.LEDGER"} {
		t.Run("noticed: "+call, func(t *testing.T) {
			b := fight(t)
			c := owner(t, b)
			guarded := make(chan error)
			go func() { guarded <- b.Ledger().Guard(t.Context()) }()
			body := calls[call]
			if call == "STREAM.UPDATE.LEDGER" {
				body = changed(t, c)
			}
			answer, err := c.Request("$JS.API."+call, []byte(body), 5*time.Second)
			if err != nil || strings.Contains(string(answer.Data), `"error"`) {
				t.Fatalf("%s: %v", call, err)
			}
			err = <-guarded
			var unsafe *stream.UnsafeError
			if call == "STREAM.UPDATE.LEDGER" && (!errors.As(err, &unsafe) || len(unsafe.Faults) != 1) {
				t.Errorf("the guard ended with %v", err)
			}
			if err == nil || errors.Is(err, context.Canceled) {
				t.Errorf("the guard ended with %v", err)
			}
			b.Close()
			again, err := embedded.Start(t.Context(), embedded.Config{Dir: b.dir})
			if call == "STREAM.UPDATE.LEDGER" && !errors.As(err, &unsafe) {
				t.Errorf("the node started again: %v", err)
			}
			if err == nil {
				again.Close()
			}
		})
	}
}

// changed is the ledger's configuration with a limit set.
func changed(t *testing.T, c *nats.Conn) string {
	t.Helper()
	answer, err := c.Request("$JS.API.STREAM.INFO.LEDGER", nil, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Config map[string]any `json:"config"`
	}
	if err := json.Unmarshal(answer.Data, &info); err != nil {
		t.Fatal(err)
	}
	info.Config["max_age"] = time.Hour.Nanoseconds()
	body, err := json.Marshal(info.Config)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
