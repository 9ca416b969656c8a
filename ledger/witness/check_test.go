package witness_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"

	"github.com/phrledger/phr/ledger/witness"
)

// Signatures are the log's and the cosigners' under the very text, or they are nothing.
func TestAttack45_CheckpointNobodySigned(t *testing.T) {
	w := newWorld(t)
	second := newLog(t, "log.example/second", 9, "a")
	both := must(witness.ParsePolicy([]byte("log " + second.key.String() + "\n" + w.policy.String())))
	imposter := newCosigner(t, "a.example")
	now := uint64(time.Now().Unix())
	text, d := w.log.text(9), cosignAt(w.cosigners["d"], w.log.text(9), now)
	for _, test := range []struct {
		name   string
		policy *witness.Policy
		log    note.Verifier
		signed []byte
		want   string
	}{
		{"nothing", w.policy, nil, nil, "malformed note"},
		{"cosigners alone", w.policy, nil, appended([]byte(text+"\n"), cosignAt(w.cosigners["a"], text, now), cosignAt(w.cosigners["b"], text, now), d), "the log that it names has not signed it"},
		{"by another log that is believed", both, nil, must(note.Sign(&note.Note{Text: text}, second.signer)), "the log that it names has not signed it"},
		{"by a log other than the one meant", both, second.key, w.sign("abd"), "the log that it names has not signed it"},
		{"by a log with the name of the log", w.policy, newLog(t, origin, 9, "a").key, w.sign("abd"), "the log that it names has not signed it"},
		{"a text that was changed", w.policy, nil, bytes.Replace(w.sign("abd"), []byte("\n9\n"), []byte("\n8\n"), 1), "invalid signature"},
		{"a line that was added", w.policy, nil, bytes.Replace(w.sign("abd"), []byte("\n\n"), []byte("\nmore\n\n"), 1), "invalid signature"},
		{"a cosignature of another text", w.policy, nil, appended(w.sign("ab"), cosignAt(w.cosigners["d"], w.log.text(8), now)), "invalid signature"},
		{"a cosignature whose time was changed", w.policy, nil, appended(w.sign("ab"), later(d)), "invalid signature"},
		{"no checkpoint", w.policy, nil, must(note.Sign(&note.Note{Text: origin + "\n9\n"}, w.log.signer)), "three lines"},
		{"a cosigner of the same name and another key", w.policy, nil, appended(w.sign("bd"), cosignAt(imposter, text, now)), "too few"},
		{"a cosigner twice", w.policy, nil, appended(w.sign("ad"), cosignAt(w.cosigners["a"], text, now-1), cosignAt(w.cosigners["a"], text, now-2)), "too few"},
		{"a log's signature by a cosigner", w.policy, nil, appended(w.sign("ad"), plain(w.cosigners["b"], text)), "too few"},
	} {
		if _, err := test.policy.Check(test.signed, test.log, time.Now()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
	// Every byte of the text counts.
	signed := w.sign("abd")
	for i := range text {
		changed := bytes.Clone(signed)
		changed[i] ^= 0x01
		if _, err := w.policy.Check(changed, nil, time.Now()); err == nil {
			t.Errorf("with byte %d changed it is believed all the same: %q", i, changed)
		}
	}
}

// later returns a cosignature's line with a time a second later.
func later(line []byte) []byte {
	fields := strings.Fields(string(line))
	sig := must(base64.StdEncoding.DecodeString(fields[2]))
	binary.BigEndian.PutUint64(sig[4:], binary.BigEndian.Uint64(sig[4:])+1)
	return fmt.Appendf(nil, "— %s %s\n", fields[1], base64.StdEncoding.EncodeToString(sig))
}

// plain is a signature without a time, by a cosigner's key used as a log's.
func plain(c cosigner, text string) []byte {
	key := must(note.NewVerifier(must(note.NewEd25519VerifierKey(c.signer.Name(), c.private.Public().(ed25519.PublicKey)))))
	sig := binary.BigEndian.AppendUint32(nil, key.KeyHash())
	sig = append(sig, ed25519.Sign(c.private, []byte(text))...)
	return fmt.Appendf(nil, "— %s %s\n", key.Name(), base64.StdEncoding.EncodeToString(sig))
}

// A cosignature of a time that has not come counts for nothing, and spoils nothing.
func TestAttack45_CosignedInTheFuture(t *testing.T) {
	w := newWorld(t)
	now := time.Unix(1_800_000_000, 0)
	text := w.log.text(9)
	signed := appended(w.log.signed(9), cosignAt(w.cosigners["a"], text, uint64(now.Unix())), cosignAt(w.cosigners["b"], text, uint64(now.Unix())))
	for _, test := range []struct {
		at   uint64
		want bool
	}{
		{0, true},
		{uint64(now.Unix()), true},
		{uint64(now.Add(5 * time.Minute).Unix()), true},
		{uint64(now.Add(5*time.Minute).Unix()) + 1, false},
		{math.MaxInt64 - 1<<36, false},
		{math.MaxInt64, false},
		{math.MaxInt64 + 1, false},
		{math.MaxUint64, false},
	} {
		c, err := w.policy.Check(appended(signed, cosignAt(w.cosigners["d"], text, test.at)), nil, now)
		var short *witness.QuorumError
		if test.want && (err != nil || len(c.Cosignatures) != 3) {
			t.Errorf("as of %d: %v", test.at, err)
		}
		if !test.want && (!errors.As(err, &short) || len(short.Checked.Early) != 1 || short.Checked.Early[0].Cosigner != "d" || !strings.Contains(err.Error(), "has not come")) {
			t.Errorf("as of %d: %v", test.at, err)
		}
	}
}

// Cosigners and logs may have keys of the kind that no quantum computer breaks.
func TestQuantumSafeCosigner(t *testing.T) {
	l := newLog(t, origin, 9, "a")
	secret, public, err := cosignature.GenerateMLDSAKey("dsa.example")
	if err != nil {
		t.Fatal(err)
	}
	p := must(witness.ParsePolicy([]byte("log " + l.key.String() + "\nwitness dsa " + public + "\nquorum dsa\n")))
	signed := must(note.Sign(&note.Note{Text: l.text(9)}, l.signer, must(cosignature.NewMLDSASigner(secret))))
	if c, err := p.Check(signed, nil, time.Now()); err != nil || len(c.Cosignatures) != 1 || time.Since(c.AsOf) > time.Minute {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := p.Check(bytes.Replace(signed, []byte("\n9\n"), []byte("\n8\n"), 1), nil, time.Now()); err == nil {
		t.Error("a text that was changed is believed")
	}
}
