package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

// Listen makes the socket of an agent at path, in a directory that only its owner can enter. The socket goes away when the listener is
// closed. One that an agent left behind is replaced; one that an agent listens at is not.
func Listen(path string) (*net.UnixListener, error) {
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	switch c, err := net.Dial("unix", path); {
	case err == nil:
		c.Close()
		return nil, fmt.Errorf("an agent runs at %s already", path)
	case errors.Is(err, fs.ErrNotExist):
	default:
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("%s is not a socket: name another place with --socket", path)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("making the socket %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// checkDirectory refuses a socket where others could put one of theirs, or reach it.
func checkDirectory(path string) error {
	dir := filepath.Dir(path)
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("others can reach %s (mode %04o): an agent's socket is in a directory of mode 0700", dir, info.Mode().Perm())
	}
	return nil
}

// dial connects to an agent of the same user.
func dial(path string) (*net.UnixConn, error) {
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if err := checkPeer(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
