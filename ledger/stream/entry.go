package stream

import "time"

// An Entry is one message of the ledger as it is stored. JetStream's own timestamp is left out on purpose: it changes
// when a stream is restored, and no verdict may depend on it.
type Entry struct {
	Seq     uint64 // place in the stream, from 1
	Subject string
	ID      string // the Message.ID it was appended with
	Data    []byte // the reader's own

	stored time.Time // for parts alone
}
