package ssh_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// dockerHost is a host whose socket cannot be reached by forwarding, but by
// its docker command, run by root.
type dockerHost struct {
	socket bool   // there is one
	stderr string // of a docker command that fails; "" is one that works
	lines  []string
	mu     sync.Mutex
	direct atomic.Int32 // how often forwarding was tried
}

func (d *dockerHost) forward(string, string) (net.Conn, error) {
	d.direct.Add(1)
	return nil, errors.New("permission denied")
}

func (d *dockerHost) exec(c sshtest.Command) int {
	d.mu.Lock()
	d.lines = append(d.lines, c.Line)
	d.mu.Unlock()
	switch {
	case strings.Contains(c.Line, "[ -S "):
		if !d.socket {
			return 66
		}
		return 0
	case strings.HasSuffix(c.Line, " system dial-stdio") || strings.HasSuffix(c.Line, " system dial-stdio'"):
		if d.stderr != "" {
			_, _ = io.WriteString(c.Stderr, d.stderr)
			return 1
		}
		_, _ = io.Copy(c.Stdout, c.Stdin)
		return 0
	}
	return 127
}

func TestDockerSocketIsReachedByItsCommandWhereForwardingIsRefused(t *testing.T) {
	const check, dial = `[ -S '/var/run/docker.sock' ] || exit 66`, `docker -H 'unix:///var/run/docker.sock' system dial-stdio`
	sudo := func(cmd string) string {
		return "env LC_ALL=C sudo -n sh -c '" + strings.ReplaceAll(cmd, "'", `'\''`) + "'"
	}
	tests := []struct {
		user  string
		lines []string
	}{
		{"admin", []string{sudo(check), sudo("exec " + dial), sudo("exec " + dial)}},
		{"root", []string{check, dial, dial}},
	}
	for _, tt := range tests {
		t.Run(tt.user, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &dockerHost{socket: true}
				h := newSite(t, sshtest.Options{Memory: true, Forward: d.forward, Exec: d.exec}).dialAs(t, tt.user)
				for range 2 {
					conn, err := h.DialContext(t.Context(), "unix", "/var/run/docker.sock")
					if err != nil {
						t.Fatal(err)
					}
					_, _ = io.WriteString(conn, "ping")
					got := make([]byte, 4)
					if _, err := io.ReadFull(conn, got); err != nil || string(got) != "ping" {
						t.Errorf("got %q, %v", got, err)
					}
					_ = conn.Close()
				}
				_ = h.Close()
				if fmt.Sprint(d.lines) != fmt.Sprint(tt.lines) || d.direct.Load() != 1 {
					t.Errorf("ran %q after %d tries, want %q after 1", d.lines, d.direct.Load(), tt.lines)
				}
			})
		})
	}
}

func TestDockerCommandIsToldThatNothingMoreIsWanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &dockerHost{socket: true}
		exec := func(c sshtest.Command) int {
			if !strings.Contains(c.Line, "dial-stdio") {
				return d.exec(c)
			}
			_, _ = io.WriteString(c.Stdout, "bye")
			if half, ok := c.Stdout.(interface{ CloseWrite() error }); ok {
				_ = half.CloseWrite()
			}
			_, _ = io.Copy(io.Discard, c.Stdin) // it ends with its input
			return 0
		}
		h := newSite(t, sshtest.Options{Memory: true, Forward: d.forward, Exec: exec}).dial(t)
		conn, err := h.DialContext(t.Context(), "unix", "/var/run/docker.sock")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if got, err := io.ReadAll(conn); string(got) != "bye" || err != nil || time.Since(start) != 0 {
			t.Errorf("got %q, %v after %s", got, err, time.Since(start))
		}
		_ = conn.Close()
		_ = h.Close()
	})
}

func TestDockerSocketSaysWhyItCannotBeReached(t *testing.T) {
	tests := []struct {
		name string
		host *dockerHost
		exec func(sshtest.Command) int
		dial string // error of DialContext
		read string // else of the first Read
	}{
		{name: "there is none", host: &dockerHost{}, dial: "connect to /run/docker.sock on n1: no such socket: Docker is not installed or not running"},
		{name: "the login user has no sudo", host: &dockerHost{}, exec: script("", "sudo: a password is required\n", 1),
			dial: "connect to /run/docker.sock on n1: sudo does not let the login user act as root: sudo: a password is required"},
		{name: "nobody answers", host: &dockerHost{socket: true, stderr: "noise\nCannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?\n"},
			read: "read from /run/docker.sock on n1: Cannot connect to the Docker daemon at unix:///run/docker.sock. Is the docker daemon running?"},
		{name: "there is no client", host: &dockerHost{socket: true, stderr: "sh: 1: docker: not found\n"}, read: "read from /run/docker.sock on n1: sh: 1: docker: not found"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exec := tt.host.exec
				if tt.exec != nil {
					exec = tt.exec
				}
				h := newSite(t, sshtest.Options{Memory: true, Forward: tt.host.forward, Exec: exec}).dialAs(t, "admin")
				conn, err := h.DialContext(t.Context(), "unix", "/run/docker.sock")
				if text(err) != tt.dial {
					t.Errorf("error\n got %q\nwant %q", err, tt.dial)
				}
				if err == nil {
					_, err = conn.Read(make([]byte, 8))
					if text(err) != tt.read {
						t.Errorf("read\n got %q\nwant %q", err, tt.read)
					}
					_ = conn.Close()
				}
				_ = h.Close()
			})
		})
	}
}
