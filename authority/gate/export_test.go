package gate

// Places is the consumers of a session as a test asks for them, without a server.
type Places struct{ pulls }

// NewPlaces returns the places of a session that has none in use.
func NewPlaces(names ...string) *Places { return &Places{pulls{places: newPlaces(names)}} }

// Choose takes a place and returns its name.
func (p *Places) Choose(filter string, from uint64) string {
	at := p.choose(filter, from)
	p.count++
	*at = place{at.name, filter, from, p.count}
	return at.name
}
