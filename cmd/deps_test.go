package cmd_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/phrledger/phr/"
	circl  = "github.com/cloudflare/circl/"
	tlog   = "golang.org/x/mod/sumdb/tlog"
	merkle = "github.com/transparency-dev/merkle"
)

// floors are the packages of the product from the ground up. A package imports packages of lower floors only.
var floors = [][]string{
	{"crypto/canonical", "crypto/policy", "crypto/redact", "projections/chart/fhir/sample", "ledger/witness", "ledger/stream/lean"},
	{"crypto/identity", "crypto/keystore", "crypto/abe", "crypto/recovery", "projections/chart/fhir", "ledger/stream"},
	{"crypto/epoch", "crypto/pairing", "projections/chart", "ledger/stream/embedded"},
	{"ledger"},
	{"ledger/tree", "ledger/audit", "authority", "projections"},
	{"ledger/protocol"},
	{"authority/challenge", "projections/directory", "projections/timeline", "projections/disclosures", "web"},
	{"ledger/ingest", "client"},
	{"authority/gate", "ledger/repair", "ledger/sealer", "client/agent", "client/storetest", "web/view"},
	{"ledger/node", "web/browser", "web/vault"},
	{"cmd/phr/demo", "web/worker"},
	{"cmd/phr"},
}

// only names who may import what: each thing from outside has one door, the server stays out of people's programs, and what
// reads records stays out of the server.
var only = map[string][]string{
	"crypto/hpke":                     {"crypto/identity"},
	circl + "ecc":                     {"crypto/abe"},
	circl + "group":                   {"crypto/recovery"},
	circl + "secretsharing":           {"crypto/recovery"},
	"github.com/cloudflare/circl":     {"crypto/abe", "crypto/recovery"},
	"github.com/andybalholm/brotli":   {"web"},
	"github.com/coder/websocket":      {"web"},
	"github.com/fxamacker/cbor":       {"crypto/canonical"},
	"github.com/minio/highwayhash":    {"ledger/stream/embedded"}, // the checksum of what lies in JetStream's files
	"github.com/nats-io/jwt":          {"ledger/stream/embedded", "ledger/node"},
	"github.com/nats-io/nats-server":  {"ledger/stream/embedded"},
	"github.com/nats-io/nats.go":      {"ledger/stream", "ledger/stream/embedded"},
	"github.com/oklog/ulid":           {"ledger"},
	"github.com/tyler-smith/go-bip39": {}, // tests compare the words
	"golang.org/x/crypto/argon2":      {"crypto/keystore"},
	"golang.org/x/term":               {"cmd/phr"},
	"golang.org/x/text":               {"web/view"}, // letters without their accents
	"math/rand":                       {"client"},   // how long to wait before the next try
	"modernc.org/sqlite":              {"projections"},
	"net/http":                        {"ledger/node", "ledger/tree", "ledger/witness", "web", "cmd/phr"},
	"os/exec":                         {"web"},              // Go, which builds what runs in the browser
	"testing":                         {"client/storetest"}, // what every store of a home has to do
	tlog:                              {"ledger/tree", "ledger/sealer", "ledger/witness"},
	merkle:                            {"ledger/audit"}, // makes the tree a second time, and shares nothing with the first
	module + "authority/gate":         {"ledger/node"},
	module + "crypto/keystore":        {"client", "client/agent", "client/storetest", "web/browser", "web/view", "web/vault", "web/worker", "cmd/phr"},
	module + "ledger/ingest":          {"authority/gate", "ledger/sealer", "ledger/node"},
	module + "ledger/node":            {"cmd/phr", "cmd/phr/demo"},
	module + "ledger/repair":          {"ledger/node", "cmd/phr"},
	module + "ledger/stream/embedded": {"ledger/node", "ledger/repair"},
	module + "projections/chart":      {"client", "cmd/phr", "cmd/phr/demo", "web/view"},
}

// Imports go downward, and what comes from outside comes in by its own door.
func TestImports(t *testing.T) {
	for from, imports := range imports(t) {
		floor := floorOf(from)
		if floor < 0 {
			t.Errorf("%s stands on no floor", from)
		}
		for to := range imports {
			if local, ok := strings.CutPrefix(to, module); ok && floorOf(local) >= floor {
				t.Errorf("%s imports %s, which is not below it", from, local)
			}
			for door, allowed := range only {
				inside := strings.HasPrefix(module+from+"/", door+"/")
				if strings.HasPrefix(to+"/", door+"/") && !inside && !slices.Contains(allowed, from) {
					t.Errorf("%s imports %s, which only %q may", from, to, allowed)
				}
			}
		}
	}
}

func floorOf(pkg string) int {
	return slices.IndexFunc(floors, func(floor []string) bool { return slices.Contains(floor, pkg) })
}

// imports returns what each package of the product imports, tests and their helpers aside.
func imports(t *testing.T) map[string]map[string]bool {
	t.Helper()
	all := make(map[string]map[string]bool)
	err := filepath.WalkDir("..", func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "internal" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != "..") {
			return fs.SkipDir
		}
		pkg := path.Dir(filepath.ToSlash(strings.TrimPrefix(file, ".."+string(filepath.Separator))))
		if d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || pkg == "." {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if all[pkg] == nil {
			all[pkg] = make(map[string]bool)
		}
		for _, i := range parsed.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			all[pkg][to] = true
		}
		return nil
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("read the imports of %d packages: %v", len(all), err)
	}
	return all
}

// What people run is light enough for a browser: it takes neither a server nor a database with it.
func TestClientIsLight(t *testing.T) {
	all := imports(t)
	by := map[string]string{"client": "people's programs"} // who imports it first
	for queue := []string{"client"}; len(queue) > 0; queue = queue[1:] {
		from := queue[0]
		for to := range all[from] {
			for _, heavy := range []string{"github.com/nats-io/nats-server", "modernc.org", "database/sql", "os/exec", "golang.org/x/term"} {
				if strings.HasPrefix(to+"/", heavy+"/") {
					t.Errorf("the client takes %s with it, by way of %s, which %s imports", to, from, by[from])
				}
			}
			if local, ok := strings.CutPrefix(to, module); ok && by[local] == "" {
				by[local] = from
				queue = append(queue, local)
			}
		}
	}
	if len(by) < 10 {
		t.Errorf("only %d packages stand below the client", len(by))
	}
}
