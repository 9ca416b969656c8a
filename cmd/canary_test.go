// Package cmd_test holds the tests of the product as a whole.
package cmd_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to read what the projections keep

	"github.com/phrledger/phr/authority"
	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/keystore"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/crypto/recovery"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/node"
	"github.com/phrledger/phr/projections/chart"
)

func TestMain(m *testing.M) {
	keystore.Native = keystore.Params{Time: 1, MemoryKiB: 64 << 10, Threads: 4} // nobody guesses the passphrases of tests
	os.Exit(m.Run())
}

// Nothing of what is written in a record, and no private key of a person or an authority, is anywhere in what the node keeps,
// nor in what anybody's program logs or complains about; nor does it lie open in anybody's home. The node's own keys are in
// one directory.
func TestAttack54_Canary(t *testing.T) {
	w := newWorld(t)
	w.startNode()
	hospital, insurer := w.authority("city-hospital", ledger.Hospital), w.authority("fair-insurance", ledger.Insurer)
	doctor, agent := w.member(hospital, "doctor"), w.member(insurer, "agent")
	maria, stranger := w.person("maria"), w.person("stranger")
	w.must(maria.RegisterPatient(w.ctx))

	health, training := w.book(maria, maria, ledger.Health), w.book(maria, maria, ledger.Training)
	w.importRecords(maria)
	term := w.grant(health, client.GrantRequest{To: "doctor@city-hospital", Write: true})
	w.grant(health, client.GrantRequest{To: "gid:" + string(agent.GID()) + " and agent@fair-insurance", Purpose: "HPAYMT"})
	w.treat(w.book(doctor, maria, ledger.Health))
	w.write(training, w.note("ran"))
	_, err := agent.FetchKeys(w.ctx)
	w.must(err)
	w.read(w.book(agent, maria, ledger.Health))

	w.refused(w.book(agent, maria, ledger.Health).Write(w.ctx, []client.Draft{w.note("insurer")}, nil))
	w.refused(w.book(stranger, maria, ledger.Health).Records(w.ctx))
	w.must(health.Revoke(w.ctx, term.Term.ID))
	w.write(health, w.note("after"))
	w.refused(w.book(doctor, maria, ledger.Health).Write(w.ctx, []client.Draft{w.note("late")}, nil))
	w.checkExport(health, training)
	w.erase(maria, health, training, w.write(health, w.note("erased"))...)

	w.collectSecrets()
	w.checkNode()
	w.stopNode()
	w.leaveUnsent(health)
	w.checkNode()
	w.checkTables()
	w.checkHomes()
	w.checkTexts()
}

// world is a node and the people around it, each with a home on disk.
type world struct {
	t       testing.TB
	ctx     context.Context
	node    *node.Node
	stop    func()
	nodeDir string
	homes   map[string]*client.Home
	dirs    map[string]string
	log     *lockedBuffer // of the node and of everybody's client
	told    []error       // what people were told
	secrets search
	nodeOwn search // keys of the node
	words   int
	bulk    []byte
}

func newWorld(t testing.TB) *world {
	bulk := make([]byte, 4<<10)
	rand.Read(bulk) // it does not compress: were it not encrypted, it would stand there as it is
	w := &world{
		t: t, ctx: t.Context(), nodeDir: filepath.Join(t.TempDir(), "node"), homes: make(map[string]*client.Home),
		dirs: make(map[string]string), log: new(lockedBuffer), secrets: make(search), nodeOwn: make(search), bulk: bulk,
	}
	w.secrets.addKey("an incompressible record", bulk)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) startNode() {
	n, err := node.Start(w.ctx, node.Config{Dir: w.nodeDir, Listen: "127.0.0.1:0", EndorseAll: true, Log: w.logger()})
	w.must(err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(w.ctx))
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case <-n.Ready():
	case err := <-done:
		w.t.Fatal(err)
	}
	w.node = n
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, n.Close()); err != nil {
			w.t.Error(err)
		}
	})
	w.t.Cleanup(w.stop)
}

func (w *world) stopNode() { w.stop() }

