package view

import "time"

// Grantee is whom a grant lets in.
type Grantee struct {
	Kind       string `json:"kind"` // role, person, proxy, emergency, expression
	Name       string `json:"name"` // "doctors of city-hospital" is for screens to say: of a person, their name; else the expression
	Attribute  string `json:"attribute,omitempty"`
	Authority  string `json:"authority,omitempty"`
	Of         string `json:"of,omitempty"` // the kind of the authority
	GID        string `json:"gid,omitempty"`
	Expression string `json:"expression"`
	Approval   string `json:"approval,omitempty"` // of an emergency term
}

// Grant is who may open a compartment, how, and until when.
type Grant struct {
	ID          string  `json:"id"`
	Patient     Person  `json:"patient"`
	Compartment string  `json:"compartment"`
	To          Grantee `json:"to"`
	Write       bool    `json:"write"`
	History     bool    `json:"history"` // what was written before the grant, too
	Purpose     string  `json:"purpose,omitempty"`
	Since       Time    `json:"since,omitempty"`
	Until       Time    `json:"until,omitempty"`
	Ended       bool    `json:"ended,omitempty"`
	LastOpened  Time    `json:"last_opened,omitempty"`
	LastBy      string  `json:"last_by,omitempty"`
	Live        int     `json:"live,omitempty"` // sessions open now
}

// Compartment is a part of a record.
type Compartment struct {
	Name    string  `json:"name"`
	Class   string  `json:"class"` // health, training
	Records int     `json:"records"`
	Grants  []Grant `json:"grants"` // in force, and ended ones
	Stale   *Stale  `json:"stale,omitempty"`
}

// Sharing is a record's reach: who can open what of it. Of another's record it is as far as the caller can see.
type Sharing struct {
	Patient      Person        `json:"patient"`
	Compartments []Compartment `json:"compartments"`
}

// Attribute is a role that an authority gives.
type Attribute struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"`
}

// KnownAuthority is one that a grant may name.
type KnownAuthority struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"` // hospital, health club, insurer, employer
	Attributes []Attribute `json:"attributes"`
	Heard      Time        `json:"heard,omitempty"`
	Asleep     bool        `json:"asleep,omitempty"` // not heard of for so long that nothing is granted to it
}

// Circle is whom a patient may choose from.
type Circle struct {
	Authorities []KnownAuthority `json:"authorities"`
	People      []Person         `json:"people"` // who were granted something, or opened something, before
}

// GrantDraft is a grant, or the change of one, that is asked about.
type GrantDraft struct {
	Grant        string   `json:"grant,omitempty"` // of an edit
	To           string   `json:"to,omitempty"`    // a policy, or gid:…
	Compartments []string `json:"compartments,omitempty"`
	Write        bool     `json:"write,omitempty"`
	FromNow      bool     `json:"from_now,omitempty"`
	Until        Time     `json:"until,omitempty"`
	Purpose      string   `json:"purpose,omitempty"`
	Proxy        bool     `json:"proxy,omitempty"` // acts for the patient
}

// GrantPreview says in plain terms what a change comes to. Nothing is signed before grant.make.
type GrantPreview struct {
	Token    string   `json:"token"`
	To       Grantee  `json:"to"`
	Open     []string `json:"open"`    // compartments that they will be able to open
	Write    []string `json:"write"`   // of them, to write into
	Cannot   []string `json:"cannot"`  // compartments that stay sealed to them
	Records  uint64   `json:"records"` // that they can open at once
	Until    Time     `json:"until,omitempty"`
	Also     []string `json:"also,omitempty"`     // others who could, all together, make keys that open it: sets of authorities
	Warnings []string `json:"warnings,omitempty"` // codes: asleep, dropped, everybody, write-refused
	Refused  string   `json:"refused,omitempty"`  // why the node would not take it; then there is no token
	NewEpoch bool     `json:"new_epoch,omitempty"`
	Sessions int      `json:"sessions,omitempty"` // that end at once
}

// GrantNames are ids of grants.
type GrantNames struct {
	Grants []string `json:"grants"`
}

// RevokePreview says what stops, and what can't be undone.
type RevokePreview struct {
	Token        string   `json:"token"`
	To           Grantee  `json:"to"`
	Compartments []string `json:"compartments"`
	Sessions     int      `json:"sessions"` // that end at once
	Opened       bool     `json:"opened"`   // they have opened something: they keep it
	LastOpened   Time     `json:"last_opened,omitempty"`
	StillOpen    []Grant  `json:"still_open,omitempty"` // other grants by which they go on reading
}

// SeeAsQuery asks what somebody sees.
type SeeAsQuery struct {
	As string `json:"as"` // a GID, or attributes joined by and
}

// SeeAs is a record as somebody else would see it.
type SeeAs struct {
	Open   []string `json:"open"`
	Write  []string `json:"write"`
	Rows   []Row    `json:"rows"`
	Trends []Trend  `json:"trends"`
	Sealed []Sealed `json:"sealed"`
	Lacks  []string `json:"lacks,omitempty"` // attributes that would let them into more
}

// NewCompartment is a part of the record to be made.
type NewCompartment struct {
	Name  string `json:"name"`
	Class string `json:"class"`
}

// ProxyEnd takes the right to act away.
type ProxyEnd struct {
	GID string `json:"gid"`
}

// AccessLine is one line of who opened what, or tried.
type AccessLine struct {
	Time        time.Time `json:"time"`
	Until       Time      `json:"until,omitempty"`
	Open        bool      `json:"open,omitempty"` // goes on
	Who         Person    `json:"who"`
	First       bool      `json:"first,omitempty"`
	Acting      bool      `json:"acting,omitempty"`
	Operation   string    `json:"operation"` // read, write, …
	Compartment string    `json:"compartment"`
	Outcome     string    `json:"outcome"`         // opened, refused, emergency
	Why         string    `json:"why,omitempty"`   // how it ended, or why it was refused
	Count       int       `json:"count,omitempty"` // attempts that were refused
	Grant       *Grant    `json:"grant,omitempty"` // that it rested on
	Emergency   string    `json:"emergency,omitempty"`
	Event       string    `json:"event"`
	Sequence    uint64    `json:"sequence,omitempty"`
}

// AccessQuery picks lines.
type AccessQuery struct {
	Compartment string `json:"compartment,omitempty"`
	GID         string `json:"gid,omitempty"`
	Since       Time   `json:"since,omitempty"`
}

// AccessLog are lines, newest first.
type AccessLog struct {
	Lines  []AccessLine `json:"lines"`
	Proven bool         `json:"proven"` // that these are all, as of the last minutes
	AsOf   Time         `json:"as_of,omitempty"`
}

// Format is csv or fhir.
type Format struct {
	Format string `json:"format"`
}

// SharedPatient is somebody whose record is shared with the caller.
type SharedPatient struct {
	Patient    Person  `json:"patient"` // the name is known once the record was opened
	Grants     []Grant `json:"grants"`
	LastChange Time    `json:"last_change,omitempty"`
	Unread     int     `json:"unread,omitempty"`
	Emergency  bool    `json:"emergency,omitempty"` // only in an emergency
	Load       []Point `json:"load,omitempty"`      // for a trainer: minutes of activity a week
	Resting    *Point  `json:"resting,omitempty"`   // newest resting heart rate
}

// Patients are those whose record is shared with the caller.
type Patients struct {
	Patients []SharedPatient `json:"patients"`
}

// PatientsQuery says whether to open records for names, which the patients' access logs show.
type PatientsQuery struct {
	Open bool `json:"open"`
}

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
