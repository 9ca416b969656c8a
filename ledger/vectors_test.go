package ledger_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// vectors are testdata/vectors.json. They never change but by growing: what they pin stands in logs for ever.
type vectors struct {
	Events  []eventVector `json:"events"`
	Entries []entryVector `json:"entries"`
	Bad     []badVector   `json:"bad"`
}

type eventVector struct {
	Name  string `json:"name"`
	Event string `json:"event"` // hex
	Hash  string `json:"hash"`
}

type entryVector struct {
	Name  string `json:"name"`
	Entry string `json:"entry"` // hex
	Hash  string `json:"hash"`  // of the event
}

// badVector is what a parser refuses: bytes in hex for events, entries and wraps, text for the others.
type badVector struct {
	Name   string `json:"name"`
	Parse  string `json:"parse"`
	In     string `json:"in"`
	Expect string `json:"expect"`
}

const (
	vectorFile = "testdata/vectors.json"
	someone    = identity.GID("aaaabbbbccccddddeeeeffff22223333")
)

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	b, err := os.ReadFile(vectorFile)
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	made := vectors{Bad: badVectors()}
	for _, e := range vectorEvents() {
		raw := must(e.event.Marshal())
		made.Events = append(made.Events, eventVector{e.name, hex.EncodeToString(raw), ledger.HashEvent(raw).String()})
	}
	for name, p := range map[string]ledger.Position{"first": {}, "later": {Count: 1000, Hash: filled(9)}} {
		entry := must(ledger.NewEntry(must(vectorEvents()[0].event.Marshal()), firstDay, p))
		made.Entries = append(made.Entries, entryVector{name, hex.EncodeToString(must(entry.Marshal())), entry.Hash.String()})
	}
	slices.SortFunc(made.Entries, func(a, b entryVector) int { return strings.Compare(a.Name, b.Name) })
	if *update {
		b := must(json.MarshalIndent(made, "", "  "))
		if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	v := readVectors(t)
	if !reflect.DeepEqual(v.Events, made.Events) || !reflect.DeepEqual(v.Entries, made.Entries) {
		t.Error("events are not encoded as they always were")
	}
	for _, e := range v.Events {
		raw := must(hex.DecodeString(e.Event))
		parsed, err := ledger.ParseEvent(raw)
		if err != nil {
			t.Errorf("%s: %v", e.Name, err)
			continue
		}
		if again := must(parsed.Marshal()); !bytes.Equal(again, raw) {
			t.Errorf("%s: marshalled again as %x", e.Name, again)
		}
	}
	for _, e := range v.Entries {
		parsed, err := ledger.ParseEntry(must(hex.DecodeString(e.Entry)))
		if err != nil || parsed.Hash.String() != e.Hash || hex.EncodeToString(must(parsed.Marshal())) != e.Entry {
			t.Errorf("%s: %v, %v", e.Name, parsed, err)
		}
	}
}

func TestBadVectors(t *testing.T) {
	v := readVectors(t)
	if !slices.Equal(v.Bad, badVectors()) {
		t.Error("the vectors are not those of this test: run it with -update, and look at what has changed")
	}
	for _, b := range v.Bad {
		t.Run(b.Parse+" "+b.Name, func(t *testing.T) {
			err := parse(b.Parse, b.In)
			if err == nil {
				t.Fatalf("%q is parsed; want: %s", b.In, b.Expect)
			}
			if !errors.Is(err, ledger.ErrMalformed) || !strings.Contains(err.Error(), b.Expect) {
				t.Errorf("refused with %q, want %q", err, b.Expect)
			}
		})
	}
}

// parse runs one of the parsers.
func parse(what, in string) (err error) {
	raw, _ := hex.DecodeString(in)
	switch what {
	case "event":
		_, err = ledger.ParseEvent(raw)
	case "entry":
		_, err = ledger.ParseEntry(raw)
	case "wrap":
		_, err = ledger.ParseWrap(raw)
	case "release":
		_, err = ledger.ParseRelease(raw)
	case "chain":
		_, err = ledger.ParseChain(in)
	case "kind":
		_, err = ledger.ParseKind(in)
	case "compartment":
		_, err = ledger.ParseCompartment(in)
	case "hash":
		_, err = ledger.ParseHash(in)
	case "id":
		_, err = ledger.ParseEventID(in)
	}
	return err
}

