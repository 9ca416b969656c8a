package pairing

// Reencode parses a message of any kind and writes it again.
func Reencode(data []byte) ([]byte, error) {
	var m *message
	err := error(nil)
	for _, kind := range []uint64{commitKind, nonceKind, revealKind, contentsKind} {
		if m, err = parse(data, kind); err == nil {
			return m.marshal(), nil
		}
	}
	return nil, err
}
