package embedded_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"

	"github.com/phrledger/phr/ledger/stream"
	"github.com/phrledger/phr/ledger/stream/embedded"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func TestStart(t *testing.T) {
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if s.URL() != "" {
		t.Errorf("it listens on %s without being asked", s.URL())
	}
	c, err := stream.Dial(t.Context(), stream.Options{Dialer: s})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	s.Close()
	s.Close()
}

func TestListen(t *testing.T) {
	for listen, ok := range map[string]bool{
		"127.0.0.1:0":   true,
		"localhost:0":   true,
		"[::1]:0":       true,
		"0.0.0.0:0":     false,
		":0":            false,
		"[::]:0":        false,
		"192.0.2.1:0":   false,
		"example.org:0": false,
		"127.0.0.1":     false,
		"127.0.0.1:x":   false,
	} {
		s, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Listen: listen})
		if (err == nil) != ok {
			t.Errorf("listening on %s: %v", listen, err)
		}
		if err != nil {
			continue
		}
		c, err := stream.Dial(t.Context(), stream.Options{URL: s.URL()})
		if err != nil {
			t.Errorf("dialling %s: %v", s.URL(), err)
		} else {
			c.Close()
		}
		s.Close()
	}
}

// Keys are the node's alone, stay the same, and are refused when somebody else may read them.
func TestKeys(t *testing.T) {
	dir := t.TempDir()
	cycle := func() error {
		s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
		if err == nil {
			s.Close()
		}
		return err
	}
	read := func() map[string]string {
		seeds := make(map[string]string)
		for _, name := range []string{"operator.nk", "system.nk", "ledger.nk", "clients.nk"} {
			path := filepath.Join(dir, "keys", name)
			seed, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
			}
			seeds[name] = string(seed)
		}
		return seeds
	}
	if err := cycle(); err != nil {
		t.Fatal(err)
	}
	first := read()
	if err := cycle(); err != nil {
		t.Fatal(err)
	}
	for name, seed := range read() {
		if seed != first[name] {
			t.Errorf("%s changed", name)
		}
	}
	ledger := filepath.Join(dir, "keys", "ledger.nk")
	for _, tt := range []struct {
		name    string
		harm    func() error
		restore func() error
	}{
		{"a key others can read", func() error { return os.Chmod(ledger, 0o644) }, func() error { return os.Chmod(ledger, 0o600) }},
		{"a directory others can read", func() error { return os.Chmod(filepath.Dir(ledger), 0o755) }, func() error { return os.Chmod(filepath.Dir(ledger), 0o700) }},
		{
			"a link", func() error { return errors.Join(os.Rename(ledger, ledger+"2"), os.Symlink(ledger+"2", ledger)) },
			func() error { return os.Rename(ledger+"2", ledger) },
		},
		{
			"a key of another kind", func() error { return os.WriteFile(ledger, []byte(first["operator.nk"]), 0o600) },
			func() error { return os.WriteFile(ledger, []byte(first["ledger.nk"]), 0o600) },
		},
		{
			"half a key", func() error { return os.WriteFile(ledger, []byte(first["ledger.nk"][:20]), 0o600) },
			func() error { return os.WriteFile(ledger, []byte(first["ledger.nk"]), 0o600) },
		},
	} {
		if err := tt.harm(); err != nil {
			t.Fatal(err)
		}
		err := cycle()
		if err == nil {
			t.Errorf("%s: started", tt.name)
		}
		if err != nil && strings.Contains(err.Error(), first["ledger.nk"][:20]) {
			t.Errorf("%s: the error holds the key: %v", tt.name, err)
		}
		if err := tt.restore(); err != nil {
			t.Fatal(err)
		}
	}
	if err := cycle(); err != nil {
		t.Error(err)
	}
}

// Nothing below the data directory is readable by others.
func TestDirIsPrivate(t *testing.T) {
	dir := t.TempDir()
	s, err := embedded.Start(t.Context(), embedded.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{"keys", "jetstream"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", name, info.Mode(), err)
		}
	}
}

