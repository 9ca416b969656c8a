package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/phrledger/phr/ledger/node"
)

// stage is a node in this process, and people who use phr on it.
type stage struct {
	t       *testing.T
	dir     string
	url     string
	printed bytes.Buffer // everything that anybody was shown
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	ctx, cancel := context.WithCancel(t.Context())
	n, err := node.Start(ctx, node.Config{Dir: filepath.Join(s.dir, "node"), Listen: "127.0.0.1:0", EndorseAll: true})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	<-n.Ready()
	s.url = n.URL().String()
	s.file("passphrase", "correct horse battery staple\n")
	return s
}

// file writes a file and returns its path.
func (s *stage) file(name, contents string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(contents), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// phr runs a verb as a person, and returns what it printed and how it ended.
func (s *stage) phr(ctx context.Context, person string, args ...string) (stdout string, code int) {
	s.t.Helper()
	vars := map[string]string{"PHR_HOME": filepath.Join(s.dir, person), "PHR_NODE": s.url}
	var out, errs bytes.Buffer
	e := &env{stdin: strings.NewReader(""), stdout: &out, stderr: &errs, getenv: func(name string) string { return vars[name] }}
	code = e.report(run(ctx, e, append(args, "--passphrase-file", filepath.Join(s.dir, "passphrase"))))
	s.printed.Write(out.Bytes())
	s.printed.Write(errs.Bytes())
	if code != 0 {
		s.t.Logf("phr %q: %s", args, errs.String())
	}
	return strings.TrimSpace(out.String()), code
}

// must is phr that succeeds.
func (s *stage) must(person string, args ...string) string {
	s.t.Helper()
	out, code := s.phr(s.t.Context(), person, args...)
	if code != 0 {
		s.t.Fatalf("phr %q ended with %d", args, code)
	}
	return out
}

// create makes an identity for a person.
func (s *stage) create(person string) {
	s.t.Helper()
	s.must(person, "id", "create", "--recovery-file", filepath.Join(s.dir, person+".sheet"))
}

// hostile is a text that clears a screen, sets its title, colours it, hides behind C1 codes and runs backwards.
const hostile = "\x1b[2J\x1b]0;owned\x07\x1b[31m\u009b1mred\u202egnihtemos\u2066\r\b\x7f\u200bend"

// Whatever somebody writes into a record, a name or a reason, no verb sends a terminal anything that it would act on.
func TestAttack55_TerminalEscapes(t *testing.T) {
	s := newStage(t)
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	s.create("maria")
	maria := s.must("maria", "patient", "register", "--name", hostile)
	s.create("hospital")
	s.must("hospital", "authority", "init", "city-hospital", "--kind", "hospital")
	code := s.must("hospital", "authority", "invite", "--attr", "doctor")
	s.create("ruiz")
	serving, stop := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() {
		defer close(served)
		s.served(serving, "hospital")
	}()
	if _, ended := s.phr(t.Context(), "ruiz", "enroll", "--name", hostile, code); ended != failed {
		t.Error("a display name with control characters was taken")
	}
	s.must("ruiz", "enroll", "--name", "Dr. רויס", code)
	stop()
	<-served
	s.must("maria", "grant", "--to", "doctor@city-hospital", "--compartment", "health", "--write", "--purpose", hostile)

	resource := `{"resourceType":"Observation","status":` + string(quoted) + `,"code":{"text":` + string(quoted) + `},"subject":{"display":` +
		"\"raw \u009b31m \u202e\"" + `},"valueString":` + string(quoted) + `}`
	id := s.must("maria", "record", "add", "--file", s.file("evil.json", resource))
	note := s.must("maria", "record", "add", "--note", hostile)
	s.must("maria", "record", "amend", note, "--note", "again "+hostile)
	s.must("maria", "record", "retract", note, "--reason", hostile)

	for _, reader := range []string{"maria", "ruiz"} {
		for _, args := range [][]string{
			{"record", "list"}, {"record", "show", id}, {"record", "show", note}, {"record", "list", "--text", "red"},
		} {
			s.must(reader, append(args, "--patient", maria)...)
			s.must(reader, append(args, "--patient", maria, "--json")...)
		}
	}
	s.must("ruiz", "patients", "--names")
	s.must("hospital", "authority", "members")
	s.must("maria", "access-log")
	s.must("maria", "disclosures")
	s.must("maria", "disclosures", "--json")
	s.must("maria", "disclosures", "--format", "fhir")
	table := filepath.Join(s.dir, "disclosures.csv")
	s.must("maria", "disclosures", "--format", "csv", "-o", table)
	written, err := os.ReadFile(table)
	if err != nil || !bytes.Contains(written, []byte("gnihtemos")) {
		t.Errorf("the table is %q, %v", written, err)
	}
	harmlessOutput(t, strings.ReplaceAll(string(written), "\r\n", "\n"))
	for _, args := range [][]string{{"record", "show", hostile}, {hostile}, {"record", "list", "--patient", hostile}, {"record", "import", hostile}} {
		if _, code := s.phr(t.Context(), "maria", args...); code == 0 {
			t.Errorf("phr %q succeeded", args)
		}
	}
	harmlessOutput(t, s.printed.String())
	if !strings.Contains(s.printed.String(), "gnihtemos") {
		t.Error("the hostile text was never shown, so nothing is proven")
	}
	if raw, want := s.must("maria", "record", "show", id, "--raw"), resource; raw != want {
		t.Errorf("--raw gives %q, want %q", raw, want)
	}
}

// served runs an authority until ctx ends. What it prints is kept apart, as others print meanwhile.
func (s *stage) served(ctx context.Context, person string) {
	apart := &stage{t: s.t, dir: s.dir, url: s.url}
	if _, code := apart.phr(ctx, person, "authority", "serve"); code != 0 {
		s.t.Errorf("serve ended with %d", code)
	}
	harmlessOutput(s.t, apart.printed.String())
}

func harmlessOutput(t *testing.T, printed string) {
	t.Helper()
	for line := range strings.Lines(printed) {
		for _, r := range strings.TrimSuffix(line, "\n") {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u200b' {
				t.Errorf("a terminal would act on %q in %q", r, line)
				break
			}
		}
	}
}
