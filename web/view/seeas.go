package view

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