func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// person makes a home and connects.
func (w *world) person(name string) *client.Client {
	w.t.Helper()
	w.dirs[name] = filepath.Join(w.t.TempDir(), name)
	code, err := recovery.Generate(rand.Reader)
	w.must(err)
	person, err := client.NewIdentity(code)
	w.must(err)
	home, err := client.CreateHome(w.dirs[name], []byte(passphraseOf(name)), person, code)
	w.must(err)
	w.secrets.addKey("recovery code of "+name, code.Bytes())
	w.secrets.addBytes("recovery words of "+name, []byte(strings.Join(code.Words(), " ")))
	w.secrets.addKey("recovery key of "+name, code.IdentitySeed())
	w.secrets.addKey("recovery slot of "+name, code.KeystoreSecret())
	w.secrets.addBytes("passphrase of "+name, []byte(passphraseOf(name)))
	w.homes[name] = home
	c, err := client.Dial(w.ctx, client.Config{Home: home, Node: w.node.URL(), Log: w.logger()})
	w.must(err)
	w.t.Cleanup(c.Close)
	return c
}

func passphraseOf(name string) string { return "the long passphrase of " + name }

// authority founds an authority and serves it until the test ends.
func (w *world) authority(name policy.Authority, kind ledger.AuthorityKind) *client.Client {
	w.t.Helper()
	c := w.person(string(name))
	_, err := c.FoundAuthority(w.ctx, name, kind)
	w.must(err)
	for err := errors.New("not yet endorsed"); err != nil; {
		_, err = c.Authority(w.ctx, name)
		w.must(w.ctx.Err())
	}
	ctx, cancel := context.WithCancel(w.ctx)
	done := make(chan error, 1)
	go func() { done <- c.Serve(ctx, nil) }()
	w.t.Cleanup(func() {
		cancel()
		w.told = append(w.told, <-done)
	})
	return c
}

// member enrols somebody new.
func (w *world) member(at *client.Client, attribute string) *client.Client {
	w.t.Helper()
	code, _, err := at.Invite(w.ctx, authority.Offer{Attributes: []string{attribute}})
	w.must(err)
	_, secret, _ := strings.Cut(strings.TrimPrefix(code.Text(), string(code.Authority())), "-")
	w.secrets.addBytes("invitation code", []byte(secret))
	c := w.person(attribute)
	_, err = c.Enroll(w.ctx, code, "A Professional")
	w.must(err)
	return c
}

func (w *world) book(c, patient *client.Client, name ledger.Compartment) *client.Book {
	w.t.Helper()
	b, err := c.Book(w.ctx, patient.GID(), name)
	w.must(err)
	return b
}

func (w *world) grant(b *client.Book, r client.GrantRequest) *client.Granted {
	w.t.Helper()
	g, err := b.Grant(w.ctx, r)
	w.must(err)
	return g
}

// word makes a word that stands nowhere else, with characters that encodings treat differently, and looks for it from now on.
func (w *world) word() string {
	w.words++
	word := "kanarië <" + strings.ToLower(rand.Text()[:16]) + ">"
	w.secrets.addWord(word)
	w.secrets.addBytes("heart of "+word, []byte(word[10:26]))
	return word
}

func (w *world) note(about string) client.Draft {
	return client.Draft{Kind: chart.Written, Media: chart.Note, Body: []byte(about + ": " + w.word())}
}

func (w *world) write(b *client.Book, drafts ...client.Draft) []ledger.EventID {
	w.t.Helper()
	ids, err := b.Write(w.ctx, drafts, nil)
	w.must(err)
	return ids
}

// importRecords imports a bundle with words in every kind of place, and something that does not compress.
func (w *world) importRecords(patient *client.Client) {
	w.t.Helper()
	resource := func(kind string, fields map[string]any) map[string]any {
		fields["resourceType"], fields["id"] = kind, strings.ToLower(rand.Text())
		fields["text"] = map[string]string{"status": "generated", "div": "<div>" + w.word() + "</div>"}
		return map[string]any{"fullUrl": "urn:uuid:" + w.word(), "resource": fields}
	}
	bundle, err := json.Marshal(map[string]any{"resourceType": "Bundle", "type": "collection", "entry": []any{
		resource("Patient", map[string]any{"name": []any{map[string]any{"family": w.word(), "given": []string{w.word()}}}}),
		resource("Condition", map[string]any{"code": map[string]any{"text": w.word()}}),
		resource("Observation", map[string]any{
			"code":        map[string]any{"coding": []any{map[string]string{"system": "http://loinc.org", "code": "55423-8", "display": w.word()}}},
			"valueString": w.word(),
		}),
	}})
	w.must(err)
	var plan client.Plan
	w.must(plan.Add(w.word()+".json", bytes.NewReader(bundle), ""))
	for name, drafts := range plan.Drafts {
		w.write(w.book(patient, patient, name), drafts...)
	}
	w.write(w.book(patient, patient, ledger.Health), client.Draft{Kind: chart.Written, Media: "octets", Body: w.bulk})
	if len(plan.Drafts) != 2 || plan.Total != 3 {
		w.t.Errorf("imported %d records into %d compartments", plan.Total, len(plan.Drafts))
	}
}

