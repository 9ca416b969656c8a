package protocol

import (
	"fmt"
	"net"
	"strings"

	"github.com/phrledger/phr/crypto/identity"
)

// URL says where a node is and who its root is. Whoever has it needs to trust nothing else about the node:
// phr://host:port/<GID of the root>.
type URL struct {
	Address string // host:port; empty for a node in the same process
	Root    identity.GID
}

const urlScheme = "phr://"

// String returns the text form.
func (u URL) String() string { return urlScheme + u.Address + "/" + string(u.Root) }

// ParseURL reads the text form.
func ParseURL(s string) (URL, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), urlScheme)
	address, root, slash := strings.Cut(rest, "/")
	if !ok || !slash {
		return URL{}, fmt.Errorf("%q is not the address of a node: it looks like phr://host:port/<key>, as phr node prints it", s)
	}
	if address != "" {
		if _, _, err := net.SplitHostPort(address); err != nil {
			return URL{}, fmt.Errorf("the address of a node names a host and a port: %w", err)
		}
	}
	gid, err := identity.ParseGID(root)
	if err != nil {
		return URL{}, fmt.Errorf("the address of a node ends in its root key: %w", err)
	}
	return URL{address, gid}, nil
}
