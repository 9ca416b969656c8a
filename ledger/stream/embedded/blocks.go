package embedded

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats.go"

	"github.com/phrledger/phr/ledger/stream"
)

// StreamDir returns where the server of a node keeps a stream, whether or not it is there.
func StreamDir(dir, name string) (string, error) {
	k, err := openKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "jetstream", "jetstream", k.ledger.public, "streams", name), nil
}

// Blocks are the messages of a stream as its files hold them, read without a server: a server that starts on a block that is damaged
// cuts off what follows the damage. Nothing is written. No server may write meanwhile.
type Blocks struct {
	Faults []Fault // what is wrong with the files, in their order

	name  string
	files []blockFile
	read  int                     // the file that was read last
	kept  map[uint64]stream.Entry // its messages
}

// Fault is a place in a file where a message should be and can't be read.
type Fault struct {
	Path  string
	At    int64  // bytes from the beginning of the file
	After uint64 // sequence of the message before it in the file; 0 if there is none
	Tail  bool   // the stream's files end with it
}

// String says where it is.
func (f Fault) String() string {
	return fmt.Sprintf("%s, byte %d, after message %d", f.Path, f.At, f.After)
}

type blockFile struct {
	path        string
	index       uint64
	first, last uint64 // sequences of its messages
}

// OpenBlocks reads the files of the stream in a directory, of which there need not be any, from the first to the last, and calls fn
// with each message.
func OpenBlocks(dir string, fn func(stream.Entry) error) (*Blocks, error) {
	b := &Blocks{name: filepath.Base(dir), read: -1}
	names, err := os.ReadDir(filepath.Join(dir, "msgs"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the blocks of a stream: %w", err)
	}
	for _, n := range names {
		stem, ok := strings.CutSuffix(n.Name(), ".blk")
		index, err := strconv.ParseUint(stem, 10, 32)
		if ok && err == nil {
			b.files = append(b.files, blockFile{path: filepath.Join(dir, "msgs", n.Name()), index: index})
		}
	}
	slices.SortFunc(b.files, func(x, y blockFile) int { return cmp.Compare(x.index, y.index) })
	for i := range b.files {
		if err := b.open(&b.files[i], fn); err != nil {
			return nil, err
		}
	}
	if n, last := len(b.Faults)-1, len(b.files)-1; n >= 0 && b.Faults[n].Tail {
		b.Faults[n].Tail = b.Faults[n].Path == b.files[last].path
	}
	return b, nil
}

func (b *Blocks) open(f *blockFile, fn func(stream.Entry) error) error {
	messages, faults, err := b.readFile(f)
	if err != nil {
		return fmt.Errorf("reading the blocks of a stream: %w", err)
	}
	b.Faults = append(b.Faults, faults...)
	for i, m := range messages {
		if i == 0 {
			f.first = m.Seq
		}
		f.last = m.Seq
		if err := fn(m); err != nil {
			return err
		}
	}
	return nil
}

// Last returns the newest sequence there is, 0 without any.
func (b *Blocks) Last() (last uint64) {
	for _, f := range b.files {
		last = max(last, f.last)
	}
	return last
}

// Entry returns the message with a sequence, unless it is not there or can't be read. Those that lie in one file are quick to get one
// after the other.
func (b *Blocks) Entry(seq uint64) (stream.Entry, bool) {
	for i := range b.files {
		f := &b.files[i]
		if seq < f.first || seq > f.last {
			continue
		}
		if b.read != i {
			messages, _, err := b.readFile(f)
			if err != nil {
				return stream.Entry{}, false
			}
			b.read, b.kept = i, make(map[uint64]stream.Entry, len(messages))
			for _, m := range messages {
				b.kept[m.Seq] = m
			}
		}
		e, ok := b.kept[seq]
		return e, ok
	}
	return stream.Entry{}, false
}

// The bits that the server sets in a length or a sequence: a message with headers, one that was erased, and the note that one was deleted.
const (
	headersBit = 1 << 31
	erasedBit  = 1 << 63
	deletedBit = 1 << 62
)

// Lengths in a record: length (4), sequence (8), time (8), length of the subject (2), subject, length of the headers (4) if there are
// any, headers, message, checksum (8).
const (
	recordHead = 4 + 8 + 8 + 2
	recordSum  = 8
)

// readFile returns the messages in a file that can be read, but for those that a later record says were deleted.
func (b *Blocks) readFile(f *blockFile) (messages []stream.Entry, faults []Fault, _ error) {
	contents, err := os.ReadFile(f.path)
	if err != nil {
		return nil, nil, err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", b.name, f.index))
	deleted := make(map[uint64]bool)
	var last uint64
	broken := false
	for at := 0; at < len(contents); {
		r, ok := readRecord(contents[at:], key[:], last, broken)
		if !ok {
			if !broken {
				faults = append(faults, Fault{Path: f.path, At: int64(at), After: last})
			}
			broken = true
			at++ // the length may be what is damaged: the next record is where one can be read
			continue
		}
		at, broken = at+r.length, false
		switch {
		case r.Seq&deletedBit != 0:
			deleted[r.Seq&^deletedBit] = true
			continue
		case r.Seq&erasedBit == 0 && r.Seq != 0:
			messages = append(messages, r.Entry)
		}
		last = r.Seq &^ erasedBit
	}
	if broken {
		faults[len(faults)-1].Tail = true
	}
	return slices.DeleteFunc(messages, func(m stream.Entry) bool { return deleted[m.Seq] }), faults, nil
}

type record struct {
	stream.Entry
	length int
}

// readRecord reads the record that data begins with. It is not one unless its checksum is right. While one is searched for, only one
// that goes on from the last is looked at, since a checksum may be one of megabytes.
func readRecord(data, key []byte, last uint64, searching bool) (r record, ok bool) {
	if len(data) < recordHead+recordSum {
		return r, false
	}
	le := binary.LittleEndian
	length := int(le.Uint32(data) &^ headersBit)
	subject := int(le.Uint16(data[recordHead-2:]))
	headers := 0
	if le.Uint32(data)&headersBit != 0 {
		headers = 4
	}
	if seq := le.Uint64(data[4:]) &^ erasedBit; searching && seq-last-1 > 1<<32 {
		return r, false
	}
	if length > len(data) || recordHead+subject+headers+recordSum > length {
		return r, false
	}
	body := data[recordHead : length-recordSum]
	sum := highwayhash.Sum64(slices.Concat(data[4:recordHead-2], body[:subject], body[subject+headers:]), key)
	if sum != le.Uint64(data[length-recordSum:]) {
		return r, false
	}
	r = record{Entry: stream.Entry{Seq: le.Uint64(data[4:]), Subject: string(body[:subject])}, length: length}
	body = body[subject:]
	if headers > 0 {
		size := int(le.Uint32(body))
		if end := bytes.Index(body[headers:], []byte("\r\n\r\n")); end+4 != size { // the checksum does not cover the length
			return r, false
		}
		header, err := nats.DecodeHeadersMsg(body[headers : headers+size])
		if err != nil {
			return r, false
		}
		r.ID, body = header.Get(nats.MsgIdHdr), body[headers+size:]
	}
	r.Data = bytes.Clone(body)
	return r, true
}
