package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
)

const shardOfSomeone = "19" // SHA-256 of the GID begins with it

func TestSubjects(t *testing.T) {
	for _, tt := range []struct {
		chain                      ledger.Chain
		text, subject, gid, speaks string
		control                    bool
	}{
		{ledger.RecordChain(someone, ledger.Health), "phr.{shard}.{gid}.health", "phr.{shard}.{gid}.health.record-written", "{gid}", "{gid}", false},
		{ledger.RecordChain(someone, ledger.Profile), "phr.{shard}.{gid}.profile", "phr.{shard}.{gid}.profile.record-written", "{gid}", "{gid}", false},
		{ledger.PersonChain(someone), "id.{shard}.{gid}", "id.{shard}.{gid}.record-written", "{gid}", "{gid}", true},
		{ledger.NodeChain(someone), "node.{gid}", "node.{gid}.record-written", "{gid}", "{gid}", true},
		{ledger.AuthorityChain("city-hospital"), "auth.city-hospital", "auth.city-hospital.record-written", "", "city-hospital", true},
	} {
		named := strings.NewReplacer("{gid}", string(someone), "{shard}", shardOfSomeone)
		if got, want := tt.chain.String(), named.Replace(tt.text); got != want {
			t.Errorf("String = %s, want %s", got, want)
		}
		e := &ledger.Event{Chain: tt.chain, Body: new(ledger.RecordWritten)}
		if got, want := e.Subject(), named.Replace(tt.subject); got != want {
			t.Errorf("Subject = %s, want %s", got, want)
		}
		if got, want := tt.chain.Filter(), named.Replace(tt.text)+".>"; got != want {
			t.Errorf("Filter = %s, want %s", got, want)
		}
		if got, want := string(tt.chain.GID()), named.Replace(tt.gid); got != want {
			t.Errorf("%s: GID = %s", tt.chain, got)
		}
		if got, want := string(tt.chain.Authority()), named.Replace(tt.speaks); got != want {
			t.Errorf("%s: Authority = %s", tt.chain, got)
		}
		if tt.chain.Control() != tt.control {
			t.Errorf("%s: Control = %v", tt.chain, tt.chain.Control())
		}
		if got, err := ledger.ParseChain(tt.chain.String()); err != nil || got != tt.chain {
			t.Errorf("ParseChain(%s) = %v, %v", tt.chain, got, err)
		}
	}
}

func TestShardIsFixed(t *testing.T) {
	if got := ledger.Shard(string(someone)); got != shardOfSomeone {
		t.Errorf("Shard = %s, want %s for ever", got, shardOfSomeone)
	}
}

// Every known kind has a subject token of its own.
func TestKindsHaveTokens(t *testing.T) {
	tokens := make(map[string]ledger.Kind)
	for kind, body := range ledger.Kinds() {
		e := &ledger.Event{Chain: ledger.AuthorityChain("phr"), Body: body}
		if other, taken := tokens[e.Subject()]; taken || strings.Count(e.Subject(), ".") != 2 {
			t.Errorf("%s of %s is that of %q too, or no token", e.Subject(), kind, other)
		}
		tokens[e.Subject()] = kind
		if parsed, err := ledger.ParseKind(string(kind)); err != nil || parsed != kind || !kind.Known() || body.Kind() != kind {
			t.Errorf("ParseKind(%q) = %q, %v", kind, parsed, err)
		}
	}
}

func TestTextForms(t *testing.T) {
	type names struct {
		Event ledger.EventID
		Term  ledger.TermID
	}
	id := must(ledger.NewEventID(stream("id"), firstDay))
	term := must(ledger.ParseTermID(id.String()))
	text := must(json.Marshal(names{id, term}))
	var got names
	if err := json.Unmarshal(text, &got); err != nil || got != (names{id, term}) {
		t.Errorf("%s: %v, %v", text, got, err)
	}
	if err := json.Unmarshal([]byte(`{"Event":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}`), &got); err == nil {
		t.Error("an id in capitals is read")
	}
	h := filled(0xab)
	if parsed, err := ledger.ParseHash(h.String()); err != nil || parsed != h || string(must(json.Marshal(h))) != `"`+h.String()+`"` {
		t.Errorf("ParseHash(%s) = %v, %v", h, parsed, err)
	}
	var c ledger.Chain
	if err := json.Unmarshal([]byte(`"auth.phr"`), &c); err != nil || string(must(json.Marshal(c))) != `"auth.phr"` {
		t.Errorf("a chain in JSON is %s, %v", c, err)
	}
	if _, err := ledger.NewSubmissionID(strings.NewReader("short"), firstDay); err == nil {
		t.Error("an id without randomness")
	}
	if _, err := ledger.NewSubmissionID(stream("id"), time.UnixMilli(1<<48)); err == nil {
		t.Error("an id later than a ULID can be")
	}
}