// treat writes, amends and retracts.
func (w *world) treat(b *client.Book) {
	w.t.Helper()
	ids := w.write(b, w.note("seen"), w.note("mistaken"))
	amendment, retraction := w.note("seen again"), w.note("not hers")
	amendment.Kind, amendment.Refers = chart.Amended, ids[0]
	retraction.Kind, retraction.Refers = chart.Retracted, ids[1]
	w.write(b, amendment, retraction)
}

// erase erases records of a compartment, and another compartment as a whole.
func (w *world) erase(patient *client.Client, b, whole *client.Book, ids ...ledger.EventID) {
	w.t.Helper()
	done, err := b.Erase(w.ctx, ids...)
	w.must(err)
	if done.Versions != 1 {
		w.t.Errorf("erased %+v", done)
	}
	w.must(patient.EraseCompartment(w.ctx, whole.Compartment(), "a reason in clear"))
	w.refused(whole.Records(w.ctx))
}

// read shows that there is something to be found, for who may.
func (w *world) read(b *client.Book) {
	w.t.Helper()
	records, err := b.Records(w.ctx)
	w.must(err)
	for _, r := range records {
		if len(w.secrets.in(r.Body)) == 0 {
			w.t.Errorf("record %s: %q %s", r.ID, r.Body, r.Unreadable)
		}
	}
}

func (w *world) checkExport(books ...*client.Book) {
	w.t.Helper()
	folded, err := client.Chart(w.ctx, books...)
	w.must(err)
	var export bytes.Buffer
	n, err := client.ExportFHIR(&export, folded)
	w.must(err)
	if found := w.secrets.in(export.Bytes()); n != 3 || len(found) == 0 {
		w.t.Errorf("exported %d resources with %q", n, found)
	}
}

// refused keeps what somebody was told whose attempt has to fail.
func (w *world) refused(_ any, err error) {
	w.t.Helper()
	if err == nil {
		w.t.Error("not refused")
	}
	w.told = append(w.told, err)
}

// leaveUnsent writes while no node answers: the draft waits at home.
func (w *world) leaveUnsent(b *client.Book) {
	ctx, cancel := context.WithTimeout(w.ctx, time.Second)
	defer cancel()
	w.refused(b.Write(ctx, []client.Draft{w.note("waits")}, nil))
}

// collectSecrets looks from now on for every secret in the homes, and for the node's keys.
func (w *world) collectSecrets() {
	w.t.Helper()
	public := w.publicValues()
	for name, dir := range w.dirs {
		ks, err := keystore.Open(keystore.At(filepath.Join(dir, "keystore")), keystore.Passphrase([]byte(passphraseOf(name))))
		w.must(err)
		n := addSecrets(w.secrets, "key of "+name, ks.Contents(), public)
		ks.Close()
		if n < 2 {
			w.t.Errorf("%s has %d secrets", name, n)
		}
	}
	keys := filepath.Join(w.nodeDir, "keys")
	files, err := os.ReadDir(keys)
	w.must(err)
	for _, f := range files {
		contents, err := os.ReadFile(filepath.Join(keys, f.Name()))
		w.must(err)
		addSecrets(w.nodeOwn, f.Name(), contents, public)
	}
}

// publicValues are byte strings that stand beside secrets and are none.
func (w *world) publicValues() map[string]bool {
	public := make(map[string]bool)
	addIdentity := func(id *identity.Identity) {
		first, now := id.Inception(), id.Keys()
		for _, b := range [][]byte{first.Keys.Sign[:], first.Keys.Seal, first.Recovery[:], now.Sign[:], now.Seal} {
			public[string(b)] = true
		}
	}
	addAuthority := func(a *authority.Authority) {
		for _, invitation := range a.Invitations() {
			public[string(invitation.ID[:])] = true
		}
	}
	for _, home := range w.homes {
		addIdentity(home.Identity())
		if a, err := home.Authority(); err == nil && a != nil {
			addAuthority(a)
		}
		for _, key := range home.AttributeKeys() {
			var fields []any
			w.must(canonical.Unmarshal(key.Bytes(), &fields))
			public[string(fields[5].([]byte))] = true // the hash of the authority's public key
		}
	}
	for _, name := range []string{"root.identity", "node.identity", "registry.identity"} {
		encoded, err := os.ReadFile(filepath.Join(w.nodeDir, "keys", name))
		w.must(err)
		id, err := identity.Parse(encoded)
		w.must(err)
		addIdentity(id)
	}
	return public
}

