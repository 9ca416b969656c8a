//go:build !race

package abe_test

// flipStep is the distance of the bytes that are flipped.
const flipStep = 1
