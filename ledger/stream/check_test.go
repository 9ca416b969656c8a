package stream_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/phrledger/phr/ledger/stream"
)

func TestCheckStream(t *testing.T) {
	b := fight(t)
	js, err := jetstream.New(owner(t, b))
	if err != nil {
		t.Fatal(err)
	}
	config := func(name string) jetstream.StreamConfig {
		s, err := js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().Config
	}
	for name, both := range map[string]func(*jetstream.StreamConfig){
		"max_msgs is set":      func(c *jetstream.StreamConfig) { c.MaxMsgs = 1_000_000 },
		"max_bytes is set":     func(c *jetstream.StreamConfig) { c.MaxBytes = 1 << 40 },
		"max_age is set":       func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"max_msg_size is set":  func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1024 },
		"max_consumers":        func(c *jetstream.StreamConfig) { c.MaxConsumers = -1 },
		"discard is not new":   func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"retention":            func(c *jetstream.StreamConfig) { c.Retention = jetstream.InterestPolicy },
		"storage is not file":  func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"persist_mode":         func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"rollup is on":         func(c *jetstream.StreamConfig) { c.AllowRollup = true },
		"TTL is on":            func(c *jetstream.StreamConfig) { c.AllowMsgTTL = true },
		"counters are on":      func(c *jetstream.StreamConfig) { c.AllowMsgCounter = true },
		"schedules are on":     func(c *jetstream.StreamConfig) { c.AllowMsgSchedules = true },
		"allow_batched is on":  func(c *jetstream.StreamConfig) { c.AllowBatchPublish = true },
		"direct get is on":     func(c *jetstream.StreamConfig) { c.AllowDirect = true },
		"wrong subjects":       func(c *jetstream.StreamConfig) { c.Subjects = append(c.Subjects, "other.>") },
		"no_ack is on":         func(c *jetstream.StreamConfig) { c.NoAck = true },
		"sealed is on":         func(c *jetstream.StreamConfig) { c.Sealed = true },
		"first_seq is set":     func(c *jetstream.StreamConfig) { c.FirstSeq = 100 },
		"mirrors or sources":   func(c *jetstream.StreamConfig) { c.Sources = []*jetstream.StreamSource{{Name: "X"}} },
		"are transformed":      func(c *jetstream.StreamConfig) { c.SubjectTransform = &jetstream.SubjectTransformConfig{} },
		"are republished":      func(c *jetstream.StreamConfig) { c.RePublish = &jetstream.RePublish{} },
		"of the ledger has th": func(c *jetstream.StreamConfig) { c.Name = "OTHER" },
	} {
		for _, s := range []string{stream.LedgerName, stream.KeysName} {
			mustFault(t, config(s), both, name)
		}
	}
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"deny_delete is off":          func(c *jetstream.StreamConfig) { c.DenyDelete = false },
		"deny_purge is off":           func(c *jetstream.StreamConfig) { c.DenyPurge = false },
		"allow_atomic is off":         func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
		"max_msgs_per_subject is set": func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 },
	} {
		mustFault(t, config(stream.LedgerName), change, name)
	}
	for name, change := range map[string]func(*jetstream.StreamConfig){
		"deny_delete is on":       func(c *jetstream.StreamConfig) { c.DenyDelete = true },
		"allow_atomic is on":      func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = true },
		"discard_new_per_subject": func(c *jetstream.StreamConfig) { c.DiscardNewPerSubject = false },
	} {
		mustFault(t, config(stream.KeysName), change, name)
	}
}

// mustFault checks that a configuration is safe, and one change makes it unsafe for that reason.
func mustFault(t *testing.T, c jetstream.StreamConfig, change func(*jetstream.StreamConfig), reason string) {
	t.Helper()
	if err := stream.CheckStream(c); err != nil {
		t.Fatal(err)
	}
	change(&c)
	err := stream.CheckStream(c)
	var unsafe *stream.UnsafeError
	if !errors.As(err, &unsafe) || !strings.Contains(err.Error(), reason) {
		t.Errorf("%s: got %v, want %q", c.Name, err, reason)
	}
}
