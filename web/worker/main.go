//go:build !js

// Command worker is what runs in a browser: it is built for js and wasm alone.
package main

func main() { panic("this is for browsers: build it with GOOS=js GOARCH=wasm") }
