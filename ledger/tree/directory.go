package tree

// directory writes files of the tree's directory such that they last.
type directory struct {
	files Files
	made  map[string]bool // directories that are there for good
}

func newDirectory(files Files) directory { return directory{files, make(map[string]bool)} }

// makeParents makes the directories above a file such that they last.
func (d *directory) makeParents(name string) error {
	dir := parent(name)
	if dir == "." || d.made[dir] {
		return nil
	}
	if err := d.makeParents(dir); err != nil {
		return err
	}
	if err := d.files.Mkdir(dir); err != nil && !exists(err) {
		return err
	}
	if err := d.files.Sync(parent(dir)); err != nil {
		return err
	}
	d.made[dir] = true
	return nil
}

// publish replaces a file such that a crash leaves the old contents or the new, and after it returns, the new.
func (d *directory) publish(name string, contents []byte) error {
	if err := d.makeParents(name); err != nil {
		return err
	}
	next := name + unfinished
	if err := d.files.Write(next, 0, contents); err != nil {
		return err
	}
	if err := d.files.Sync(next); err != nil {
		return err
	}
	if err := d.files.Rename(next, name); err != nil {
		return err
	}
	return d.files.Sync(parent(name))
}