// addSecrets looks for every byte string in an encoding that is not public, and returns how many they are. What is no encoding
// is one secret.
func addSecrets(s search, what string, encoding []byte, public map[string]bool) (n int) {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[any]any:
			for value := range maps.Values(v) {
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		case []byte:
			var inner any
			if canonical.Unmarshal(v, &inner) == nil && isContainer(inner) {
				walk(inner)
			} else if len(v) >= 16 && !public[string(v)] {
				s.addKey(what, v)
				n++
			}
		}
	}
	walk(encoding)
	return n
}

func isContainer(v any) bool {
	switch v.(type) {
	case map[any]any, []any:
		return true
	}
	return false
}

// checkNode searches the node's directory, and judges its modes. The node's own keys are in keys, and only there.
func (w *world) checkNode() {
	w.t.Helper()
	w.report(w.secrets.inFiles(w.t, w.nodeDir, ""))
	w.report(w.nodeOwn.inFiles(w.t, w.nodeDir, "keys"))
	keys := filepath.Join(w.nodeDir, "keys")
	if found := w.nodeOwn.inFiles(w.t, keys, ""); len(found) < 10 {
		w.t.Errorf("the search finds only %d keys of the node in its keys", len(found))
	}
	err := filepath.WalkDir(w.nodeDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		private := path == w.nodeDir || strings.HasPrefix(path, keys)
		if err == nil && private && info.Mode().Perm()&0o077 != 0 {
			w.t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	w.must(err)
}

func (w *world) report(hits map[string][]string) {
	w.t.Helper()
	for _, path := range slices.Sorted(maps.Keys(hits)) {
		w.t.Errorf("%s holds %s", path, hits[path])
	}
}

// checkTables searches every value in the projections: one that is cut by the end of a page is not missed.
func (w *world) checkTables() {
	w.t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.nodeDir, "projections.db"))
	w.must(err)
	defer db.Close()
	tables := rows(w.t, db, `SELECT name FROM sqlite_schema WHERE type = 'table'`)
	if len(tables) < 5 {
		w.t.Errorf("the projections have %d tables", len(tables))
	}
	for _, table := range tables {
		for _, row := range rows(w.t, db, `SELECT * FROM `+table) {
			if found := append(w.secrets.in([]byte(row)), w.nodeOwn.in([]byte(row))...); found != nil {
				w.t.Errorf("a row of %s holds %s", table, found)
			}
		}
	}
}

// rows returns the rows of a query as text, a value after the other.
func rows(t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		values, places := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := found.Scan(places...); err != nil {
			t.Fatal(err)
		}
		var row strings.Builder
		for _, v := range values {
			row.Write(v)
		}
		all = append(all, row.String())
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkHomes searches what lies on people's disks: sealed, a draft that waits to be sent too.
func (w *world) checkHomes() {
	w.t.Helper()
	for name, dir := range w.dirs {
		w.report(w.secrets.inFiles(w.t, dir, ""))
		unsent, err := w.homes[name].Unsent()
		w.must(err)
		if name == "maria" && len(unsent) != 1 {
			w.t.Errorf("maria has %v to send", unsent)
		}
	}
}

// checkTexts searches logs, errors, and what keys print.
func (w *world) checkTexts() {
	w.t.Helper()
	logged := w.log.Bytes()
	if !bytes.Contains(logged, []byte(`"session_ended"`)) {
		w.t.Errorf("the log says too little: %s", logged)
	}
	texts := map[string]string{"the log": string(logged)}
	for _, err := range w.told {
		texts[fmt.Sprintf("error %v", err)] = fmt.Sprintf("%v %+v %#v", err, err, err)
	}
	for name, home := range w.homes {
		texts["home of "+name] = fmt.Sprintf("%v %+v %#v", home, home, home)
	}
	for what, text := range texts {
		if found := append(w.secrets.in([]byte(text)), w.nodeOwn.in([]byte(text))...); found != nil {
			w.t.Errorf("%s holds %s", what, found)
		}
	}
}

// lockedBuffer is what several goroutines write to.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// Bytes returns a copy of what was written.
func (b *lockedBuffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.buf.Bytes())
}
