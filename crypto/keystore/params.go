package keystore

import "fmt"

// Params are the cost of a guess at a passphrase: those of Argon2id.
type Params struct {
	Time      uint32 // passes over the memory, 1 to 16
	MemoryKiB uint32 // 64 MiB to 512 MiB, in KiB
	Threads   uint8  // lanes, 1 to 16
}

// Native are the parameters for a computer, Browser those for a tab, whose memory never shrinks again.
var (
	Native  = Params{Time: 3, MemoryKiB: 256 << 10, Threads: 4}
	Browser = Params{Time: 3, MemoryKiB: 64 << 10, Threads: 4}
)

// The floor stands in the code, so that a doctored header can't lower it. The ceilings come before the call: Argon2id
// allocates what it is told to, and running out of memory can't be recovered from.
const (
	maxTime      = 16
	minMemoryKiB = 64 << 10
	maxMemoryKiB = 512 << 10
	maxThreads   = 16
)

func (p Params) check() error {
	switch {
	case p.Time < 1 || p.Time > maxTime:
		return fmt.Errorf("argon2id time %d is not within 1 and %d", p.Time, maxTime)
	case p.MemoryKiB < minMemoryKiB || p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("argon2id memory of %d KiB is not within %d and %d", p.MemoryKiB, minMemoryKiB, maxMemoryKiB)
	case p.Threads < 1 || p.Threads > maxThreads:
		return fmt.Errorf("argon2id threads %d are not within 1 and %d", p.Threads, maxThreads)
	}
	return nil
}
