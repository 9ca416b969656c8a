//go:build release

package web

import (
	"embed"
	"io/fs"
)

// What 'go generate ./web' has made.
//
//go:embed wasm
var release embed.FS

var packed = sub(release)

func sub(all fs.FS) fs.FS {
	files, err := fs.Sub(all, "wasm")
	if err != nil {
		panic(err) // the name is a valid one
	}
	return files
}
