//go:build !js

// Package witness is for checkpoints that more than the log's own word stands behind. A Witness cosigns a log's checkpoint if it
// extends the newest one that it cosigned before, Ask gets such a cosignature for a log, and a Policy says whose cosignatures make
// a checkpoint believed. Formats and protocol are those of C2SP: tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-policy.
//
// Two trees of one log get quorums of cosignatures only if a witness that both quorums share has signed both. So a quorum that any two
// have an honest witness in common of keeps a log from showing different people different trees.
//
// What this does not protect: a witness sees sizes and roots, no entries. It can't tell whether what is in the log is valid, nor keep
// a log from showing people an old checkpoint; a policy's AsOf tells how old.
package witness

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// Config says what a Witness works on.
type Config struct {
	Dir  string       // of everything that it keeps; made if it is not there
	Name string       // of the key that is made at the first start; empty: one made of the key
	Log  *slog.Logger // nil: none
}

// Witness cosigns checkpoints of the logs that it follows, over HTTP. Its methods may be called concurrently.
type Witness struct {
	dir    string
	log    *slog.Logger
	lock   *os.File
	signer note.Signer
	key    Key
	mux    *http.ServeMux

	mu   sync.Mutex           // held from the look at the newest checkpoint until the next one is on disk
	keys []Key                // of the logs that it follows
	logs map[string]*followed // by origin
}

// followed is how far a witness has followed a log.
type followed struct {
	newest Checkpoint // that was cosigned
	note   []byte     // the same with its signatures; nil before the first
}

// Open opens the witness in a directory, or makes one at the first start. The caller must close it.
func Open(c Config) (*Witness, error) {
	w := &Witness{dir: c.Dir, log: c.Log, mux: http.NewServeMux(), logs: make(map[string]*followed)}
	if w.log == nil {
		w.log = slog.New(slog.DiscardHandler)
	}
	w.mux.HandleFunc("POST /add-checkpoint", w.addCheckpoint)
	if err := w.open(c.Name); err != nil {
		w.Close()
		return nil, fmt.Errorf("opening the witness in %s: %w", c.Dir, err)
	}
	return w, nil
}

func (w *Witness) open(name string) error {
	if err := makeDirectories(w.dir); err != nil {
		return err
	}
	var err error
	if w.lock, err = lock(w.dir); err != nil {
		return err
	}
	if err := w.openKey(name); err != nil {
		return err
	}
	keys, err := readLogs(w.dir)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := w.follow(key); err != nil {
			return err
		}
	}
	return nil
}

// Close lets another process have the directory. No request may be under way.
func (w *Witness) Close() {
	if w.lock != nil {
		_ = w.lock.Close() // nothing was written to it
	}
}

// Key returns the witness's public key, for policies.
func (w *Witness) Key() Key { return w.key }

// Logs returns the keys of the logs that it follows.
func (w *Witness) Logs() []Key {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.keys)
}

// Follow adds a key to those whose checkpoints are cosigned: of the log that has its name. The directory remembers it.
func (w *Witness) Follow(key Key) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if slices.ContainsFunc(w.keys, func(k Key) bool { return k.text == key.text }) {
		return nil
	}
	if err := writeLogs(w.dir, append(slices.Clone(w.keys), key)); err != nil {
		return fmt.Errorf("following the log %s: %w", key.Name(), err)
	}
	return w.follow(key)
}

// follow takes up a log where the witness left it, if this is its first key.
func (w *Witness) follow(key Key) error {
	origin := key.Name()
	if w.logs[origin] == nil {
		f, err := w.resume(origin)
		if err != nil {
			return fmt.Errorf("the newest checkpoint of %s that was cosigned: %w", origin, err)
		}
		w.logs[origin] = f
	}
	w.keys = append(w.keys, key)
	return nil
}

// resume reads what the witness cosigned last. Its own signature is what binds it: the log may have another key by now.
func (w *Witness) resume(origin string) (*followed, error) {
	signed, err := readCheckpoint(w.dir, origin)
	if err != nil {
		return nil, err
	}
	f := &followed{Checkpoint{origin, 0, emptyRoot}, signed}
	if signed == nil {
		return f, nil
	}
	n, err := note.Open(signed, note.VerifierList(w.key))
	if err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	if f.newest, err = parseCheckpoint(n.Text); err == nil && f.newest.Origin != origin {
		err = fmt.Errorf("it is of %q", f.newest.Origin)
	}
	return f, err
}

