//go:build !js

package stream

import (
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxConsumers bounds the consumers of the ledger, about one for each compartment of a live session, at 33 KiB each.
// It must be positive: the server takes -1 for unset, and 1000 for that.
const maxConsumers = 10_000

// dedupWindow is how long the server remembers message ids. It only makes a quick retry cheap; Append recognises its
// own entries without it.
const dedupWindow = 2 * time.Minute

// ledgerConfig describes the append-only stream. DenyDelete and DenyPurge can't be taken back once set, and exclude
// rollup.
func ledgerConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               LedgerName,
		Subjects:           []string{"phr.>", "id.>", "auth.>", "node.>"},
		MaxConsumers:       maxConsumers,
		MaxMsgs:            -1,
		MaxBytes:           -1,
		MaxMsgsPerSubject:  -1,
		MaxMsgSize:         -1,
		Discard:            jetstream.DiscardNew,
		Storage:            jetstream.FileStorage,
		Replicas:           1,
		Duplicates:         dedupWindow,
		DenyDelete:         true,
		DenyPurge:          true,
		AllowAtomicPublish: true,
	}
}

// keysConfig describes the erasable stream. A second message on a subject is refused rather than replacing the first:
// a replaced message would stay on disk, where erasing the new one no longer reaches it.
func keysConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:                 KeysName,
		Subjects:             []string{"key.>"},
		MaxConsumers:         maxConsumers,
		MaxMsgs:              -1,
		MaxBytes:             -1,
		MaxMsgsPerSubject:    1,
		MaxMsgSize:           -1,
		Discard:              jetstream.DiscardNew,
		DiscardNewPerSubject: true,
		Storage:              jetstream.FileStorage,
		Replicas:             1,
		Duplicates:           dedupWindow,
	}
}

// CheckStream says whether a stream with this configuration can be trusted to be LEDGER or KEYS. It returns an
// *UnsafeError that lists everything wrong, so that a node refuses to start rather than lose an acknowledged entry.
func CheckStream(c jetstream.StreamConfig) error {
	var f faults
	want := keysConfig()
	switch c.Name {
	case LedgerName:
		want = ledgerConfig()
		f.add(!c.DenyDelete, "messages can be deleted: deny_delete is off")
		f.add(!c.DenyPurge, "the stream can be purged: deny_purge is off")
		f.add(!c.AllowAtomicPublish, "allow_atomic is off")
		f.add(c.MaxMsgsPerSubject > 0, "max_msgs_per_subject is set")
	case KeysName:
		f.add(c.DenyDelete, "parts can't be erased: deny_delete is on")
		f.add(c.AllowAtomicPublish, "allow_atomic is on, and staging leaves copies")
		f.add(c.MaxMsgsPerSubject != 1 || !c.DiscardNewPerSubject, "a part can be replaced: max_msgs_per_subject is not 1 with discard_new_per_subject")
	default:
		f.add(true, "no stream of the ledger has this name")
	}
	subjects := slices.Sorted(slices.Values(c.Subjects))
	slices.Sort(want.Subjects)
	f.add(!slices.Equal(subjects, want.Subjects), "wrong subjects")
	f.checkLimits(c)
	f.checkFeatures(c)
	return f.err("stream " + c.Name)
}

// checkLimits finds everything that lets the server drop or lose what it acknowledged.
func (f *faults) checkLimits(c jetstream.StreamConfig) {
	f.add(c.Storage != jetstream.FileStorage, "storage is not file")
	f.add(c.PersistMode != jetstream.DefaultPersistMode, "persist_mode is not default")
	f.add(c.Retention != jetstream.LimitsPolicy, "retention is not limits")
	f.add(c.Discard != jetstream.DiscardNew, "discard is not new")
	f.add(c.MaxMsgs > 0, "max_msgs is set")
	f.add(c.MaxBytes > 0, "max_bytes is set")
	f.add(c.MaxAge != 0, "max_age is set")
	f.add(c.MaxMsgSize > 0, "max_msg_size is set")
	f.add(c.MaxConsumers <= 0, "max_consumers is not positive")
	f.add(c.NoAck, "no_ack is on")
	f.add(c.Sealed, "sealed is on")
	f.add(c.FirstSeq > 1, "first_seq is set")
}

// checkFeatures finds everything that lets a header or another stream change, hide or copy messages.
func (f *faults) checkFeatures(c jetstream.StreamConfig) {
	f.add(c.AllowRollup, "rollup is on")
	f.add(c.AllowMsgTTL || c.SubjectDeleteMarkerTTL != 0, "message TTL is on")
	f.add(c.AllowMsgCounter, "counters are on")
	f.add(c.AllowMsgSchedules, "schedules are on")
	f.add(c.AllowBatchPublish, "allow_batched is on")
	f.add(c.AllowDirect || c.MirrorDirect, "direct get is on")
	f.add(c.Mirror != nil || len(c.Sources) > 0, "it mirrors or sources another stream")
	f.add(c.SubjectTransform != nil, "subjects are transformed")
	f.add(c.RePublish != nil, "messages are republished")
}

// faults collects what is wrong with one thing.
type faults []string

func (f *faults) add(wrong bool, what string) {
	if wrong {
		*f = append(*f, what)
	}
}

func (f faults) err(what string) error {
	if len(f) == 0 {
		return nil
	}
	return &UnsafeError{What: what, Faults: f}
}
