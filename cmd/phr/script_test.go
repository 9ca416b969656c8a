package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/web"
)

func TestMain(m *testing.M) {
	keystore.Native = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 4} // nobody guesses the passphrases of tests
	testscript.Main(m, map[string]func(){"phr": main})
}

// The scripts are the tutorial: each is what people type, in processes and homes of their own, against a node on this machine.
func TestScripts(t *testing.T) {
	toBuild := buildEnv(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			env.Setenv("LISTEN", address)
			for name, value := range toBuild {
				env.Setenv(name, value)
			}
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector would keep each program alive for a second after its end
			env.Values[runningKey{}] = make(running)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"as": as, "start": start, "interrupt": interrupt, "crash": crash, "await": await, "fewer": fewer, "capture": capture, "fill": fill, "bundle": bundle, "lose": lose, "rot": rot, "misuse": misuse,
		},
	})
}

// built are the variables by which Go finds what it has built, and phr what Go has built for browsers.
var built = []string{"GOCACHE", "GOMODCACHE", "XDG_CACHE_HOME"}

// buildEnv returns what those variables are outside of scripts, which have no home. What Go builds for browsers is there then: scripts
// don't wait for that.
func buildEnv(t *testing.T) map[string]string {
	t.Helper()
	if _, err := web.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	values := append(strings.Fields(string(out)), cache)
	all := make(map[string]string)
	for i, name := range built {
		all[name] = values[i]
	}
	return all
}

// freeAddress returns an address that nobody listens at, so that a node can be started there more than once.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// as PERSON VERB… runs phr with a person's home and passphrase.
func as(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, len(args) >= 2, "as PERSON VERB…")
	err := ts.Exec("phr", personal(ts, args)...)
	if err == nil && neg {
		ts.Fatalf("it succeeded")
	}
	if err != nil && !neg {
		ts.Fatalf("%v", err)
	}
}

// misuse VERB… runs phr with a command line that it must refuse with code 2.
func misuse(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "misuse VERB…")
	var exit *exec.ExitError
	if err := ts.Exec("phr", args...); !errors.As(err, &exit) || exit.ExitCode() != misused {
		ts.Fatalf("it ended with %v, want code %d", err, misused)
	}
}

// personal sets whose home is meant, and returns the arguments of phr.
func personal(ts *testscript.TestScript, args []string) []string {
	ts.Setenv("PHR_HOME", ts.MkAbs(filepath.Join(ts.Getenv("WORK"), "home", args[0])))
	rest := append(args[1:len(args):len(args)], "--passphrase-file", filepath.Join(ts.Getenv("WORK"), "passphrase"))
	if len(args) > 2 && args[1] == "id" && args[2] == "create" {
		// The sheet, which people have printed on their terminal.
		rest = append(rest, "--recovery-file", filepath.Join(ts.Getenv("WORK"), args[0]+".sheet"))
	}
	return rest
}

func usage(ts *testscript.TestScript, ok bool, text string) {
	if !ok {
		ts.Fatalf("usage: %s", text)
	}
}

// running are the programs that a script has started, by the names it gave them. They are its value for runningKey.
type running map[string]*exec.Cmd

type runningKey struct{}

func of(ts *testscript.TestScript, name string) *exec.Cmd {
	cmd, ok := ts.Value(runningKey{}).(running)[name]
	if !ok {
		ts.Fatalf("no %s runs", name)
	}
	return cmd
}

