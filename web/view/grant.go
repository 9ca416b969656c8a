package view

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
