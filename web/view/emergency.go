package view

import (
	"context"
	"slices"
	"time"

	"github.com/phrledger/phr/client"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
	"github.com/phrledger/phr/projections/chart"
	"github.com/phrledger/phr/projections/chart/fhir"
)

// Emergency is a request to open a compartment in an emergency, and what came of it.
type Emergency struct {
	ID          string    `json:"id"`
	Patient     Person    `json:"patient"`
	Compartment string    `json:"compartment"`
	State       string    `json:"state"` // asked, approved, open, over, ended
	Reason      string    `json:"reason"`
	Requester   Person    `json:"requester"`
	Approver    Person    `json:"approver"`
	Asked       time.Time `json:"asked"`
	Opened      Time      `json:"opened,omitempty"`
	Expires     time.Time `json:"expires"`
	ReviewDue   Time      `json:"review_due,omitempty"`
	Overdue     bool      `json:"overdue,omitempty"`
	Reviews     []Review  `json:"reviews,omitempty"`
	MayApprove  bool      `json:"may_approve,omitempty"`
	MayEnd      bool      `json:"may_end,omitempty"`
	MayReview   bool      `json:"may_review,omitempty"`
}

// Review is what somebody found of an emergency afterwards.
type Review struct {
	By      Person    `json:"by"`
	Time    time.Time `json:"time"`
	Finding string    `json:"finding"`
}

// Emergencies are those that the caller has a part in, or may have one.
type Emergencies struct {
	Emergencies []Emergency `json:"emergencies"`
	Offers      []Grant     `json:"offers"` // terms by which the caller may ask, where a patient is named; without, those that the caller has set
}

// EmergencyRequest asks to open a compartment.
type EmergencyRequest struct {
	Patient     string `json:"patient"`
	Compartment string `json:"compartment"`
	Reason      string `json:"reason"` // at least 20 characters; everybody who keeps or audits the log can read it
	Hours       int    `json:"hours,omitempty"`
}

// EmergencyAct approves, ends or reviews an emergency.
type EmergencyAct struct {
	Patient string `json:"patient,omitempty"`
	ID      string `json:"id"`
	Text    string `json:"text,omitempty"` // reason, or finding
}

// EmergencyTerms are who may ask and who must approve, as policies over attributes of hospitals.
type EmergencyTerms struct {
	Compartment string `json:"compartment"`
	Open        string `json:"open"`
	Approve     string `json:"approve"`
}

// EmergencyCard is what a patient prints and carries.
type EmergencyCard struct {
	Patient   Person  `json:"patient"`
	Allergies []Row   `json:"allergies"`
	Medicines []Row   `json:"medicines"`
	Problems  []Row   `json:"problems"`
	Address   string  `json:"address"` // phr://…#gid, for a QR code: it opens nothing
	Terms     []Grant `json:"terms"`   // emergency terms in force
}

// Emergencies tells of the emergencies on a record, or on all that concern the caller, and by which terms one may be asked for.
func (v *View) Emergencies(ctx context.Context, args Of) (Emergencies, error) {
	told := Emergencies{Emergencies: []Emergency{}, Offers: []Grant{}}
	var patient identity.GID
	if args.Patient != "" {
		var err error
		if patient, err = v.gid(args.Patient); err != nil {
			return told, err
		}
	}
	all, err := v.config.Client.Emergencies(ctx, patient)
	if err != nil {
		return told, err
	}
	for i := range all {
		told.Emergencies = append(told.Emergencies, v.emergency(ctx, &all[i]))
	}
	told.Offers, err = v.offers(ctx, patient)
	return told, err
}

// emergency tells of one.
func (v *View) emergency(ctx context.Context, e *client.Emergency) Emergency {
	people := []identity.GID{e.Patient(), e.Requester(), e.Approver()}
	for _, r := range e.Reviews {
		people = append(people, r.Author)
	}
	v.learn(ctx, people...)
	now, me := v.config.Now(), v.config.Client.GID()
	told := Emergency{
		ID: e.ID().String(), Patient: v.person(e.Patient()), Compartment: string(e.Chain().Compartment), State: stateOf(e, now),
		Reason: fhir.Printable(e.Reason()), Requester: v.person(e.Requester()), Asked: e.Requested.LogTime.UTC(), Expires: e.Expires().UTC(),
		Overdue: e.Overdue(now), MayApprove: e.Waits() && !e.Over(now) && e.Requester() != me,
		MayEnd: !e.Over(now) && slices.Contains([]identity.GID{e.Patient(), e.Requester(), e.Approver()}, me),
	}
	if e.Approved != nil {
		told.Approver = v.person(e.Approver())
	}
	reviewed := false
	for _, r := range e.Reviews {
		reviewed = reviewed || r.Author == me
		if body, ok := r.Body.(*ledger.BreakglassReviewed); ok {
			told.Reviews = append(told.Reviews, Review{By: v.person(r.Author), Time: r.LogTime.UTC(), Finding: fhir.Printable(body.Finding)})
		}
	}
	if e.Opened != nil {
		told.Opened = moment(e.Opened.LogTime)
		told.MayReview = e.Over(now) && !reviewed && e.Requester() != me && e.Approver() != me
		if len(e.Reviews) == 0 {
			told.ReviewDue = moment(e.ReviewDue())
		}
	}
	return told
}

// stateOf says how an emergency stands: one that was opened is over by itself or by somebody's word; one that was not has ended.
func stateOf(e *client.Emergency, now time.Time) string {
	switch {
	case e.Opened != nil && e.Over(now):
		return "over"
	case e.Over(now):
		return "ended"
	case e.Opened != nil:
		return "open"
	case e.Approved != nil:
		return "approved"
	}
	return "asked"
}

