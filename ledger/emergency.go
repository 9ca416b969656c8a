package ledger

import (
	"time"

	"github.com/phrledger/phr/crypto/identity"
)

// The times of emergency access, all of them of log time.
const (
	// MaxEmergency is the longest that somebody may ask for.
	MaxEmergency = 4 * time.Hour
	// ReviewWithin is how soon after the opening a review is due.
	ReviewWithin = 72 * time.Hour
)

// MinReason is the fewest characters of the reason that is given for breaking the glass.
const MinReason = 20

// maxSaid bounds a reason, or the finding of a review, in bytes.
const maxSaid = 1000

// Emergency tells whether the term opens in an emergency only: to one person who satisfies Expression once another, who
// satisfies Approval, has approved.
func (t *Term) Emergency() bool { return t.Approval != "" }

// partNames returns the names of the parts that an epoch has for a term.
func (t *LiveTerm) partNames() []string {
	if t.Emergency() {
		return []string{WrapName(t.ID), ApprovalName(t.ID), ReleaseName(t.ID)}
	}
	return []string{WrapName(t.ID)}
}

// sealedTo returns the term whose Policy a part is encapsulated to; nil for a release, which no policy opens.
func (t *LiveTerm) sealedTo(part *Part) *LiveTerm {
	switch {
	case !t.Emergency() || part.Name == WrapName(t.ID):
		return t
	case part.Name == ApprovalName(t.ID):
		return t.approval
	}
	return nil
}

// expressionOf returns what a part of the term names as its expression.
func (t *LiveTerm) expressionOf(part *Part) string {
	if to := t.sealedTo(part); to != nil {
		return to.Expression
	}
	return ""
}

// requestKey names a request within a patient's access chain.
type requestKey struct {
	patient identity.GID
	id      EventID
}

// askerKey names who asks under a term.
type askerKey struct {
	chain Chain // of the compartment
	term  TermID
	gid   identity.GID
}

// Breakglass is what the log says of one request to open a compartment in an emergency. It is immutable; a change replaces it.
// What has not happened is nil.
type Breakglass struct {
	Requested *Entry
	Approved  *Entry
	Opened    *Entry
	Ended     *Entry
	Reviews   []*Entry

	term *LiveTerm // as it was when it was asked for; nil in a state that sees a part
}

func (b *Breakglass) request() *BreakglassRequested { return b.Requested.Body.(*BreakglassRequested) }

// ID returns the id of the request, by which all that follows names it.
func (b *Breakglass) ID() EventID { return b.Requested.ID }

// Patient returns whose record it is about.
func (b *Breakglass) Patient() identity.GID { return b.Requested.Chain.GID() }

// Chain returns the chain of the compartment that is to be opened.
func (b *Breakglass) Chain() Chain { return RecordChain(b.Patient(), b.request().Compartment) }

// Term returns the emergency term.
func (b *Breakglass) Term() TermID { return b.request().Term }

// Requester returns who asked.
func (b *Breakglass) Requester() identity.GID { return b.Requested.Author }

// Reason returns why, in the requester's words.
func (b *Breakglass) Reason() string { return b.request().Reason }

// Approver returns who approved; empty while nobody has.
func (b *Breakglass) Approver() identity.GID {
	if b.Approved == nil {
		return ""
	}
	return b.Approved.Author
}

// Epoch returns the epoch that is opened; 0 while nobody has approved.
func (b *Breakglass) Epoch() uint32 {
	if b.Approved == nil {
		return 0
	}
	return b.Approved.Body.(*BreakglassApproved).Epoch
}

// Expires returns when it ends, or the request lapses.
func (b *Breakglass) Expires() time.Time { return time.UnixMilli(b.request().Expires).UTC() }

// Over tells whether it has ended at a log time.
func (b *Breakglass) Over(at time.Time) bool { return b.Ended != nil || !at.Before(b.Expires()) }

// overSince returns when it ended, of one that has.
func (b *Breakglass) overSince() time.Time {
	if b.Ended != nil && b.Ended.LogTime.Before(b.Expires()) {
		return b.Ended.LogTime
	}
	return b.Expires()
}

// ReviewDue returns until when a review is due; zero if nothing was opened.
func (b *Breakglass) ReviewDue() time.Time {
	if b.Opened == nil {
		return time.Time{}
	}
	return b.Opened.LogTime.Add(ReviewWithin)
}

// Overdue tells whether at a log time a review should have been there and is not.
func (b *Breakglass) Overdue(at time.Time) bool {
	return b.Opened != nil && len(b.Reviews) == 0 && at.After(b.ReviewDue())
}

// RequestOf returns the request that a breakglass event is about; ok is false for the request itself and for other kinds.
func RequestOf(b Body) (id EventID, ok bool) {
	switch b := b.(type) {
	case *BreakglassApproved:
		return b.Request, true
	case *BreakglassOpened:
		return b.Request, true
	case *BreakglassEnded:
		return b.Request, true
	case *BreakglassReviewed:
		return b.Request, true
	}
	return EventID{}, false
}

// with returns what is known once e, which is about b, is known too.
func (b *Breakglass) with(e *Entry) *Breakglass {
	next := *b
	switch e.Body.(type) {
	case *BreakglassApproved:
		next.Approved = e
	case *BreakglassOpened:
		next.Opened = e
	case *BreakglassEnded:
		next.Ended = e
	case *BreakglassReviewed:
		next.Reviews = append(b.Reviews[:len(b.Reviews):len(b.Reviews)], e)
	}
	return &next
}

// Emergencies puts together what entries of access chains, in the order of each chain, say of requests, in the order in which
// they were made. It judges nothing: the entries are known to count.
func Emergencies(entries []*Entry) []*Breakglass {
	var all []*Breakglass
	place := make(map[requestKey]int)
	for _, e := range entries {
		if _, ok := e.Body.(*BreakglassRequested); ok {
			place[requestKey{e.Chain.GID(), e.ID}] = len(all)
			all = append(all, &Breakglass{Requested: e})
			continue
		}
		if id, ok := RequestOf(e.Body); ok {
			if i, ok := place[requestKey{e.Chain.GID(), id}]; ok {
				all[i] = all[i].with(e)
			}
		}
	}
	return all
}

// Entries returns the events that it consists of, in the order of their chain.
func (b *Breakglass) Entries() []*Entry {
	var all []*Entry
	for _, e := range append([]*Entry{b.Requested, b.Approved, b.Opened, b.Ended}, b.Reviews...) {
		if e != nil {
			all = append(all, e)
		}
	}
	return all
}
