package agent

import (
	"bytes"

	"github.com/phrledger/phr/crypto/canonical"
)

// Ask makes any request.
func (c *Client) Ask(op string, args any) error { return c.call(op, args, nil) }

// Bytes are arguments of one byte string.
func Bytes(b []byte) any { return one{b} }

// Decapsulate are the arguments of a decapsulation.
func Decapsulate(label string, keys [][]byte, ciphertext []byte) any {
	return decapsulateArgs{Keys: keys, Label: label, Ciphertext: ciphertext}
}

// Answer reads a message as the server does, and answers it, unless it is no request.
func (s *Server) Answer(message []byte) (class string, isRequest bool) {
	var q request
	if err := readMessage(bytes.NewReader(message), &q); err != nil {
		return "", false
	}
	return s.answer(&q).Class, true
}

// Message returns a request as it goes over the socket.
func Message(op string, args any) []byte {
	encoded, err := canonical.Marshal(args)
	if err != nil {
		panic(err)
	}
	var b bytes.Buffer
	if err := writeMessage(&b, request{Op: op, Args: encoded}); err != nil {
		panic(err)
	}
	return b.Bytes()
}
