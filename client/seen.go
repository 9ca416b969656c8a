package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

// What somebody has looked at is kept at home, so that the next program can tell what is new to them.
const seenPrefix = "seen-"

// Seen returns the number of the newest event of the book that SetSeen was told of from this home, 0 if of none.
func (b *Book) Seen() (uint64, error) {
	contents, err := b.c.home.read(b.seenFile())
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err == nil && len(contents) != 8 {
		err = errors.New("it is damaged")
	}
	if err != nil {
		return 0, fmt.Errorf("reading what you have looked at: %w", err)
	}
	return binary.BigEndian.Uint64(contents), nil
}

// SetSeen remembers that the person has looked at the events of the book up to a number.
func (b *Book) SetSeen(number uint64) error {
	return b.c.home.write(b.seenFile(), binary.BigEndian.AppendUint64(nil, number))
}

func (b *Book) seenFile() string { return seenPrefix + nameOf(b.chain) }
