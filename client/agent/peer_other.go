//go:build !linux

package agent

import "net"

// checkPeer leaves it to the directory of the socket: Go can't ask these systems who is at the other end.
func checkPeer(*net.UnixConn) error { return nil }
