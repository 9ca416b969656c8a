// Package canonical is the one encoding of everything phr signs, hashes or seals: deterministic CBOR (RFC 8949, section
// 4.2.1) with exactly one byte string for each value.
//
// A decoder alone accepts several encodings of one value: long integers, unsorted keys, missing fields, null for an
// empty list, an array of numbers for a byte string. A signature over one of them would then cover another. Unmarshal
// therefore decodes, encodes again and compares: what it accepts is what Marshal writes, byte for byte.
//
// Types are written with `cbor:"1,keyasint"` tags or `cbor:",toarray"`. A field with omitempty is absent when empty and
// never present as an explicit empty value. Types with codecs of their own (curve points, scalars) never stand in such a
// struct; their bytes do.
package canonical

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// ErrMalformed is returned, wrapped, for bytes that are not the canonical encoding of the value asked for.
var ErrMalformed = errors.New("malformed encoding")

// MaxDepth is the deepest nesting of arrays and maps that Unmarshal follows.
const MaxDepth = 16

// maxElements bounds one array or map. The largest legitimate list is a session's rejected-hash list or a batch of
// events; a submission holds at most 900.
const maxElements = 1 << 16

var encoder, decoder = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	opts := cbor.CoreDetEncOptions()
	opts.NilContainers = cbor.NilContainerAsEmpty
	opts.IndefLength = cbor.IndefLengthForbidden
	opts.TagsMd = cbor.TagsForbidden
	enc, err := opts.EncMode()
	if err != nil {
		panic(err) // fixed options: only a change of the library can bring this
	}
	dec, err := cbor.DecOptions{
		DupMapKey:          cbor.DupMapKeyEnforcedAPF,
		IndefLength:        cbor.IndefLengthForbidden,
		TagsMd:             cbor.TagsForbidden,
		ExtraReturnErrors:  cbor.ExtraDecErrorUnknownField,
		UTF8:               cbor.UTF8RejectInvalid,
		FieldNameMatching:  cbor.FieldNameMatchingCaseSensitive,
		NaN:                cbor.NaNDecodeForbidden,
		Inf:                cbor.InfDecodeForbidden,
		BignumTag:          cbor.BignumTagForbidden,
		MaxNestedLevels:    MaxDepth,
		MaxArrayElements:   maxElements,
		MaxMapPairs:        maxElements,
		ByteStringToString: cbor.ByteStringToStringForbidden,
		BinaryUnmarshaler:  cbor.BinaryUnmarshalerNone,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}

// RawMessage is an already encoded canonical value inside another one. Unmarshal of the outer value does not vouch for
// it: its own Unmarshal does.
type RawMessage = cbor.RawMessage

// Marshal returns the canonical encoding of v. The same value always gives the same bytes.
func Marshal(v any) ([]byte, error) {
	b, err := encoder.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", v, err)
	}
	return b, nil
}

// Unmarshal decodes data into v, a pointer, and fails with ErrMalformed unless data is exactly what Marshal writes for
// the result. On failure v holds nothing to rely on. It never keeps a reference to data.
func Unmarshal(data []byte, v any) error {
	if err := decoder.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	again, err := encoder.Marshal(v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if !bytes.Equal(again, data) {
		return fmt.Errorf("%w: not the canonical form", ErrMalformed)
	}
	return nil
}
