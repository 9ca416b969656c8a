package ledger_test

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/ledger"
)

// fields are the keys and values of an encoded event or entry.
type fields map[uint64]any

// badVectors are made from a good event and entry by one fault each.
func badVectors() []badVector {
	event := must((&ledger.Event{
		ID: idOf(1), Chain: ledger.RecordChain(someone, ledger.Health), Number: 2, Prev: filled(3), Author: someone,
		Time: firstDay, Body: &ledger.EpochConfirmed{Epoch: 1},
	}).Marshal())
	entry := must(must(ledger.NewEntry(event, firstDay, ledger.Position{})).Marshal())
	var all []badVector
	add := func(parse, name, in, expect string) { all = append(all, badVector{name, parse, in, expect}) }
	bytes := func(parse, name string, b []byte, expect string) { add(parse, name, hex.EncodeToString(b), expect) }
	changed := func(parse string, good []byte, name string, edit func(fields), expect string) {
		f := fields{}
		if err := canonical.Unmarshal(good[1:], &f); err != nil {
			panic(err)
		}
		edit(f)
		bytes(parse, name, append([]byte{good[0]}, must(canonical.Marshal(f))...), expect)
	}
	frames := func(parse string, good []byte, version string) {
		bytes(parse, "empty", nil, parse)
		bytes(parse, "nothing but a version", good[:1], "malformed")
		bytes(parse, "version 0", append([]byte{0}, good[1:]...), version)
		bytes(parse, "version 2", append([]byte{2}, good[1:]...), version)
		bytes(parse, "cut short", good[:len(good)-1], "malformed")
		bytes(parse, "a byte more", append(slices.Clone(good), 0), "malformed")
		bytes(parse, "indefinite length", append([]byte{1, 0xbf}, append(slices.Clone(good[2:]), 0xff)...), "malformed")
		changed(parse, good, "an unknown field", func(f fields) { f[12] = 1 }, "malformed")
		for key := range slices.Values(slices.Sorted(maps.Keys(keysOf(good)))) {
			name := "without field " + string(rune('0'+key))
			changed(parse, good, name, func(f fields) { delete(f, key) }, "malformed")
			changed(parse, good, strings.Replace(name, "without", "null for", 1), func(f fields) { f[key] = nil }, "malformed")
		}
	}
	frames("event", event, "of format")
	frames("entry", entry, "unknown format")
	for name, edit := range map[string]func(fields){
		"id zero":                    func(f fields) { f[1] = make([]byte, 16) },
		"id too short":               func(f fields) { f[1] = make([]byte, 15) },
		"chain of another shard":     func(f fields) { f[2] = "phr.00." + string(someone) + ".health" },
		"chain with a wildcard":      func(f fields) { f[2] = "phr.*." + string(someone) + ".health" },
		"chain of nothing":           func(f fields) { f[2] = "" },
		"number 0":                   func(f fields) { f[3] = 0; f[4] = make([]byte, 32) },
		"number 1 with a past":       func(f fields) { f[3] = 1 },
		"number 2 without one":       func(f fields) { f[4] = make([]byte, 32) },
		"negative number":            func(f fields) { f[3] = -1 },
		"kind that shares a token":   func(f fields) { f[5] = "epoch-confirmed" },
		"kind in capitals":           func(f fields) { f[5] = "Epoch.confirmed" },
		"kind of three words":        func(f fields) { f[5] = "epoch.confirmed.twice" },
		"another kind's body":        func(f fields) { f[5] = "epoch.disputed" },
		"author in capitals":         func(f fields) { f[6] = strings.ToUpper(string(someone)) },
		"author that is none":        func(f fields) { f[6] = "maria" },
		"session zero":               func(f fields) { f[7] = make([]byte, 16) },
		"time before 1970":           func(f fields) { f[8] = -1 },
		"time after 9999":            func(f fields) { f[8] = 253402300800000 },
		"time as text":               func(f fields) { f[8] = "2026-03-01" },
		"body with an unknown field": func(f fields) { f[9] = fields{1: 1, 2: 1} },
		"body without its field":     func(f fields) { f[9] = fields{} },
		"body as a list":             func(f fields) { f[9] = []int{1} },
		"no extension":               func(f fields) { f[10] = fields{} },
		"extension not canonical":    func(f fields) { f[10] = map[uint64]canonical.RawMessage{2: {0x18, 0x01}} },
		"extension as a list":        func(f fields) { f[10] = []int{1} },
		"signature empty":            func(f fields) { f[11] = []byte{} },
		"signature too short":        func(f fields) { f[11] = make([]byte, 63) },
		"signature too long":         func(f fields) { f[11] = make([]byte, 65) },
	} {
		changed("event", event, name, edit, "malformed")
	}
	for name, edit := range map[string]func(fields){
		"no event":                func(f fields) { f[1] = []byte{} },
		"event as a structure":    func(f fields) { f[1] = fields{} },
		"log time 0":              func(f fields) { f[2] = 0 },
		"log time before 1970":    func(f fields) { f[2] = -1 },
		"log time after 9999":     func(f fields) { f[2] = 253402300800000 },
		"position without a hash": func(f fields) { f[3] = fields{1: 1} },
		"position of a long hash": func(f fields) { f[3] = fields{1: 1, 2: make([]byte, 33)} },
	} {
		changed("entry", entry, name, edit, "malformed")
	}
	bytes("wrap", "empty", nil, "wrap")
	bytes("wrap", "without its key", must(canonical.Marshal(fields{1: []byte{1}})), "wrap")
	bytes("wrap", "a byte more", append(must((&ledger.Wrap{Ciphertext: []byte{1}, Sealed: []byte{2}}).Marshal()), 0), "wrap")
	released := &ledger.Release{Nodes: []ledger.Released{{Node: someone, Sealed: []byte{1}}}}
	bytes("release", "empty", nil, "release")
	bytes("release", "to no node", must((&ledger.Release{}).Marshal()), "release to 0 nodes")
	bytes("release", "to too many nodes", must((&ledger.Release{Nodes: make([]ledger.Released, 17)}).Marshal()), "release to 17 nodes")
	bytes("release", "without what is sealed", must(canonical.Marshal(fields{1: []fields{{1: someone}}})), "release")
	bytes("release", "a byte more", append(must(released.Marshal()), 0), "release")
	for parse, list := range badTexts {
		for name, in := range list {
			add(parse, name, in, parse)
		}
	}
	slices.SortFunc(all, func(a, b badVector) int { return strings.Compare(a.Parse+" "+a.Name, b.Parse+" "+b.Name) })
	return all
}

