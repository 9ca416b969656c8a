package witness

// Remarshal parses a request and writes it again.
func Remarshal(body []byte) ([]byte, error) {
	r, err := parseRequest(body)
	if err != nil {
		return nil, err
	}
	return r.marshal(), nil
}