// verifiers returns the keys of a log, none if it is not followed.
func (w *Witness) verifiers(origin string) []note.Verifier {
	var all []note.Verifier
	for _, key := range w.Logs() {
		if key.Name() == origin {
			all = append(all, key)
		}
	}
	return all
}

// cosign does what a request asks for, and returns the signature line. What it doesn't do, it answers with a *refusal.
func (w *Witness) cosign(body []byte) ([]byte, error) {
	r, err := parseRequest(body)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, text: err.Error()}
	}
	c, _, err := unverified(r.signed)
	if err != nil {
		return nil, &refusal{status: http.StatusBadRequest, text: err.Error()}
	}
	known := w.verifiers(c.Origin)
	if known == nil {
		return nil, &refusal{status: http.StatusNotFound, text: "this witness does not follow that log"}
	}
	n, err := note.Open(r.signed, note.VerifierList(known...))
	if err != nil {
		return nil, &refusal{status: http.StatusForbidden, text: err.Error()}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.logs[c.Origin]
	if err := w.judge(f, c, r); err != nil {
		return nil, err
	}
	return w.keep(f, c, n)
}

// judge tells why a checkpoint that the log has signed is not cosigned, nil if it is to be.
func (w *Witness) judge(f *followed, c Checkpoint, r *request) error {
	switch {
	case r.old > c.Size:
		return &refusal{status: http.StatusBadRequest, text: "the old size is larger than the checkpoint's"}
	case r.old != f.newest.Size:
		return &refusal{status: http.StatusConflict, newest: &f.newest.Size}
	case c.Size == f.newest.Size && c.Root != f.newest.Root:
		w.accuse("log_forked", f, c, r)
		return &refusal{status: http.StatusConflict, text: "the log has signed another tree of this size"}
	case !c.extends(f.newest, r.proof):
		if r.old > 0 {
			w.accuse("log_not_shown_to_extend", f, c, r)
		}
		return &refusal{status: http.StatusUnprocessableEntity, text: "the proof does not show that the tree extends the one cosigned before"}
	}
	return nil
}

// keep cosigns a checkpoint. If we were to crash before it is on disk, nobody has the cosignature; if after, the log asks again, and
// is told the size.
func (w *Witness) keep(f *followed, c Checkpoint, n *note.Note) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: n.Text, Sigs: n.Sigs}, w.signer)
	if err != nil {
		return nil, fmt.Errorf("cosigning: %w", err)
	}
	if err := writeCheckpoint(w.dir, c.Origin, signed); err != nil {
		return nil, fmt.Errorf("keeping a checkpoint: %w", err)
	}
	f.newest, f.note = c, signed
	w.log.Info("cosigned", "log", c.Origin, "size", c.Size, "root", c.Root.String())
	return signed[bytes.LastIndexByte(signed[:len(signed)-1], '\n')+1:], nil
}

// accuse keeps what a log is not to be believed for, and says so, once for each checkpoint.
func (w *Witness) accuse(what string, f *followed, c Checkpoint, r *request) {
	path, err := keepEvidence(w.dir, what, c, f.note, r.marshal())
	switch {
	case errors.Is(err, os.ErrExist):
	case err != nil:
		w.log.Error(what, "log", c.Origin, "size", c.Size, "root", c.Root.String(), "evidence_lost", err)
	default:
		w.log.Error(what, "log", c.Origin, "size", c.Size, "root", c.Root.String(), "evidence", path)
	}
}

// openKey reads the witness's key, or makes it at the first start.
func (w *Witness) openKey(name string) error {
	secret, err := openSecret(w.dir, name)
	if err != nil {
		return err
	}
	if w.signer, w.key, err = parseSecret(secret); err != nil {
		return fmt.Errorf("reading its key: %w", err)
	}
	if name != "" && name != w.key.Name() {
		return fmt.Errorf("it has a key already, whose name is %q", w.key.Name())
	}
	return nil
}
