package epoch

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"encoding/binary"
	"io"
	"math/bits"
	"sync"
)

// MaxBody is the longest plaintext of a record, in bytes.
const MaxBody = 450 << 10

// A frame is encoding ‖ length of data (4 bytes, big-endian) ‖ data ‖ zeros up to a Padmé size.
const (
	frameHead = 1 + 4
	maxFrame  = 456 << 10 // padme(frameHead + MaxBody)
)

// The encodings of a frame's data. A new dictionary is a new encoding; the old ones stay readable for ever.
const (
	stored      = 0 // as it is
	dictionary1 = 1 // DEFLATE (RFC 1951) with dictionary-1.txt preset
)

// dictionary holds typical FHIR texts, which a short record shares most of its bytes with. It never changes.
//
//go:embed dictionary-1.txt
var dictionary []byte

// Compressors and decompressors are large and slow to make, so they are kept.
var (
	deflaters = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(io.Discard, flate.DefaultCompression, dictionary)
		if err != nil {
			panic(err) // the level is valid
		}
		return w
	}}
	inflaters = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), dictionary) }}
)

// frame compresses plaintext where that makes it shorter, and pads it.
func frame(plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxBody {
		return nil, ErrTooLarge
	}
	encoding, data := byte(dictionary1), deflate(plaintext)
	if len(data) >= len(plaintext) {
		encoding, data = stored, plaintext
	}
	framed := make([]byte, padme(frameHead+len(data)))
	framed[0] = encoding
	binary.BigEndian.PutUint32(framed[1:], uint32(len(data)))
	copy(framed[frameHead:], data)
	return framed, nil
}

// unframe is the inverse of frame. It reads hostile input: whoever may write records chooses what is in a frame.
func unframe(framed []byte) ([]byte, error) {
	if len(framed) < frameHead {
		return nil, ErrOpen
	}
	size := uint64(binary.BigEndian.Uint32(framed[1:]))
	if size > uint64(len(framed)-frameHead) || padme(frameHead+int(size)) != len(framed) {
		return nil, ErrOpen
	}
	data, padding := framed[frameHead:frameHead+size], framed[frameHead+size:]
	if len(bytes.TrimLeft(padding, "\x00")) != 0 {
		return nil, ErrOpen
	}
	switch {
	case framed[0] == stored && len(data) <= MaxBody:
		return data, nil
	case framed[0] == dictionary1:
		return inflate(data)
	}
	return nil, ErrOpen
}

func deflate(plaintext []byte) []byte {
	var out bytes.Buffer
	w := deflaters.Get().(*flate.Writer)
	defer deflaters.Put(w)
	w.Reset(&out)
	// Neither call fails on a buffer, and a truncated text would not be a valid one.
	if _, err := w.Write(plaintext); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// inflate gives at most MaxBody bytes, and refuses data with anything behind its end.
func inflate(data []byte) ([]byte, error) {
	in := bytes.NewReader(data) // a ByteReader: nothing is read ahead
	r := inflaters.Get().(io.ReadCloser)
	defer inflaters.Put(r)
	if err := r.(flate.Resetter).Reset(in, dictionary); err != nil {
		return nil, ErrOpen
	}
	plaintext, err := io.ReadAll(io.LimitReader(r, MaxBody+1))
	if err != nil || len(plaintext) > MaxBody || in.Len() != 0 {
		return nil, ErrOpen
	}
	return plaintext, nil
}

// padme rounds a length up so that it shows only its order of magnitude and a few bits more, at a cost of at most 12 %
// (Nikitin and others, "Reducing metadata leakage from encrypted files and communication with PURBs", PETS 2019).
func padme(length int) int {
	if length < 2 {
		return length
	}
	exponent := bits.Len(uint(length)) - 1
	kept := bits.Len(uint(exponent))
	mask := 1<<max(0, exponent-kept) - 1
	return (length + mask) &^ mask
}
