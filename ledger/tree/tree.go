// Package tree makes the ledger a transparency log: a Merkle tree over its entries in stream order (RFC 6962, section 2), signed
// checkpoints of it, and proofs that an entry is in it, that a later tree extends an earlier one, and where each chain ends. It is
// kept on disk as C2SP tlog-tiles, which is a second copy of the ledger as well.
//
// What C2SP calls a log entry is a leaf here: the SHA-256 of an entry of the ledger, since entries are larger than an entry bundle
// can hold. The entries themselves lie beside the bundles. The hashing is golang.org/x/mod/sumdb/tlog's, notes and cosignatures are
// golang.org/x/mod/sumdb/note's and transparency-dev/formats'.
//
// The directory of a tree:
//
//	checkpoint                   the newest signed checkpoint; replacing it is what seals
//	tile/<L>/<N>[.p/<W>]         hash tiles
//	tile/entries/<N>[.p/<W>]     entry bundles: leaves
//	tile/data/<N>                up to 256 entries, each after its length in four bytes
//	witnessed                    the newest checkpoint that enough others have cosigned
//	parts/                       a copy of the erasable parts of epochs, which is no part of the tree
//	lock                         held by the one who seals
//
// # What this does not protect
//
// A tree says that what it holds has not changed since somebody saw its checkpoint. Whoever holds the log's key can sign two
// trees for two people; that they meet, or a witness meets both, is what finds it.
package tree

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/phrledger/phr/ledger"
)

// LeafSize is the length of a leaf in bytes.
const LeafSize = sha256.Size

// Leaf returns what stands for an encoded entry of the ledger in entry bundles.
func Leaf(entry []byte) [LeafSize]byte {
	h := sha256.New()
	h.Write([]byte("phr/entry\x00"))
	h.Write(entry)
	return [LeafSize]byte(h.Sum(nil))
}

// hashOf returns the hash of an entry as the tree has it.
func hashOf(entry []byte) tlog.Hash {
	leaf := Leaf(entry)
	return tlog.RecordHash(leaf[:])
}

func fromTlog(hashes []tlog.Hash) []ledger.Hash {
	out := make([]ledger.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = ledger.Hash(h)
	}
	return out
}

func toTlog(hashes []ledger.Hash) []tlog.Hash {
	out := make([]tlog.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = tlog.Hash(h)
	}
	return out
}
