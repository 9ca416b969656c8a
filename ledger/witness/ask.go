//go:build !js

package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	cosignature "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxAnswer  = 64 << 10 // bytes of a witness's answer
	askTimeout = 15 * time.Second
	maxAsks    = 4 // each after the first begins at the size that the witness named
)

// AnswerError is an answer of a witness other than a cosignature. 409 says that it has cosigned another tree of this size, 422 that
// the proof does not convince it: if both sides do as they should, the log is not the one it was.
type AnswerError struct {
	Witness string
	Status  int
	Text    string // what it said; anybody could have written it
}

// Objects tells whether the witness has cosigned another tree.
func (e *AnswerError) Objects() bool {
	return e.Status == http.StatusConflict || e.Status == http.StatusUnprocessableEntity
}

func (e *AnswerError) Error() string {
	return fmt.Sprintf("the witness %s answers %d: %q", e.Witness, e.Status, e.Text)
}

// Ask gets the cosignature of a witness for a signed checkpoint, and returns its signature line. The address is what POST requests go
// to, without add-checkpoint; old is the size that the witness is thought to have cosigned last, and prove makes the proof from
// an old size, at least 1 and less than the checkpoint's. A nil client is http.DefaultClient.
func Ask(ctx context.Context, client *http.Client, address string, by note.Verifier, old uint64,
	prove func(old uint64) ([]tlog.Hash, error), signed []byte,
) ([]byte, error) {
	if client == nil {
		client = http.DefaultClient
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	line, err := ask(ctx, client, address, by, old, prove, signed)
	if err != nil {
		return nil, fmt.Errorf("asking for a cosignature: %w", err)
	}
	return line, nil
}

func ask(ctx context.Context, client *http.Client, address string, by note.Verifier, old uint64,
	prove func(old uint64) ([]tlog.Hash, error), signed []byte,
) ([]byte, error) {
	c, text, err := unverified(signed)
	if err != nil {
		return nil, err
	}
	for range maxAsks {
		r := &request{old: old, signed: signed}
		switch {
		case old > c.Size:
			return nil, &AnswerError{by.Name(), http.StatusConflict, fmt.Sprintf("it has cosigned a larger tree, of size %d", old)}
		case old > 0 && old < c.Size:
			if r.proof, err = prove(old); err != nil {
				return nil, fmt.Errorf("proving that the tree extends the one of size %d: %w", old, err)
			}
		}
		line, newest, err := post(ctx, client, address, by, text, r)
		if line != nil || err != nil {
			return line, err
		}
		old = newest
	}
	return nil, fmt.Errorf("the witness %s names another size each time", by.Name())
}

// post asks once. It returns the cosignature, or the size that the witness wants the proof to begin at.
func post(ctx context.Context, client *http.Client, address string, by note.Verifier, text string, r *request) (line []byte, newest uint64, err error) {
	url := strings.TrimSuffix(address, "/") + "/add-checkpoint"
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(r.marshal()))
	if err != nil {
		return nil, 0, err
	}
	answer, err := client.Do(q)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return nil, 0, err
	}
	kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	switch {
	case answer.StatusCode == http.StatusOK:
		line, err = cosigned(text, body, by, time.Now())
		return line, 0, err
	case answer.StatusCode == http.StatusConflict && kind == sizeType:
		newest, err = parseSize(strings.TrimSuffix(string(body), "\n"))
		return nil, newest, err
	}
	return nil, 0, &AnswerError{by.Name(), answer.StatusCode, string(body[:min(len(body), 200)])}
}

// cosigned finds the signature line of a witness in its answer. Lines by other keys are passed over, and those that come after.
func cosigned(text string, answer []byte, by note.Verifier, now time.Time) ([]byte, error) {
	n, err := note.Open(append([]byte(text+"\n"), answer...), note.VerifierList(by))
	if err != nil {
		return nil, fmt.Errorf("the answer of the witness %s: %w", by.Name(), err)
	}
	if n.Text != text {
		return nil, errors.New("the answer holds more than signatures")
	}
	s := n.Sigs[0]
	at, err := cosignature.CoSigV1Timestamp(s)
	if err != nil {
		return nil, err
	}
	if early(at, now) || early(now, at) {
		return nil, fmt.Errorf("the witness %s cosigns as of %s: its clock is wrong, or ours", by.Name(), at.UTC().Format(time.RFC3339))
	}
	return fmt.Appendf(nil, "— %s %s\n", s.Name, s.Base64), nil
}
