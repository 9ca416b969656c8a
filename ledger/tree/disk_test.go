package tree_test

import (
	"errors"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/phrledger/phr/ledger/tree"
)

// disk is a file system in memory as POSIX has it at its worst. When the power goes, whatever was not synced is there, or not, or in
// part, in any combination: a file's contents need a Sync of the file, a name needs one of its directory. Faults can be put on calls.
type disk struct {
	now, safe disks // as processes see it, and what a loss of power leaves for certain
	pending   []op  // what now has beyond safe, in the order in which it was done
	inodes    int
	locked    bool

	calls int
	fault func(call int) fault // what happens to a call, counted from 1
}

type fault int

const (
	works  fault = iota
	fails        // nothing is done
	halves       // a write is half done, anything else is done, and it is an error
)

var errFault = errors.New("injected fault")

// disks are the files and directories by their inodes. Inode 0 is the directory that holds the tree's.
type disks struct {
	files map[int][]byte // never changed in place
	dirs  map[int]map[string]int
}

// op is a change of names in a directory, all at once, or of a file.
type op struct {
	inode int
	names map[string]int // gone if negative
	at    int
	data  []byte
}

func newDisk() *disk {
	top := func() disks { return disks{files: map[int][]byte{}, dirs: map[int]map[string]int{0: {}}} }
	return &disk{now: top(), safe: top()}
}

func (d disks) clone() disks {
	c := disks{files: maps.Clone(d.files), dirs: make(map[int]map[string]int, len(d.dirs))}
	for inode, names := range d.dirs {
		c.dirs[inode] = maps.Clone(names)
	}
	return c
}

// clone returns a disk with the same state, without lock and faults.
func (d *disk) clone() *disk {
	return &disk{now: d.now.clone(), safe: d.safe.clone(), pending: slices.Clone(d.pending), inodes: d.inodes}
}

func (d disks) apply(o op) {
	for name, inode := range o.names {
		if d.dirs[o.inode] == nil {
			d.dirs[o.inode] = map[string]int{}
		}
		if d.dirs[o.inode][name] = inode; inode < 0 {
			delete(d.dirs[o.inode], name)
		}
	}
	if o.names == nil {
		contents := make([]byte, o.at+len(o.data))
		copy(contents, d.files[o.inode][:min(o.at, len(d.files[o.inode]))])
		copy(contents[o.at:], o.data)
		d.files[o.inode] = contents
	}
}

// ways returns in how many ways an operation can outlast a loss of power: not at all, whole; and a write by its first half, or as
// zeros, too.
func (o op) ways() int {
	if o.names == nil && len(o.data) > 0 {
		return 4
	}
	return 2
}

// in returns what is left of an operation in one of these ways.
func (o op) in(way int) op {
	switch way {
	case 2:
		o.data = o.data[:len(o.data)/2]
	case 3:
		o.data = make([]byte, len(o.data))
	}
	return o
}

// afterLoss returns the disk after a loss of power that left each pending operation in one of its ways.
func (d *disk) afterLoss(ways []int) *disk {
	left := d.safe.clone()
	for i, o := range d.pending {
		if ways[i] > 0 {
			left.apply(o.in(ways[i]))
		}
	}
	// Directories whose making was lost are empty, if their name is there.
	return &disk{now: left, safe: left.clone(), inodes: d.inodes}
}

// losses returns how many disks a loss of power may leave.
func (d *disk) losses() int {
	n := 1
	for _, o := range d.pending {
		n *= o.ways()
	}
	return n
}

// loss returns the i-th of them.
func (d *disk) loss(i int) *disk {
	ways := make([]int, len(d.pending))
	for j, o := range d.pending {
		ways[j], i = i%o.ways(), i/o.ways()
	}
	return d.afterLoss(ways)
}

func (d *disk) do(o op) {
	d.now.apply(o)
	d.pending = append(d.pending, o)
}

func (d *disk) call() fault {
	d.calls++
	if d.fault == nil {
		return works
	}
	return d.fault(d.calls)
}

// find returns the inode of a name.
func (d *disk) find(name string) (int, bool) {
	at, ok := 0, true
	for _, part := range strings.Split(path.Join("tree", name), "/") {
		if part != "." && ok {
			at, ok = d.now.dirs[at][part]
		}
	}
	return at, ok
}