type namedEvent struct {
	name  string
	event *ledger.Event
}

// vectorEvents are two events of every kind: one with every field set, one with none.
func vectorEvents() []namedEvent {
	var all []namedEvent
	for kind, body := range ledger.Kinds() {
		empty := &ledger.Event{ID: idOf(1), Chain: ledger.PersonChain(someone), Number: 1, Author: someone, Time: firstDay, Body: body}
		all = append(all, namedEvent{string(kind) + ", bare", empty})

		full := reflect.New(reflect.TypeOf(body).Elem())
		seed := byte(20)
		fill(full.Elem(), &seed)
		all = append(all, namedEvent{string(kind) + ", full", &ledger.Event{
			ID: idOf(2), Chain: ledger.RecordChain(someone, ledger.Health), Number: 300, Prev: filled(3), Author: someone,
			Session: ledger.SessionID(idOf(4)), Time: firstDay.Add(time.Millisecond), Body: full.Interface().(ledger.Body),
			Extensions: map[uint64]canonical.RawMessage{2: {0x61, 'x'}, 3: {0x81, 0x01}}, Signature: bytes.Repeat([]byte{5}, 64),
		}})
	}
	all = append(all, unconsented(all), unmapped(all), unlogged(all), acted())
	slices.SortFunc(all, func(a, b namedEvent) int { return strings.Compare(a.name, b.name) })
	return all
}

// acted is a record whose author acts for the patient.
func acted() namedEvent {
	e := &ledger.Event{
		ID: idOf(3), Chain: ledger.RecordChain(someone, ledger.Health), Number: 301, Prev: filled(4), Author: someone,
		Session: ledger.SessionID(idOf(5)), Time: firstDay, Body: &ledger.RecordRetracted{Refers: idOf(6)},
	}
	must(0, e.Act(ledger.TermID(idOf(7))))
	return namedEvent{"record.retracted, by a proxy", e}
}

// unconsented is a rotation as it was written before keys in force could consent to one.
func unconsented(all []namedEvent) namedEvent {
	full := all[slices.IndexFunc(all, func(e namedEvent) bool { return e.name == "identity.rotated, full" })]
	event, body := *full.event, *full.event.Body.(*ledger.IdentityRotated)
	body.Consent, event.Body = nil, &body
	return namedEvent{"identity.rotated, no consent", &event}
}

// unmapped is a checkpoint as it was written before there was a map of heads.
func unmapped(all []namedEvent) namedEvent {
	full := all[slices.IndexFunc(all, func(e namedEvent) bool { return e.name == "checkpoint, full" })]
	event, body := *full.event, *full.event.Body.(*ledger.Checkpoint)
	body.Map, event.Body = ledger.Hash{}, &body
	return namedEvent{"checkpoint, no map", &event}
}

// unlogged is a description of a node as it was written before logs had a key.
func unlogged(all []namedEvent) namedEvent {
	full := all[slices.IndexFunc(all, func(e namedEvent) bool { return e.name == "node.described, full" })]
	event, body := *full.event, *full.event.Body.(*ledger.NodeDescribed)
	body.Log, event.Body = [32]byte{}, &body
	return namedEvent{"node.described, no log", &event}
}

// fill sets every field of a body to something of its own.
func fill(v reflect.Value, seed *byte) {
	*seed++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), seed)
		}
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(*seed))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), seed)
		}
	case reflect.String:
		v.SetString("text " + string('a'+rune(*seed%26)))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int64:
		v.SetInt(int64(*seed) << 30)
	default:
		v.SetUint(uint64(*seed))
	}
}

func filled(b byte) (h ledger.Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

func idOf(b byte) ledger.EventID { return ledger.EventID(bytes.Repeat([]byte{b}, 16)) }
