package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/phrledger/phr/crypto/canonical"
	"github.com/phrledger/phr/crypto/identity"
	"github.com/phrledger/phr/ledger"
)

// maxMessage bounds a message, in bytes: the largest is a file of the home, with what waits to be sent.
const maxMessage = 64 << 20

// request asks for one operation. A connection carries one request at a time, each answered before the next.
type request struct {
	_    struct{} `cbor:",toarray"`
	Op   string
	Args []byte // encoded, as the operation takes them
}

// response answers a request: with a result, or the class and text of an error.
type response struct {
	_      struct{} `cbor:",toarray"`
	Class  string   // "" for success
	Text   string
	Result []byte
}

// The operations.
const (
	opWho         = "who"
	opStatus      = "status"
	opLock        = "lock"
	opUnlock      = "unlock"
	opSignEvent   = "sign-event"
	opSignHello   = "sign-hello"
	opSignAnswer  = "sign-answer"
	opOpen        = "open"
	opEnrol       = "enrol"
	opAttributes  = "attributes"
	opKeep        = "keep"
	opDecapsulate = "decapsulate"
	opMaster      = "master"
	opIssue       = "issue"
	opEscrow      = "escrow"
	opEscrowed    = "escrowed"
	opSeal        = "seal"
	opUnseal      = "unseal"
	opNode        = "node"
	opSetNode     = "set-node"
)

type (
	none struct{}

	one struct {
		Bytes []byte `cbor:"1,keyasint"`
	}

	text struct {
		Text string `cbor:"1,keyasint"`
	}

	person struct {
		FirstSign []byte `cbor:"1,keyasint"` // inception
		FirstSeal []byte `cbor:"2,keyasint"`
		Recovery  []byte `cbor:"3,keyasint"`
		Sign      []byte `cbor:"4,keyasint"` // in force
		Seal      []byte `cbor:"5,keyasint"`
	}

	status struct {
		Locked bool         `cbor:"1,keyasint"`
		GID    identity.GID `cbor:"2,keyasint"`
		Home   string       `cbor:"3,keyasint"`
		Idle   int64        `cbor:"4,keyasint"` // nanoseconds until it locks by itself; 0: never
	}

	answerArgs struct {
		Transcript [32]byte `cbor:"1,keyasint"`
		Tag        [32]byte `cbor:"2,keyasint"`
	}

	openArgs struct {
		Info   string `cbor:"1,keyasint"`
		AAD    []byte `cbor:"2,keyasint"`
		Sealed []byte `cbor:"3,keyasint"`
	}

	enrolArgs struct {
		Code    string `cbor:"1,keyasint"`
		Display string `cbor:"2,keyasint"`
		Sign    []byte `cbor:"3,keyasint"` // of the founder
		Seal    []byte `cbor:"4,keyasint"`
	}

	heldKey struct {
		Name         string   `cbor:"1,keyasint"`
		Authority    string   `cbor:"2,keyasint"`
		Version      uint32   `cbor:"3,keyasint"`
		AuthorityKey [32]byte `cbor:"4,keyasint"`
	}

	heldKeys struct {
		Keys []heldKey `cbor:"1,keyasint"`
	}

	keepArgs struct {
		Entry []byte   `cbor:"1,keyasint"`
		Keys  [][]byte `cbor:"2,keyasint"` // of the authority
	}

	keptKey struct {
		Key   heldKey `cbor:"1,keyasint"`
		Added bool    `cbor:"2,keyasint"`
	}

	decapsulateArgs struct {
		Keys       [][]byte `cbor:"1,keyasint"` // of the authorities that the ciphertext names
		Label      string   `cbor:"2,keyasint"`
		Context    []byte   `cbor:"3,keyasint"`
		Ciphertext []byte   `cbor:"4,keyasint"`
	}

	issueArgs struct {
		GID  identity.GID  `cbor:"1,keyasint"`
		Sign []byte        `cbor:"2,keyasint"`
		Seal []byte        `cbor:"3,keyasint"`
		Term ledger.TermID `cbor:"4,keyasint"`
	}

	escrowed struct {
		Sealed []byte `cbor:"1,keyasint"` // empty: nothing is due
		Sum    []byte `cbor:"2,keyasint"`
	}

	fileArgs struct {
		Name  string `cbor:"1,keyasint"`
		Bytes []byte `cbor:"2,keyasint"`
	}
)

// errTooLong is for a message that is longer than any.
var errTooLong = errors.New("a message of more than 64 MiB")

// writeMessage writes a value with its length before it.
func writeMessage(w io.Writer, v any) error {
	b, err := canonical.Marshal(v)
	if err != nil {
		return err
	}
	defer clear(b)
	if len(b) > maxMessage {
		return errTooLong
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err = w.Write(b)
	return err
}

// readMessage reads what writeMessage wrote. It takes no more memory than has come.
func readMessage(r io.Reader, v any) error {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxMessage {
		return errTooLong
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err != nil {
		return err
	}
	defer clear(b)
	if len(b) < int(n) {
		return io.ErrUnexpectedEOF
	}
	return decode(b, v)
}

func decode(b []byte, v any) error {
	if err := canonical.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return nil
}
