package recovery

// Spell returns n words for the first 11·n bits of b, for people to compare two hashes by. They are no secret and no share: nothing
// here reads them back.
func Spell(b []byte, n int) []string {
	words := make([]string, n)
	var bits, have uint
	for i := range words {
		for have < wordBits {
			bits, have, b = bits<<8|uint(b[0]), have+8, b[1:]
		}
		have -= wordBits
		words[i] = list[bits>>have&(1<<wordBits-1)]
	}
	return words
}
