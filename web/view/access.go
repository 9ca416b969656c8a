package view

import "time"

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
