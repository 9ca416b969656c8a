package witness

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	maxProof   = 63        // hashes, enough for any tree
	maxRequest = 256 << 10 // bytes: a proof, and a note with many signatures of the largest kind
)

// request asks a witness for a cosignature: the body of add-checkpoint by the page of C2SP on tlog-witness.
type request struct {
	old    uint64 // size of the checkpoint that the proof begins at
	proof  []tlog.Hash
	signed []byte // the checkpoint with the log's signature
}

func (r *request) marshal() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "old %d\n", r.old)
	for _, h := range r.proof {
		fmt.Fprintf(&b, "%s\n", h)
	}
	b.WriteByte('\n')
	b.Write(r.signed)
	return b.Bytes()
}

// parseRequest reads what marshal writes. It leaves the checkpoint as it is.
func parseRequest(body []byte) (*request, error) {
	head, signed, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return nil, errors.New("there is no empty line before a checkpoint")
	}
	lines := strings.Split(string(head), "\n")
	old, ok := strings.CutPrefix(lines[0], "old ")
	if !ok {
		return nil, errors.New("the first line does not name the old size")
	}
	r := &request{signed: signed}
	var err error
	if r.old, err = parseSize(old); err != nil {
		return nil, err
	}
	if len(lines)-1 > maxProof {
		return nil, fmt.Errorf("the proof has more than %d lines", maxProof)
	}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return nil, fmt.Errorf("a line of the proof: %w", err)
		}
		r.proof = append(r.proof, h)
	}
	return r, nil
}
