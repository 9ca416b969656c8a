package ledger

import (
	"fmt"
	"strings"
)

// Kind says what an event states.
type Kind string

// The kinds of events. The comment names the chain they stand on.
const (
	IdentityRegisteredKind Kind = "identity.registered" // person
	IdentityRotatedKind    Kind = "identity.rotated"
	IdentityRevokedKind    Kind = "identity.revoked"
	IdentityEscrowedKind   Kind = "identity.escrowed"
	RecoveryRequestedKind  Kind = "recovery.requested"
	RecoveryVetoedKind     Kind = "recovery.vetoed"

	PatientRegisteredKind  Kind = "patient.registered" // profile
	PatientErasedKind      Kind = "patient.erased"
	CompartmentCreatedKind Kind = "compartment.created" // compartment
	CompartmentErasedKind  Kind = "compartment.erased"
	PolicySetKind          Kind = "policy.set"
	EpochStartedKind       Kind = "epoch.started"
	EpochRewrappedKind     Kind = "epoch.rewrapped"
	EpochConfirmedKind     Kind = "epoch.confirmed"
	EpochDisputedKind      Kind = "epoch.disputed"
	RecordWrittenKind      Kind = "record.written"
	RecordAmendedKind      Kind = "record.amended"
	RecordRetractedKind    Kind = "record.retracted"
	RecordErasedKind       Kind = "record.erased"

	SessionOpenedKind  Kind = "session.opened" // access
	SessionRenewedKind Kind = "session.renewed"
	SessionClosedKind  Kind = "session.closed"
	SessionRefusedKind Kind = "session.refused"

	BreakglassRequestedKind Kind = "breakglass.requested" // access
	BreakglassApprovedKind  Kind = "breakglass.approved"
	BreakglassOpenedKind    Kind = "breakglass.opened"
	BreakglassEndedKind     Kind = "breakglass.ended"
	BreakglassReviewedKind  Kind = "breakglass.reviewed"

	AuthorityRegisteredKind    Kind = "authority.registered" // person (the founder)
	AuthorityHeadKind          Kind = "authority.head"       // authority
	AuthorityEndorsedKind      Kind = "authority.endorsed"   // authority phr
	AuthoritySuspendedKind     Kind = "authority.suspended"
	AttributeDefinedKind       Kind = "attribute.defined" // authority
	AttributeVersionedKind     Kind = "attribute.versioned"
	RepresentativeEnrolledKind Kind = "representative.enrolled"
	RepresentativeRemovedKind  Kind = "representative.removed"
	KeyIssuedKind              Kind = "key.issued" // authority, or profile

	NodeDescribedKind Kind = "node.described" // node
	RejectedKind      Kind = "rejected"
	IncidentKind      Kind = "incident"
	CheckpointKind    Kind = "checkpoint"
)

// token is the kind as one token of a subject.
func (k Kind) token() string { return strings.ReplaceAll(string(k), ".", "-") }

// IsRecord tells whether k is a kind that carries or withdraws content: record.written, amended or retracted. Only these
// may stand in a run.
func (k Kind) IsRecord() bool {
	return k == RecordWrittenKind || k == RecordAmendedKind || k == RecordRetractedKind
}

// ParseKind reads a kind. Unknown kinds are well-formed if they are one or two lower-case words joined by a dot: a reader
// keeps and shows them, a node that does not know them refuses to accept them. A word has no hyphen, so that no two kinds
// share a token.
func ParseKind(s string) (Kind, error) {
	first, second, two := strings.Cut(s, ".")
	if !isName(first) || two && !isName(second) || strings.Contains(s, "-") {
		return "", fmt.Errorf("%w: kind %q", ErrMalformed, Clip(s))
	}
	return Kind(s), nil
}

// Known tells whether this version of phr gives k a meaning.
func (k Kind) Known() bool { return newBody(k) != nil }

// Kind implements Body.
func (*IdentityRegistered) Kind() Kind { return IdentityRegisteredKind }

// Kind implements Body.
func (*IdentityRotated) Kind() Kind { return IdentityRotatedKind }

// Kind implements Body.
func (*IdentityRevoked) Kind() Kind { return IdentityRevokedKind }

// Kind implements Body.
func (*PatientRegistered) Kind() Kind { return PatientRegisteredKind }

// Kind implements Body.
func (*PatientErased) Kind() Kind { return PatientErasedKind }

// Kind implements Body.
func (*CompartmentCreated) Kind() Kind { return CompartmentCreatedKind }

// Kind implements Body.
func (*CompartmentErased) Kind() Kind { return CompartmentErasedKind }

// Kind implements Body.
func (*PolicySet) Kind() Kind { return PolicySetKind }

// Kind implements Body.
func (*EpochStarted) Kind() Kind { return EpochStartedKind }

// Kind implements Body.
func (*EpochRewrapped) Kind() Kind { return EpochRewrappedKind }

// Kind implements Body.
func (*EpochConfirmed) Kind() Kind { return EpochConfirmedKind }

// Kind implements Body.
func (*EpochDisputed) Kind() Kind { return EpochDisputedKind }

// Kind implements Body.
func (*RecordWritten) Kind() Kind { return RecordWrittenKind }

// Kind implements Body.
func (*RecordAmended) Kind() Kind { return RecordAmendedKind }

// Kind implements Body.
func (*RecordRetracted) Kind() Kind { return RecordRetractedKind }

