//go:build race

package fhir_test

// everyNth of the larger sets of files is read: the race detector makes each ten times as slow.
const everyNth = 8
