package agent_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/phrledger/phr/client/agent"
)

// TestAttack53_AgentOfAnotherUser: a user who gets past the directory is refused by what the system tells of them, on either side.
func TestAttack53_AgentOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root becomes another user")
	}
	r := start(t, 0)
	if err := asNobody(t, func() error { return connect(r.path) }); !errors.Is(err, os.ErrPermission) {
		t.Errorf("past a directory of mode 0700: %v, want ErrPermission", err)
	}
	for dir := r.dir; dir != "/"; dir = filepath.Dir(dir) { // as if the owner had opened everything
		if info := must(os.Stat(dir)); info.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(dir, info.Mode().Perm()|0o055); err != nil {
				t.Fatal(err)
			}
			defer os.Chmod(dir, info.Mode().Perm())
		}
	}
	if err := os.Chmod(r.path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := asNobody(t, func() error { return connect(r.path) }); !errors.Is(err, errHungUp) {
		t.Errorf("with the directory open: %v, want that the agent hangs up", err)
	}
}

var errHungUp = errors.New("hung up")

// connect asks the agent at a path who it is.
func connect(path string) error {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		return err
	}
	if _, err := syscall.Write(fd, agent.Message("who", struct{}{})); err != nil {
		return errHungUp
	}
	if n, err := syscall.Read(fd, make([]byte, 16)); n > 0 {
		return nil
	} else if err == nil || errors.Is(err, syscall.ECONNRESET) {
		return errHungUp
	} else {
		return err
	}
}

// asNobody runs f on a thread that belongs to another user, and ends the thread.
func asNobody(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for ever: the thread ends with the goroutine
		const nobody = 65534
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, nobody, nobody, nobody); errno != 0 {
			done <- errno
			return
		}
		done <- f()
	}()
	return <-done
}