func keysOf(good []byte) fields {
	f := fields{}
	if err := canonical.Unmarshal(good[1:], &f); err != nil {
		panic(err)
	}
	return f
}

// badTexts are texts that must not become a token of a subject, by what they are not.
var badTexts = map[string]map[string]string{
	"chain": {
		"empty": "", "a space alone": "phr", "another space": "key.ab.x", "a wildcard": ">", "a wildcard for an owner": "id.*.*",
		"no compartment": "phr." + shardOfSomeone + "." + string(someone), "an empty compartment": "phr." + shardOfSomeone + "." + string(someone) + ".",
		"a token more": "phr." + shardOfSomeone + "." + string(someone) + ".health.record-written", "a person without shard": "id." + string(someone),
		"another shard": "id.00." + string(someone), "a space in capitals": "ID." + shardOfSomeone + "." + string(someone),
		"an authority that is a person": "auth." + string(someone), "an authority in capitals": "auth.City-Hospital",
		"an authority with a dot": "auth.city.hospital", "an authority of one letter": "auth.a", "a node by name": "node.berlin",
		"a node that is too short": "node." + string(someone)[1:], "a line break": "auth.city\n", "a NUL": "auth.ci\x00ty", "Cyrillic": "auth.сity-hospital",
		"very long": "auth." + strings.Repeat("a", 1000), "very many dots": strings.Repeat(".", 1000), "the subjects of JetStream": "$JS.API.>",
	},
	"kind": {
		"empty": "", "one letter": "a", "a dot alone": ".", "a dot at the end": "record.", "a dot before": ".written", "three words": "a.b.c",
		"capitals": "Record.written", "a hyphen": "record-written", "a space": "record written", "a wildcard": "record.*", "a digit first": "1record.written",
		"very long": strings.Repeat("a", 100), "a line break": "record.written\n",
	},
	"compartment": {
		"empty": "", "one letter": "h", "32 letters": strings.Repeat("h", 32), "capitals": "Health", "a dot": "health.x", "a wildcard": "*", "all below": ">",
		"a digit first": "1health", "a hyphen first": "-health", "a space": "my health", "CR LF": "health\r\n", "NUL": "health\x00", "right to left": "health\u202e",
		"Cyrillic": "heаlth",
	},
	"hash": {
		"empty": "", "too short": strings.Repeat("0", 63), "too long": strings.Repeat("0", 65), "capitals": strings.Repeat("A", 64), "no hex": strings.Repeat("g", 64),
	},
	"id": {
		"empty": "", "too short": strings.Repeat("0", 25), "too long": strings.Repeat("0", 27), "capitals": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"more than 128 bits": "8" + strings.Repeat("0", 25), "far more": strings.Repeat("z", 26), "a u": "01arz3ndektsv4rrffq69g5fau",
		"an i for a 1": "0iarz3ndektsv4rrffq69g5fav", "an l for a 1": "0larz3ndektsv4rrffq69g5fav", "an o for a 0": "o1arz3ndektsv4rrffq69g5fav",
		"a dot": "01arz3ndektsv4rrffq69g5fa.", "a wildcard": "*", "a line break": "01arz3ndektsv4rrffq69g5fa\n",
	},
}