func TestCheckOptions(t *testing.T) {
	safe := func() *server.Options {
		return &server.Options{
			DontListen: true, JetStream: true, StoreDir: "x", SyncAlways: true, DefaultSentinel: "x", SystemAccount: "x",
			TrustedOperators: []*jwt.OperatorClaims{{}}, AccountResolver: &server.MemAccResolver{},
		}
	}
	if err := embedded.CheckOptions(safe()); err != nil {
		t.Fatal(err)
	}
	for reason, change := range map[string]func(*server.Options){
		"sync_interval":     func(o *server.Options) { o.SyncAlways = false },
		"no directory":      func(o *server.Options) { o.StoreDir = "" },
		"batches":           func(o *server.Options) { o.JetStreamLimits.MaxBatchSize = 10 },
		"operator mode":     func(o *server.Options) { o.TrustedOperators = nil },
		"system account":    func(o *server.Options) { o.SystemAccount = "" },
		"no guest":          func(o *server.Options) { o.DefaultSentinel = "" },
		"users of its own":  func(o *server.Options) { o.NoAuthUser = "x" },
		"delegated":         func(o *server.Options) { o.AuthCallout = &server.AuthCallout{} },
		"headers":           func(o *server.Options) { o.NoHeaderSupport = true },
		"log what people":   func(o *server.Options) { o.Trace = true },
		"monitoring":        func(o *server.Options) { o.HTTPPort = 8222 },
		"more than clients": func(o *server.Options) { o.LeafNode.Port = 7422 },
		"without TLS":       func(o *server.Options) { o.DontListen, o.Host = false, "0.0.0.0" },
	} {
		o := safe()
		change(o)
		mustFault(t, embedded.CheckOptions(o), reason)
	}
}

func TestCheckAccounts(t *testing.T) {
	import1, export1 := stream.Imports()[0], stream.Imports()[0].Subject
	safe := func() (ledger, clients *jwt.AccountClaims) {
		ledger, clients = jwt.NewAccountClaims("L"), jwt.NewAccountClaims("C")
		ledger.Limits.DiskStorage = jwt.NoLimit
		ledger.Exports.Add(&jwt.Export{Subject: jwt.Subject(export1), Type: jwt.Service})
		clients.Imports.Add(&jwt.Import{Subject: jwt.Subject(import1.Subject), Account: "L", Type: jwt.Service, Share: true})
		return ledger, clients
	}
	if err := embedded.CheckAccounts(safe()); err != nil {
		t.Fatal(err)
	}
	for reason, change := range map[string]func(ledger, clients *jwt.AccountClaims){
		"storage is limited":              func(l, _ *jwt.AccountClaims) { l.Limits.DiskStorage = 1 << 40 },
		"account exports $JS.API":         func(l, _ *jwt.AccountClaims) { l.Exports.Add(&jwt.Export{Subject: "$JS.API.>", Type: jwt.Service}) },
		"the ledger's account imports":    func(l, _ *jwt.AccountClaims) { l.Imports.Add(&jwt.Import{Subject: "x", Account: "C"}) },
		"exports gate.hello":              func(l, _ *jwt.AccountClaims) { l.Exports[0].Type = jwt.Stream },
		"people's account has JetStream":  func(_, c *jwt.AccountClaims) { c.Limits.DiskStorage = 1 },
		"people's account exports":        func(_, c *jwt.AccountClaims) { c.Exports.Add(&jwt.Export{Subject: "x"}) },
		"people's account imports phr":    func(_, c *jwt.AccountClaims) { c.Imports.Add(&jwt.Import{Subject: "phr.>", Account: "L", Share: true}) },
		"not told who calls":              func(_, c *jwt.AccountClaims) { c.Imports[0].Share = false },
		"people's account imports gate.h": func(_, c *jwt.AccountClaims) { c.Imports[0].LocalSubject = "other" },
	} {
		l, c := safe()
		change(l, c)
		mustFault(t, embedded.CheckAccounts(l, c), reason)
	}
}

func mustFault(t *testing.T, err error, reason string) {
	t.Helper()
	var unsafe *stream.UnsafeError
	if !errors.As(err, &unsafe) || !strings.Contains(err.Error(), reason) {
		t.Errorf("got %v, want %q", err, reason)
	}
}
