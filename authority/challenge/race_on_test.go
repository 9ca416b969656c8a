//go:build race

package challenge_test

// floodSize is smaller here: the race detector makes signatures several times slower, and the memory held would be no other.
const floodSize = 5_000
