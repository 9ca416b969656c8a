//go:build !race

package challenge_test

const floodSize = 100_000
