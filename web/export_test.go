package web

import "io/fs"

// BuildOf returns a build of a page, and of the files of a program if there are any.
func BuildOf(page, program fs.FS) (*Build, error) {
	b := &Build{files: make(map[string]*file)}
	if err := b.addPage(page); err != nil || program == nil {
		return b, err
	}
	return b, b.addProgram(program)
}

// Shrink and Zip are what files are compressed with.
var (
	Shrink = func(contents []byte) []byte { return shrink(contents, pageQuality) }
	Zip    = zip
)

// Prune removes old builds of programs, and KeptPrograms is how many it leaves.
var Prune = prune

const KeptPrograms = keptPrograms
