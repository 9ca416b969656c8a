package ingest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/crypto/policy"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Serve answers ingest, register, keys and enrol requests until ctx ends. Newcomers have workers of their own, so that a
// flood of them leaves those with a session alone.
func (in *Ingest) Serve(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, s := range []struct {
		subject string
		workers int
		handle  stream.Handler
	}{
		{"ingest.>", 32, in.ingest},
		{"keys.>", 8, in.keys},
		{"register.>", 4, in.register},
		{"enrol.*", 2, in.enrol},
		{"enrol.next.*", 4, in.enrolNext},
	} {
		listener, err := in.Ledger.Listen(s.subject, "phr", s.workers)
		if err != nil {
			return err
		}
		g.Go(func() error { return listener.Serve(ctx, s.handle) })
	}
	return g.Wait()
}

// ingest takes a request of a submission by someone with a session.
func (in *Ingest) ingest(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	return in.receive(ctx, r, func(e *ledger.Event) error { return in.checkAuthor(session, e) })
}

func (in *Ingest) session(r *stream.Request) (*challenge.Session, error) {
	session, ok := in.Sessions.Live(r.Caller)
	if !ok {
		return nil, &stream.Error{Code: protocol.CodeEnded, Text: "the session is over", Hint: "open a new one"}
	}
	return session, nil
}

// checkAuthor judges whether an event may come over a session: its author's own, and naming that session, or on a chain
// that the person logged in owns.
func (in *Ingest) checkAuthor(session *challenge.Session, e *ledger.Event) error {
	if e.Author != session.GID() {
		return errors.New("the event is somebody else's than the session")
	}
	if session.Operation() == ledger.OpWrite {
		if e.Session != session.ID() || e.Chain != ledger.RecordChain(session.Patient(), session.Compartment()) {
			return errors.New("the event is for another session or compartment")
		}
		return nil
	}
	if session.Operation() != ledger.OpLogin || !e.Session.IsZero() || !in.owns(session.GID(), e.Chain) {
		return fmt.Errorf("the session is not for writing to %s", e.Chain)
	}
	return nil
}

func (in *Ingest) owns(gid identity.GID, c ledger.Chain) (ok bool) {
	if c.Space != ledger.AuthoritySpace {
		return c.GID() == gid && c.Space != ledger.NodeSpace
	}
	in.Fold.View(func(s *ledger.State) {
		a, known := s.Authority(c.Authority())
		ok = known && a.Founder == gid
	})
	return ok
}

// register takes a submission that makes someone known, from anybody.
func (in *Ingest) register(ctx context.Context, r *stream.Request) ([]byte, error) {
	if err := in.floods.register.take(); err != nil {
		return nil, err
	}
	return in.receive(ctx, r, func(e *ledger.Event) error {
		if protocol.Register(e.Author) != r.Subject {
			return errors.New("it is for another person than its subject says")
		}
		switch e.Body.(type) {
		case *ledger.IdentityRegistered, *ledger.IdentityRotated, *ledger.IdentityRevoked, *ledger.PatientRegistered,
			*ledger.AuthorityRegistered:
			return nil
		}
		return fmt.Errorf("%s needs a session", e.Kind())
	})
}

// receive stages a request, and commits the submission that it completes, if check accepts each event.
func (in *Ingest) receive(ctx context.Context, r *stream.Request, check func(*ledger.Event) error) ([]byte, error) {
	var s protocol.Submission
	if err := canonical.Unmarshal(r.Data, &s); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	whole, err := in.staging.add(r.Caller+" "+r.Subject, &s, len(r.Data), in.Now())
	if err != nil {
		return nil, asRefusal(err)
	}
	if whole == nil {
		return canonical.Marshal(protocol.Receipt{})
	}
	for _, encoded := range whole.Events {
		e, err := ledger.ParseEvent(encoded)
		if err != nil {
			return nil, refusal(protocol.CodeBad, err)
		}
		if err := check(e); err != nil {
			return nil, refusal(protocol.CodeRefused, err)
		}
	}
	receipt, err := in.Submit(ctx, whole.Events, whole.Parts)
	if err != nil {
		return nil, err
	}
	return canonical.Marshal(receipt)
}

