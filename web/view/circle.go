package view

// Attribute is a role that an authority gives.
type Attribute struct {
	Name    string `json:"name"`
	Version uint32 `json:"version"`
}

// KnownAuthority is one that a grant may name.
type KnownAuthority struct {
	Name       string      `json:"name"`
	Kind       string      `json:"kind"` // hospital, health-club, insurer, employer
	Attributes []Attribute `json:"attributes"`
	Heard      Time        `json:"heard,omitempty"`
	Asleep     bool        `json:"asleep,omitempty"` // not heard of for so long that nothing is granted to it
}

// Circle is whom a patient may choose from.
type Circle struct {
	Authorities []KnownAuthority `json:"authorities"`
	People      []Person         `json:"people"` // who were granted something, or opened something, before
}
