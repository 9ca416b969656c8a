package ingest

import (
	"context"
	"errors"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/ledger/protocol"
	"github.com/phrledger/phr/ledger/stream"
)

// maxEmergency bounds what comes about an emergency, in bytes.
const maxEmergency = 16 << 10

// noPart is all that anybody is told who has no part in an emergency, whether there is such a patient, term or request or not.
var noPart = &stream.Error{
	Code: protocol.CodeRefused, Text: "there is no emergency here that you may have a part in",
	Hint: "see 'phr breakglass list' and 'phr keys'",
}

// breakglass takes one event to a patient's access chain by somebody who has a part in an emergency.
func (in *Ingest) breakglass(ctx context.Context, r *stream.Request) ([]byte, error) {
	session, err := in.session(r)
	if err != nil {
		return nil, err
	}
	if session.Operation() != ledger.OpLogin {
		return nil, &stream.Error{Code: protocol.CodeRefused, Text: "the session is not a login", Hint: "log in"}
	}
	var s protocol.Submission
	if len(r.Data) > maxEmergency {
		return nil, refusal(protocol.CodeBad, errors.New("too large for an event of an emergency"))
	}
	if err := canonical.Unmarshal(r.Data, &s); err != nil {
		return nil, refusal(protocol.CodeBad, err)
	}
	if s.Count != 1 || s.Index != 0 || len(s.Events) != 1 || len(s.Parts) != 0 {
		return nil, refusal(protocol.CodeBad, errors.New("one event of an emergency is submitted at a time"))
	}
	receipt, err := in.accept(ctx, &s, func(e *ledger.Event) error {
		if e.Author != session.GID() || !e.Session.IsZero() {
			return errors.New("the event is somebody else's than the session")
		}
		if !in.hasPart(session.GID(), e) {
			return noPart
		}
		return in.floods.emergencies.take(e.Author)
	})
	var told *stream.Error
	if errors.As(err, &told) && (told.Code == protocol.CodeConflict || told.Code == protocol.CodeStale || told.Code == protocol.CodeBusy) {
		in.floods.emergencies.give(session.GID()) // others were faster on a busy chain: nobody's emergency waits for that
	}
	return receipt, err
}

// hasPart tells whether the log shows that somebody may say this kind of thing there at all. Everything else is the fold's to
// judge, and its words are for those only who have a part.
func (in *Ingest) hasPart(gid identity.GID, e *ledger.Event) (ok bool) {
	in.Fold.View(func(s *ledger.State) {
		if asked, is := e.Body.(*ledger.BreakglassRequested); is {
			chain := ledger.RecordChain(e.Chain.GID(), asked.Compartment)
			for _, t := range s.EmergencyTerms(gid, chain, in.Now()) {
				ok = ok || t.ID == asked.Term && e.Chain == ledger.RecordChain(chain.GID(), ledger.Access)
			}
			return
		}
		id, is := ledger.RequestOf(e.Body)
		if !is || e.Chain.Space != ledger.RecordSpace || e.Chain.Compartment != ledger.Access {
			return
		}
		b, known := s.Emergency(e.Chain.GID(), id)
		ok = known && s.Concerns(gid, b)
	})
	return ok
}