// keys answers with an epoch's parts. They are sealed: who may fetch them is a matter of not handing out ciphertext to
// those who have no business with it.
func (in *Ingest) keys(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	var q protocol.PartsQuery
	if err := canonical.Unmarshal(r.Data, &q); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	chain, parts, err := in.partsFor(session, r.Subject, &q)
	if err != nil {
		return nil, err
	}
	var answer protocol.Parts
	for _, p := range parts {
		data, err := in.Ledger.Part(ctx, ledger.PartSubject(chain, q.Epoch, p.Name, p.Hash))
		if errors.Is(err, stream.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		answer.Parts = append(answer.Parts, protocol.PartData{Chain: chain.String(), Epoch: q.Epoch, Name: p.Name, Data: data})
	}
	return canonical.Marshal(answer)
}

// partsFor finds the parts asked for among those the log names for the epoch.
func (in *Ingest) partsFor(session *challenge.Session, subject string, q *protocol.PartsQuery) (c ledger.Chain, found []ledger.Part, err error) {
	tokens := strings.Split(subject, ".")
	if len(tokens) != 4 {
		return c, nil, refusal(protocol.CodeBad, errors.New("not the subject of a compartment"))
	}
	c = ledger.RecordChain(identity.GID(tokens[2]), ledger.Compartment(tokens[3]))
	own := session.Operation() == ledger.OpLogin && session.GID() == c.GID()
	if !own && (session.Patient() != c.GID() || session.Compartment() != c.Compartment) {
		return c, nil, refusal(protocol.CodeRefused, errors.New("the session is for another compartment"))
	}
	if err := in.Fold.Closed(c); err != nil {
		return c, nil, refusal(protocol.CodeRefused, err)
	}
	in.Fold.View(func(s *ledger.State) {
		f, _ := s.Compartment(c)
		epoch, ok := f.At(q.Epoch)
		if !ok {
			return
		}
		for _, name := range q.Names {
			if p, ok := epoch.Part(name); ok {
				found = append(found, p)
			}
		}
	})
	return c, found, nil
}

// enrol keeps a sealed request to join an authority until the authority fetches it.
func (in *Ingest) enrol(ctx context.Context, r *stream.Request) ([]byte, error) {
	if err := in.floods.enrol.take(); err != nil {
		return nil, err
	}
	name := policy.Authority(strings.TrimPrefix(r.Subject, "enrol."))
	var q protocol.Enrolment
	if err := canonical.Unmarshal(r.Data, &q); err != nil || len(q.Sealed) == 0 || len(q.Sealed) > 16<<10 {
		return nil, refusal(protocol.CodeBad, errors.New("not a sealed enrolment"))
	}
	var known bool
	in.Fold.View(func(s *ledger.State) { a, ok := s.Authority(name); known = ok && a.Active })
	if !known {
		return nil, &stream.Error{
			Code: protocol.CodeNotFound, Text: fmt.Sprintf("no authority %q is endorsed", ledger.Clip(string(name))),
			Hint: "check the code's authority, or ask it whether the registry has endorsed it",
		}
	}
	waiting, err := in.waiting(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(waiting) >= waitingEnrol {
		return nil, &stream.Error{Code: protocol.CodeBusy, Text: "too many wait to be enrolled there", Hint: "try again later"}
	}
	return nil, in.Ledger.PutParts(ctx, stream.Part{Subject: enrolSubject(name, sha256.Sum256(q.Sealed)), Data: q.Sealed})
}

// enrolNext hands an authority what waits for it, and drops what it is done with.
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
	if err := canonical.Unmarshal(r.Data, &q); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	for _, done := range q.Done {
		if err := in.Ledger.DeletePart(ctx, enrolSubject(name, done)); err != nil {
			return nil, err
		}
	}
	waiting, err := in.waiting(ctx, name)
	if err != nil {
		return nil, err
	}
	const most = 20
	return canonical.Marshal(protocol.Enrolments{Waiting: waiting[:min(len(waiting), most)]})
}

func (in *Ingest) waiting(ctx context.Context, name policy.Authority) (all []protocol.Enrolment, err error) {
	err = in.Ledger.Parts(ctx, enrolPrefix+string(name)+".*", func(p stream.Part) error {
		all = append(all, protocol.Enrolment{Sealed: p.Data})
		return nil
	})
	return all, err
}

const enrolPrefix = "key.enrol."

func enrolSubject(name policy.Authority, sealed ledger.Hash) string {
	return enrolPrefix + string(name) + "." + sealed.String()
}

func isEnrolment(subject string) bool { return strings.HasPrefix(subject, enrolPrefix) }
