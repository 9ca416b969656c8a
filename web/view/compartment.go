package view

// NewCompartment is a part of the record to be made.
type NewCompartment struct {
	Name  string `json:"name"`
	Class string `json:"class"`
}

// ProxyEnd takes the right to act away.
type ProxyEnd struct {
	GID string `json:"gid"`
}
