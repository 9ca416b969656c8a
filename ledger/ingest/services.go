package ingest

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/phrledger/phr/authority/challenge"
	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// Serve answers ingest, breakglass, register, keys and enrol requests until ctx ends. It is called once. Newcomers have workers of their own, so that a
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
		{protocol.Breakglass, 2, in.breakglass},
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
	close(in.listening)
	return g.Wait()
}

// Listening is closed when Serve hears requests.
func (in *Ingest) Listening() <-chan struct{} { return in.listening }

// ingest takes a request of a submission by someone with a session.
func (in *Ingest) ingest(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	var s protocol.Submission
	if err := canonical.Unmarshal(r.Data, &s); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	whole, err := in.staging.add(session.GID(), &s, len(r.Data), in.Now())
	if err != nil {
		return nil, asRefusal(err)
	}
	if whole == nil {
		return canonical.Marshal(protocol.Receipt{})
	}
	return in.accept(ctx, whole, func(e *ledger.Event) error { return in.checkAuthor(session, e) })
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
		if e.Session != session.ID() || e.Chain != session.Chain() {
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

// register takes a submission that makes someone known, from anybody. It comes in one request: nothing is kept for
// strangers.
func (in *Ingest) register(ctx context.Context, r *stream.Request) ([]byte, error) {
	if err := in.floods.register.take(); err != nil {
		return nil, err
	}
	var s protocol.Submission
	if err := canonical.Unmarshal(r.Data, &s); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	if s.Count != 1 || s.Index != 0 {
		return nil, refusal(protocol.CodeBad, errors.New("a registration comes in one request"))
	}
	return in.accept(ctx, &s, func(e *ledger.Event) error {
		if protocol.Register(e.Author) != r.Subject {
			return errors.New("it is for another person than its subject says")
		}
		switch e.Body.(type) {
		case *ledger.IdentityRegistered, *ledger.IdentityRotated, *ledger.IdentityRevoked, *ledger.RecoveryRequested,
			*ledger.PatientRegistered, *ledger.AuthorityRegistered:
			return nil
		}
		return fmt.Errorf("%s needs a session", e.Kind())
	})
}

// accept commits a submission, if check accepts each event, and returns the receipt.
func (in *Ingest) accept(ctx context.Context, s *protocol.Submission, check func(*ledger.Event) error) ([]byte, error) {
	events, err := read(s.Events)
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		if err := check(e.Event); err != nil {
			return nil, refusal(protocol.CodeRefused, err)
		}
	}
	r := in.submit(ctx, &job{events: events, parts: s.Parts})
	if r.err != nil {
		return nil, r.err
	}
	return canonical.Marshal(r.receipt)
}
