package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Bounds on requests to join an authority.
const (
	maxEnrolment = 16 << 10 // bytes of one
	maxWaitEnrol = 1000     // that wait for one authority
	maxFetched   = 20       // that it is given at once
	maxDone      = 100      // that it says at once it is done with
)

// enrolPrefix begins the subjects in KEYS under which requests to join an authority wait for it.
const enrolPrefix = "key.enrol."

func enrolSubject(name policy.Authority, sealed ledger.Hash) string {
	return enrolPrefix + string(name) + "." + sealed.String()
}

func isEnrolment(subject string) bool { return strings.HasPrefix(subject, enrolPrefix) }

// enrol keeps a sealed request to join an authority until the authority fetches it.
func (in *Ingest) enrol(ctx context.Context, r *stream.Request) ([]byte, error) {
	if err := in.floods.enrol.take(); err != nil {
		return nil, err
	}
	var q protocol.Enrolment
	if err := canonical.Unmarshal(r.Data, &q); err != nil || len(q.Sealed) == 0 || len(q.Sealed) > maxEnrolment {
		return nil, refusal(protocol.CodeBad, errors.New("not a sealed enrolment"))
	}
	name := policy.Authority(strings.TrimPrefix(r.Subject, "enrol."))
	var known bool
	in.Fold.View(func(s *ledger.State) { a, ok := s.Authority(name); known = ok && a.Active })
	if !known {
		return nil, &stream.Error{
			Code: protocol.CodeNotFound, Text: fmt.Sprintf("no authority %q is endorsed", ledger.Clip(string(name))),
			Hint: "check the code's authority, or ask it whether the registry has endorsed it",
		}
	}
	in.queues.mu.Lock()
	defer in.queues.mu.Unlock()
	waiting, err := in.queues.of(ctx, in.Ledger, name)
	if err != nil {
		return nil, err
	}
	hash := ledger.Hash(sha256.Sum256(q.Sealed))
	if !waiting[hash] && len(waiting) >= maxWaitEnrol {
		return nil, &stream.Error{Code: protocol.CodeBusy, Text: "too many wait to be enrolled there", Hint: "try again later"}
	}
	if err := in.Ledger.PutParts(ctx, stream.Part{Subject: enrolSubject(name, hash), Data: q.Sealed}); err != nil {
		return nil, err
	}
	waiting[hash] = true
	return nil, nil
}

// enrolNext hands an authority what waits for it, the oldest first, and drops what it is done with.
func (in *Ingest) enrolNext(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	name := policy.Authority(strings.TrimPrefix(r.Subject, "enrol.next."))
	if session.Operation() != ledger.OpLogin || !in.owns(session.GID(), ledger.AuthorityChain(name)) {
		return nil, refusal(protocol.CodeRefused, errors.New("only the authority fetches its enrolments"))
	}
	var q protocol.EnrolmentsQuery
	if err := canonical.Unmarshal(r.Data, &q); err != nil || len(q.Done) > maxDone {
		return nil, refusal(protocol.CodeBad, fmt.Errorf("not a query for enrolments that is done with at most %d", maxDone))
	}
	in.queues.mu.Lock()
	defer in.queues.mu.Unlock()
	waiting, err := in.queues.of(ctx, in.Ledger, name)
	if err != nil {
		return nil, err
	}
	for _, done := range q.Done {
		if err := in.Ledger.DeletePart(ctx, enrolSubject(name, done)); err != nil {
			return nil, err
		}
		delete(waiting, done)
	}
	next, err := waitingAt(ctx, in.Ledger, name, maxFetched)
	if err != nil {
		return nil, err
	}
	return canonical.Marshal(protocol.Enrolments{Waiting: next})
}

// queues knows which requests wait for which authority, so that a flood of them does not have to be counted again and again.
type queues struct {
	mu      sync.Mutex
	waiting map[policy.Authority]map[ledger.Hash]bool // by hash of the sealed request; filled when first asked for
}

// of returns what waits for an authority.
func (q *queues) of(ctx context.Context, l *stream.Ledger, name policy.Authority) (map[ledger.Hash]bool, error) {
	if known, ok := q.waiting[name]; ok {
		return known, nil
	}
	all, err := waitingAt(ctx, l, name, maxWaitEnrol)
	if err != nil {
		return nil, err
	}
	known := make(map[ledger.Hash]bool, len(all))
	for _, e := range all {
		known[sha256.Sum256(e.Sealed)] = true
	}
	if q.waiting == nil {
		q.waiting = make(map[policy.Authority]map[ledger.Hash]bool)
	}
	q.waiting[name] = known
	return known, nil
}

// errEnough ends a listing from within.
var errEnough = errors.New("enough")

// waitingAt returns the oldest most enrolments that wait for an authority.
func waitingAt(ctx context.Context, l *stream.Ledger, name policy.Authority, most int) (all []protocol.Enrolment, err error) {
	err = l.Parts(ctx, enrolPrefix+string(name)+".*", func(p stream.Part) error {
		if all = append(all, protocol.Enrolment{Sealed: p.Data}); len(all) == most {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return all, err
}
