package view

import "time"

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
	Offers      []Grant     `json:"offers"` // terms by which the caller may ask; of a patient, those that they have set
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
