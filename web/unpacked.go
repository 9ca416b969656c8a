//go:build !release

package web

import "io/fs"

// packed is the program in the browser as a release has it in it. Any other build makes it when it is asked for.
var packed fs.FS
