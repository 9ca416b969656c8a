//go:build !race

package fhir_test

const everyNth = 1
