package tree

import "encoding/binary"

// Salvage returns those of the up to 256 entries in the data file that has the one with an index which are there and proven by the
// newest checkpoint, by their indexes: what is left where Entries fails with ErrDamaged.
func (s *Store) Salvage(index uint64) map[uint64][]byte {
	c, _ := s.Checkpoint()
	n := index / tileWidth
	contents, err := s.files.ReadFile(dataPath(n))
	if err != nil {
		return nil
	}
	found := make(map[uint64][]byte)
	for i := n * tileWidth; i < min((n+1)*tileWidth, c.Size) && len(contents) >= 4; i++ {
		size := binary.BigEndian.Uint32(contents)
		if uint64(size) > uint64(len(contents)-4) {
			break
		}
		entry := contents[4 : 4+size : 4+size]
		contents = contents[4+size:]
		if proof, _, err := s.Inclusion(i); err == nil && c.Includes(i, entry, proof) == nil {
			found[i] = entry
		}
	}
	return found
}
