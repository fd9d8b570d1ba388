package bootstrap

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/swarmup/swarmup/pkg/spec"
)

// lock makes a process of the machine hold a lock, as the kernel shows it.
func (m *machine) lock(path, process string) {
	m.t.Helper()
	m.write(path, "")
	m.write("/proc/812/comm", process+"\n")
	m.must(os.MkdirAll(m.root+"/proc/812/fd", 0o755))
	m.link(m.root+path, "/proc/812/fd/4")
	info, err := os.Stat(m.root + path)
	m.must(err)
	stat, _ := info.Sys().(*syscall.Stat_t)
	m.write("/proc/locks", fmt.Sprintf("1: OFDLCK ADVISORY  READ -1 00:06:3 0 EOF\n"+
		"2: -> POSIX  ADVISORY  WRITE 999 fe:01:%d 0 EOF\n3: POSIX  ADVISORY  WRITE 812 fe:01:%d 0 EOF\n", stat.Ino, stat.Ino))
}

func TestInstallWaitsForWhoeverHoldsALock(t *testing.T) {
	tests := []struct {
		os, path, want string
		own            []string
	}{
		{"debian", "/var/lib/apt/lists/lock", "waiting for unattended-upgr (process 812), which holds /var/lib/apt/lists/lock", aptOwn},
		{"debian", "/var/lib/dpkg/lock-frontend", "waiting for unattended-upgr (process 812), which holds /var/lib/dpkg/lock-frontend", aptOwn},
		{"fedora", "/usr/lib/sysimage/rpm/.rpm.lock", "waiting for unattended-upgr (process 812), which holds /usr/lib/sysimage/rpm/.rpm.lock", dnfOwn},
		{"alpine", "/lib/apk/db/lock", "waiting for unattended-upgr (process 812), which holds /lib/apk/db/lock", otherOwn},
	}
	for _, tt := range tests {
		eachShell(t, func(t *testing.T, m *machine) {
			synctest.Test(t, func(t *testing.T) {
				f := m.on(Facts{OS: tt.os}, fakeDistro{Own: tt.own})
				m.lock(tt.path, "unattended-upgr")
				var said []string
				err := Install(t.Context(), m, f, Request{How: spec.InstallDistro}, func(s string) {
					said = append(said, s)
					if s == tt.want {
						m.must(os.RemoveAll(m.root + "/proc/812"))
					}
				})
				if err != nil || !slices.Contains(said, tt.want) {
					t.Errorf("got %v, %q, want %q", err, said, tt.want)
				}
			})
		})
	}
}

// locked is a machine whose package manager is never free.
type locked struct{ *machine }

// Run answers for the package manager as its script does.
func (l locked) Run(ctx context.Context, cmd string, stdin io.Reader) (string, error) {
	if strings.Contains(cmd, " swarmup-apt ") {
		holder := base64.StdEncoding.EncodeToString([]byte("aptitude (process 812), which holds /var/lib/apt/lists/lock\n"))
		return "swarmup begin\n= locked\n" + holder + "\nswarmup end\n", nil
	}
	return l.machine.Run(ctx, cmd, stdin)
}

func TestALockThatIsNeverGivenUpEndsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMachine(t, "/bin/sh")
		f := m.on(trixie())
		err := Install(t.Context(), locked{m}, f, Request{}, nil)
		want := "install engine: wait for apt's locks: not within 10m0s: aptitude (process 812), which holds /var/lib/apt/lists/lock"
		if text(err) != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	})
}

func TestInstallWaitsForTheFirstBoot(t *testing.T) {
	tests := []struct {
		name, status, system string
		waits                bool
	}{
		{"at work", "running", "starting", true},
		{"done", "done", "running", false},
		{"failed", "error", "degraded", false},
		{"switched off", "disabled", "running", false},
		{"before its turn", "not started", "starting", true},
		{"never had a turn", "not run", "running", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := newMachine(t, "/bin/sh")
			f := m.on(Facts{OS: "debian"}, fakeDistro{Own: aptOwn})
			m.tool("cloud-init", `echo "cloud-init $*" >>"$ROOT/calls"; echo "status: `+tt.status+`"; exit 2`)
			m.write("/system", tt.system)
			said := ""
			if err := Install(t.Context(), m, f, Request{How: spec.InstallDistro}, func(s string) { said += s + "\n" }); err != nil {
				t.Fatal(err)
			}
			waited := slices.Contains(m.calls(), "cloud-init status --wait")
			if waited != tt.waits || strings.Contains(said, "waiting for cloud-init") != tt.waits {
				t.Errorf("waited: got %v, %s", waited, said)
			}
		})
	}
}