// start NAME phr VERB… and start NAME as PERSON VERB… run phr on, with standard output in NAME.out and standard error in
// NAME.err.
func start(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) >= 3, "start NAME phr VERB… | start NAME as PERSON VERB…")
	name, rest := args[0], args[2:]
	if args[1] == "as" {
		rest = personal(ts, rest)
	}
	program, err := exec.LookPath("phr")
	ts.Check(err)
	cmd := exec.Command(program, rest...)
	cmd.Dir = ts.Getenv("WORK")
	for _, name := range append([]string{"HOME", "PHR_HOME", "PHR_NODE", "TMPDIR", "PATH", "GORACE"}, built...) {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	out, err := os.Create(ts.MkAbs(name + ".out"))
	ts.Check(err)
	defer out.Close()
	errs, err := os.Create(ts.MkAbs(name + ".err"))
	ts.Check(err)
	defer errs.Close()
	cmd.Stdout, cmd.Stderr = out, errs
	ts.Check(cmd.Start())
	all := ts.Value(runningKey{}).(running)
	all[name] = cmd
	ts.Defer(func() {
		if all[name] == cmd {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
}

// interrupt NAME asks a program to end, as Ctrl-C does, and waits for it to end well.
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "interrupt NAME")
	cmd := of(ts, args[0])
	delete(ts.Value(runningKey{}).(running), args[0])
	ts.Check(cmd.Process.Signal(os.Interrupt))
	if err := cmd.Wait(); err != nil {
		ts.Fatalf("%s ended with %v:\n%s", args[0], err, ts.ReadFile(args[0]+".err"))
	}
}

// crash NAME… kills programs where they stand.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 0, "crash NAME…")
	for _, name := range args {
		cmd := of(ts, name)
		delete(ts.Value(runningKey{}).(running), name)
		ts.Check(cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}
}

// patience is how long a script waits for what has to happen.
const patience = time.Minute

// until waits for a condition.
func until(ts *testscript.TestScript, what string, met func() bool) {
	deadline := time.After(patience)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%s did not come about within %v", what, patience)
		}
	}
}

// await FILE REGEXP waits until a file says something.
func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "await FILE REGEXP")
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	until(ts, args[0]+" saying "+args[1], func() bool {
		said, err := os.ReadFile(ts.MkAbs(args[0]))
		return err == nil && re.Match(said)
	})
}

// fewer N GLOB waits until there were at least N files of a name, and then fewer.
func fewer(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "fewer N GLOB")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	count := func() int {
		found, err := filepath.Glob(ts.MkAbs(args[1]))
		ts.Check(err)
		return len(found)
	}
	until(ts, args[0]+" of "+args[1], func() bool { return count() >= n })
	until(ts, "fewer than "+args[0]+" of "+args[1], func() bool { return count() < n })
}

// capture VARIABLE FILE [LINE] sets a variable to the first line, or another, of a file or of stdout.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) > 1 && len(args) <= 3, "capture VARIABLE FILE [LINE]")
	n, lines := 1, strings.Split(ts.ReadFile(args[1]), "\n")
	if len(args) > 2 {
		var err error
		n, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	usage(ts, n >= 1 && n <= len(lines), "capture VARIABLE FILE [LINE], and the file has that line")
	ts.Setenv(args[0], strings.TrimSpace(lines[n-1]))
}

// fill FILE puts the values of variables into the places of a file that name them: what a person would write by hand.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "fill FILE")
	text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// lose GLOB removes a file or directory.
func lose(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "lose GLOB")
	ts.Check(os.RemoveAll(theOne(ts, args[0])))
}

// rot GLOB flips a bit in the middle of a file.
func rot(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 1, "rot GLOB")
	path := theOne(ts, args[0])
	contents, err := os.ReadFile(path)
	ts.Check(err)
	contents[len(contents)/2] ^= 1
	ts.Check(os.WriteFile(path, contents, 0o600))
}

// theOne returns the one file that a pattern matches.
func theOne(ts *testscript.TestScript, pattern string) string {
	found, err := filepath.Glob(ts.MkAbs(pattern))
	ts.Check(err)
	if len(found) != 1 {
		ts.Fatalf("%s matches %d files", pattern, len(found))
	}
	return found[0]
}

// bundle N FILE writes a transaction bundle of N observations.
func bundle(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, !neg && len(args) == 2, "bundle N FILE")
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var b bytes.Buffer
	b.WriteString(`{"resourceType":"Bundle","type":"transaction","entry":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"fullUrl":"urn:uuid:00000000-0000-4000-8000-%012d","resource":{"resourceType":"Observation","id":"%d",`+
			`"status":"final","code":{"coding":[{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}]},`+
			`"effectiveDateTime":"2024-01-01","valueQuantity":{"value":%d,"unit":"/min"}},"request":{"method":"POST","url":"Observation"}}`, i, i, 50+i%50)
	}
	b.WriteString(`]}`)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b.Bytes(), 0o600))
}