// Kind implements Body.
func (*RecordErased) Kind() Kind { return RecordErasedKind }

// Kind implements Body.
func (*SessionOpened) Kind() Kind { return SessionOpenedKind }

// Kind implements Body.
func (*SessionRenewed) Kind() Kind { return SessionRenewedKind }

// Kind implements Body.
func (*SessionClosed) Kind() Kind { return SessionClosedKind }

// Kind implements Body.
func (*SessionRefused) Kind() Kind { return SessionRefusedKind }

// Kind implements Body.
func (*AuthorityRegistered) Kind() Kind { return AuthorityRegisteredKind }

// Kind implements Body.
func (*AuthorityHead) Kind() Kind { return AuthorityHeadKind }

// Kind implements Body.
func (*AuthorityEndorsed) Kind() Kind { return AuthorityEndorsedKind }

// Kind implements Body.
func (*AuthoritySuspended) Kind() Kind { return AuthoritySuspendedKind }

// Kind implements Body.
func (*AttributeDefined) Kind() Kind { return AttributeDefinedKind }

// Kind implements Body.
func (*AttributeVersioned) Kind() Kind { return AttributeVersionedKind }

// Kind implements Body.
func (*RepresentativeEnrolled) Kind() Kind { return RepresentativeEnrolledKind }

// Kind implements Body.
func (*RepresentativeRemoved) Kind() Kind { return RepresentativeRemovedKind }

// Kind implements Body.
func (*KeyIssued) Kind() Kind { return KeyIssuedKind }

// Kind implements Body.
func (*NodeDescribed) Kind() Kind { return NodeDescribedKind }

// Kind implements Body.
func (*Rejected) Kind() Kind { return RejectedKind }

// Kind implements Body.
func (*Incident) Kind() Kind { return IncidentKind }

// Kind implements Body.
func (*Checkpoint) Kind() Kind { return CheckpointKind }

// Kind implements Body.
func (*BreakglassRequested) Kind() Kind { return BreakglassRequestedKind }

// Kind implements Body.
func (*BreakglassApproved) Kind() Kind { return BreakglassApprovedKind }

// Kind implements Body.
func (*BreakglassOpened) Kind() Kind { return BreakglassOpenedKind }

// Kind implements Body.
func (*BreakglassEnded) Kind() Kind { return BreakglassEndedKind }

// Kind implements Body.
func (*BreakglassReviewed) Kind() Kind { return BreakglassReviewedKind }

// newBody returns an empty body of kind k, or nil if this version does not know k.
func newBody(k Kind) Body {
	switch k {
	case IdentityRegisteredKind:
		return new(IdentityRegistered)
	case IdentityRotatedKind:
		return new(IdentityRotated)
	case IdentityRevokedKind:
		return new(IdentityRevoked)
	case IdentityEscrowedKind:
		return new(IdentityEscrowed)
	case RecoveryRequestedKind:
		return new(RecoveryRequested)
	case RecoveryVetoedKind:
		return new(RecoveryVetoed)
	case PatientRegisteredKind:
		return new(PatientRegistered)
	case PatientErasedKind:
		return new(PatientErased)
	case CompartmentCreatedKind:
		return new(CompartmentCreated)
	case CompartmentErasedKind:
		return new(CompartmentErased)
	case PolicySetKind:
		return new(PolicySet)
	case EpochStartedKind:
		return new(EpochStarted)
	case EpochRewrappedKind:
		return new(EpochRewrapped)
	case EpochConfirmedKind:
		return new(EpochConfirmed)
	case EpochDisputedKind:
		return new(EpochDisputed)
	case RecordWrittenKind:
		return new(RecordWritten)
	case RecordAmendedKind:
		return new(RecordAmended)
	case RecordRetractedKind:
		return new(RecordRetracted)
	case RecordErasedKind:
		return new(RecordErased)
	case SessionOpenedKind:
		return new(SessionOpened)
	case SessionRenewedKind:
		return new(SessionRenewed)
	case SessionClosedKind:
		return new(SessionClosed)
	case SessionRefusedKind:
		return new(SessionRefused)
	case AuthorityRegisteredKind:
		return new(AuthorityRegistered)
	case AuthorityHeadKind:
		return new(AuthorityHead)
	case AuthorityEndorsedKind:
		return new(AuthorityEndorsed)
	case AuthoritySuspendedKind:
		return new(AuthoritySuspended)
	case AttributeDefinedKind:
		return new(AttributeDefined)
	case AttributeVersionedKind:
		return new(AttributeVersioned)
	case RepresentativeEnrolledKind:
		return new(RepresentativeEnrolled)
	case RepresentativeRemovedKind:
		return new(RepresentativeRemoved)
	case KeyIssuedKind:
		return new(KeyIssued)
	case NodeDescribedKind:
		return new(NodeDescribed)
	case RejectedKind:
		return new(Rejected)
	case IncidentKind:
		return new(Incident)
	case CheckpointKind:
		return new(Checkpoint)
	case BreakglassRequestedKind:
		return new(BreakglassRequested)
	case BreakglassApprovedKind:
		return new(BreakglassApproved)
	case BreakglassOpenedKind:
		return new(BreakglassOpened)
	case BreakglassEndedKind:
		return new(BreakglassEnded)
	case BreakglassReviewedKind:
		return new(BreakglassReviewed)
	}
	return nil
}
