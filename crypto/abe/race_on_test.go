//go:build race

package abe_test

// flipStep is the distance of the bytes that are flipped: the race detector makes curve arithmetic ten times slower.
const flipStep = 13
