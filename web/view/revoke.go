package view

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