// openable are the compartments that are looked at for emergency terms: a patient's others are known to nobody whom they are not shared with.
var openable = []ledger.Compartment{"emergency", ledger.Health, ledger.Training}

// offers returns the emergency terms on the caller's own record, or those by which the caller may ask for a part of another's.
func (v *View) offers(ctx context.Context, patient identity.GID) ([]Grant, error) {
	offers := []Grant{}
	if patient == "" || patient == v.config.Client.GID() {
		own, err := v.ownEmergencyTerms(ctx)
		return append(offers, own...), err
	}
	for _, name := range openable {
		terms, err := v.config.Client.EmergencyTerms(ctx, patient, name)
		if err != nil {
			return offers, err
		}
		for _, t := range terms {
			offers = append(offers, v.grantOf(ctx, &t))
		}
	}
	return offers, nil
}

// ownEmergencyTerms returns the terms by which the caller's own record opens in an emergency.
func (v *View) ownEmergencyTerms(ctx context.Context) ([]Grant, error) {
	patient, err := v.config.Client.IsPatient(ctx)
	if err != nil || !patient {
		return nil, err
	}
	all, err := v.ownGrants(ctx)
	var terms []Grant
	for _, p := range all {
		if p.grant.Emergency() && p.grant.Revoked.IsZero() {
			terms = append(terms, v.grant(ctx, p.chain(), &p.grant))
		}
	}
	return terms, err
}

// RequestEmergency asks to open a part of a record. The patient is told at once, and so are those who may approve.
func (v *View) RequestEmergency(ctx context.Context, args EmergencyRequest) (Emergency, error) {
	patient, err := v.gid(args.Patient)
	if err != nil {
		return Emergency{}, err
	}
	e, err := v.config.Client.RequestEmergency(ctx, client.EmergencyRequest{
		Patient: patient, Compartment: ledger.Compartment(args.Compartment), Reason: args.Reason, For: time.Duration(args.Hours) * time.Hour,
	})
	return v.acted(ctx, e, err)
}

// ApproveEmergency gives the caller's consent to a request.
func (v *View) ApproveEmergency(ctx context.Context, args EmergencyAct) (Emergency, error) {
	return v.act(ctx, args, v.config.Client.ApproveEmergency)
}

// EndEmergency ends one, or takes a request back.
func (v *View) EndEmergency(ctx context.Context, args EmergencyAct) (Emergency, error) {
	return v.act(ctx, args, func(ctx context.Context, patient identity.GID, id ledger.EventID) (*client.Emergency, error) {
		return v.config.Client.EndEmergency(ctx, patient, id, args.Text)
	})
}

// ReviewEmergency says what the caller found of one that is over.
func (v *View) ReviewEmergency(ctx context.Context, args EmergencyAct) (Emergency, error) {
	return v.act(ctx, args, func(ctx context.Context, patient identity.GID, id ledger.EventID) (*client.Emergency, error) {
		return v.config.Client.ReviewEmergency(ctx, patient, id, args.Text)
	})
}

func (v *View) act(
	ctx context.Context, args EmergencyAct, act func(context.Context, identity.GID, ledger.EventID) (*client.Emergency, error),
) (Emergency, error) {
	patient, err := v.gid(args.Patient)
	if err != nil {
		return Emergency{}, err
	}
	id, err := ledger.ParseEventID(args.ID)
	if err != nil {
		return Emergency{}, misused("there is no such emergency")
	}
	e, err := act(ctx, patient, id)
	return v.acted(ctx, e, err)
}

// acted tells how an emergency stands after something was said of it.
func (v *View) acted(ctx context.Context, e *client.Emergency, err error) (Emergency, error) {
	if err != nil {
		return Emergency{}, err
	}
	v.post("changed", Changed{What: "emergency", Patient: string(e.Patient()), Compartment: string(e.Chain().Compartment)})
	return v.emergency(ctx, e), nil
}

// AllowEmergency lets hospitals open a part of the caller's record in an emergency, once two of them agree.
func (v *View) AllowEmergency(ctx context.Context, args EmergencyTerms) (Emergencies, error) {
	b, err := v.ownBook(ctx, args.Compartment)
	if err == nil {
		_, err = b.AllowEmergency(ctx, args.Open, args.Approve)
	}
	return v.termsMoved(ctx, err)
}

// DenyEmergency takes that back.
func (v *View) DenyEmergency(ctx context.Context, args CompartmentName) (Emergencies, error) {
	b, err := v.ownBook(ctx, args.Compartment)
	if err == nil {
		_, err = b.DenyEmergencies(ctx)
	}
	return v.termsMoved(ctx, err)
}

func (v *View) termsMoved(ctx context.Context, err error) (Emergencies, error) {
	me := string(v.config.Client.GID())
	if err != nil {
		return Emergencies{Emergencies: []Emergency{}, Offers: []Grant{}}, err
	}
	v.post("changed", Changed{What: "grants", Patient: me})
	return v.Emergencies(ctx, Of{Patient: me})
}

// EmergencyCard returns what a patient prints and carries.
func (v *View) EmergencyCard(ctx context.Context, _ Nothing) (EmergencyCard, error) {
	s, err := v.shelf(ctx, "")
	if err != nil {
		return EmergencyCard{}, err
	}
	terms, err := v.ownEmergencyTerms(ctx)
	if err != nil {
		return EmergencyCard{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return EmergencyCard{
		Patient: v.person(s.patient), Allergies: s.rowsOf(allergies), Medicines: s.rowsOf((*chart.Chart).Medications),
		Problems: s.rowsOf((*chart.Chart).Problems), Address: v.config.Client.URL().String() + "#" + string(s.patient), Terms: append([]Grant{}, terms...),
	}, nil
}