func TestMarshalRefusesWhatIsTooLarge(t *testing.T) {
	w := newWorld(t)
	b := w.record(w.health)
	b.Content.Sealed = make([]byte, ledger.MaxEvent)
	e := w.draft(w.patient, w.health, b)
	if _, err := e.Marshal(); err == nil {
		t.Error("marshalled")
	}
	if err := e.Sign(w.patient); err == nil {
		t.Error("signed")
	}
	if err := e.Verify(w.patient.Keys()); err == nil {
		t.Error("verified")
	}
	if _, err := ledger.ParseEvent(make([]byte, ledger.MaxEvent+1)); err == nil {
		t.Error("parsed")
	}
}

func TestParts(t *testing.T) {
	w := newWorld(t)
	start, erased := w.start(w.health), w.erasure(w.first)
	for _, tt := range []struct {
		body  ledger.Body
		epoch uint32
		parts int
	}{
		{start, 2, len(start.Parts)}, {&ledger.EpochRewrapped{Epoch: 1, Parts: start.Parts[:1]}, 1, 1}, {erased, 1, 1}, {w.record(w.health), 0, 0},
	} {
		if epoch, parts := ledger.Parts(tt.body); epoch != tt.epoch || len(parts) != tt.parts {
			t.Errorf("Parts of %s = %d, %v", tt.body.Kind(), epoch, parts)
		}
	}
	p := start.Parts[1]
	want := "key." + ledger.Shard(w.health.Owner) + "." + w.health.Owner + ".health.2.shred." + p.Hash.String()
	if got := ledger.PartSubject(w.health, 2, p.Name, p.Hash); got != want {
		t.Errorf("PartSubject = %s, want %s", got, want)
	}
}

func TestQuestions(t *testing.T) {
	w := newWorld(t)
	if w.state.Root() != w.root.GID() {
		t.Errorf("Root = %s", w.state.Root())
	}
	p := must(policy.Parse("doctor@city-hospital and nurse@city-hospital"))
	if ok, missing := w.state.Satisfies(w.doctor.GID(), w.patient.GID(), p); ok || len(missing) != 1 || missing[0][0].Name != "nurse" {
		t.Errorf("Satisfies = %v, missing %v", ok, missing)
	}
	whole := w.state.Copy()
	n := 0
	for f := range whole.Compartments() {
		n++
		if f.Chain.Compartment.Reserved() {
			t.Errorf("%s is a compartment", f.Chain)
		}
	}
	if n != 4 {
		t.Errorf("%d compartments, want 4", n)
	}
	for range whole.Compartments() {
		break
	}
	nowhere := ledger.RecordChain(w.nobody.GID(), ledger.Health)
	if why, _ := w.state.Stale(nowhere, w.now); why == "" {
		t.Error("a compartment that is not there is fresh")
	}
	if _, err := w.state.Live(nowhere, w.byDoctor, w.now); err == nil {
		t.Error("it has a live term")
	}
	if _, ok := w.state.Patient(w.nobody.GID()); ok {
		t.Error("nobody is a patient")
	}
	if _, ok := w.state.Node(w.nobody.GID()); ok {
		t.Error("nobody is a node")
	}
	if _, err := w.state.Expression(must(policy.Parse("doctor@nowhere"))); err == nil {
		t.Error("resolved without the authority's key")
	}
	if _, err := w.state.Expression(must(policy.Parse("g-1@" + string(w.nobody.GID())))); err == nil {
		t.Error("resolved without the patient's key")
	}
}
