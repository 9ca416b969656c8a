package abe

import (
	"container/list"
	"sync"
)

// hashToG2 is a hash function onto G2 (RFC 9380, random-oracle form) that remembers its most recent values. Its inputs
// are public names. It is safe for concurrent use; the points it returns must not be changed.
type hashToG2 struct {
	tag      []byte
	capacity int

	mu     sync.Mutex
	recent *list.List // of *hashed, the most recent first
	byName map[string]*list.Element
}

type hashed struct {
	name  string
	point *g2
}

func newHashToG2(tag string, capacity int) *hashToG2 {
	return &hashToG2{tag: []byte(tag), capacity: capacity, recent: list.New(), byName: make(map[string]*list.Element)}
}

// The two hash functions of the scheme. A value takes 0.8 ms to compute and 300 bytes to keep.
var (
	hashGID       = newHashToG2("PHR-V01-ABE-GID-with-BLS12381G2_XMD:SHA-256_SSWU_RO_", 256)  // H
	hashAttribute = newHashToG2("PHR-V01-ABE-ATT-with-BLS12381G2_XMD:SHA-256_SSWU_RO_", 1024) // F
)

func (h *hashToG2) point(name string) *g2 {
	if p := h.known(name); p != nil {
		return p
	}
	p := new(g2)
	p.Hash([]byte(name), h.tag)
	h.keep(name, p)
	return p
}

func (h *hashToG2) known(name string) *g2 {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.byName[name]
	if !ok {
		return nil
	}
	h.recent.MoveToFront(e)
	return e.Value.(*hashed).point
}

func (h *hashToG2) keep(name string, p *g2) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.byName[name]; ok {
		return // computed twice at the same time
	}
	h.byName[name] = h.recent.PushFront(&hashed{name, p})
	if h.recent.Len() > h.capacity {
		oldest := h.recent.Remove(h.recent.Back()).(*hashed)
		delete(h.byName, oldest.name)
	}
}