// walk calls fn with every file at or below a name.
func (d *disk) walk(name string, fn func(name string, contents []byte)) {
	inode, ok := d.find(name)
	if contents, file := d.now.files[inode]; ok && file {
		fn(name, contents)
	}
	for _, below := range slices.Sorted(maps.Keys(d.now.dirs[inode])) {
		if ok {
			d.walk(name+"/"+below, fn)
		}
	}
}

// place returns the directory that holds a name, and the name in it.
func (d *disk) place(name string) (int, string) {
	full := path.Join("tree", name)
	dir, ok := d.find(path.Join("..", path.Dir(full)))
	if !ok {
		return -1, ""
	}
	return dir, path.Base(full)
}

func (d *disk) name(name string, inode int) {
	dir, base := d.place(name)
	d.do(op{inode: dir, names: map[string]int{base: inode}})
}

func missing(name string) error { return &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist} }

// done returns what a call that was done answers.
func done(f fault) error {
	if f == halves {
		return errFault
	}
	return nil
}

func (d *disk) ReadFile(name string) ([]byte, error) {
	if d.call() != works {
		return nil, errFault
	}
	inode, ok := d.find(name)
	contents, file := d.now.files[inode]
	if !ok || !file {
		return nil, missing(name)
	}
	return slices.Clone(contents), nil
}

func (d *disk) ReadDir(name string) ([]string, error) {
	if d.call() != works {
		return nil, errFault
	}
	inode, ok := d.find(name)
	if !ok {
		return nil, missing(name)
	}
	return slices.Sorted(maps.Keys(d.now.dirs[inode])), nil
}

func (d *disk) Write(name string, at int64, data []byte) error {
	f := d.call()
	if f == fails {
		return errFault
	}
	if dir, _ := d.place(name); dir < 0 {
		return missing(name)
	}
	inode, ok := d.find(name)
	if !ok {
		d.inodes++
		inode = d.inodes
		d.now.files[inode], d.safe.files[inode] = nil, nil // contents of a file without a name do no harm
		d.name(name, inode)
	}
	if f == halves {
		data = data[:len(data)/2]
	}
	d.do(op{inode: inode, at: int(at), data: slices.Clone(data)})
	return done(f)
}

func (d *disk) Sync(name string) error {
	if d.call() != works {
		return errFault // and nothing of it is certain
	}
	inode, ok := d.find(name)
	if !ok {
		return missing(name)
	}
	d.pending = slices.DeleteFunc(d.pending, func(o op) bool {
		if o.inode == inode {
			d.safe.apply(o)
		}
		return o.inode == inode
	})
	return nil
}

func (d *disk) Mkdir(name string) error {
	f := d.call()
	if f == fails {
		return errFault
	}
	if _, ok := d.find(name); ok {
		return fs.ErrExist
	}
	if dir, _ := d.place(name); dir < 0 {
		return missing(name)
	}
	d.inodes++
	d.now.dirs[d.inodes], d.safe.dirs[d.inodes] = map[string]int{}, map[string]int{}
	d.name(name, d.inodes)
	return done(f)
}

func (d *disk) Rename(from, to string) error {
	f := d.call()
	if f == fails {
		return errFault
	}
	inode, ok := d.find(from)
	if !ok {
		return missing(from)
	}
	dir, base := d.place(from)
	_, target := d.place(to)
	d.do(op{inode: dir, names: map[string]int{base: -1, target: inode}}) // a Store renames within a directory
	return done(f)
}

func (d *disk) Remove(name string) error {
	f := d.call()
	if f == fails {
		return errFault
	}
	inode, ok := d.find(name)
	if !ok {
		return missing(name)
	}
	if len(d.now.dirs[inode]) > 0 {
		return errors.New("directory not empty")
	}
	d.name(name, -1)
	return done(f)
}

func (d *disk) Lock(name string) (func() error, error) {
	f := d.call()
	if f != works {
		return nil, errFault
	}
	if d.locked {
		return nil, tree.ErrLocked
	}
	if _, ok := d.find(name); !ok {
		d.inodes++
		d.now.files[d.inodes], d.safe.files[d.inodes] = nil, nil
		d.name(name, d.inodes)
	}
	d.locked = true
	return func() error { d.locked = false; return nil }, nil
}
