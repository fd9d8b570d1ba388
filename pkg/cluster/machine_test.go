package cluster_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

const (
	daemonFile = "/etc/docker/daemon.json"
	ownedFile  = "/etc/docker/swarmup.json"
	markFile   = "/etc/docker/swarmup-installing"
)

// machine is one machine in memory: an sshd, some files, a service manager, and
// an engine of the world once there is one. It answers the scripts of package
// bootstrap as the real ones answer on a Debian; a test compares the two.
type machine struct {
	net   *swarmtest.World
	name  string // its host name
	addr  string
	sshd  *sshtest.Server
	keys  []string // who may log in; "" is a free place. sshd reads it at each login
	inner bool     // it can be reached from other machines only
	lan   func(addr string) (net.Conn, error)
	clock clock

	mu        sync.Mutex
	files     map[string]string
	installed bool
	version   string            // of the engine on its disk
	runs      string            // and of its process
	loaded    string            // the daemon.json that it works by
	offers    []string          // versions that can be had
	onDown    func()            // is told when its engine stops
	engine    *swarmtest.Engine // nil until it was started for the first time
	running   bool
	off       bool
	removed   bool   // destroyed for good
	broken    string // why the engine does not start
	noSudo    bool
	circumstances
	environment
	journal   []string
	passwords []string // what sudo was given; it refuses all
	commands  []string // the scripts that were run, with their arguments
}

// clock is how long things take on a machine.
type clock struct{ install, start time.Duration }

// Exec does what a command asks for.
func (m *machine) exec(c sshtest.Command) int {
	if _, prompt, given := strings.Cut(c.Line, "sudo -k -S -p "); given {
		prompt, _, _ = strings.Cut(prompt, " ")
		return m.refusePassword(c, prompt)
	}
	stdin, _ := io.ReadAll(c.Stdin) // a command without one has its end at once
	if c.User != "root" && m.noSudo {
		fmt.Fprintln(c.Stderr, "sudo: a password is required")
		return 1
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case strings.HasPrefix(c.Line, "exec sh -c "):
		m.script(c, string(stdin))
	case strings.HasPrefix(c.Line, "set -eu\nexport LC_ALL=C\np='"): // ssh.Host.Put
		_, rest, _ := strings.Cut(c.Line, "\np='")
		path, _, _ := strings.Cut(rest, "'")
		m.files[path] = string(stdin)
		m.commands = append(m.commands, "put "+path)
	case strings.HasPrefix(c.Line, "[ -S '/var/run/docker.sock' ]") && !m.running:
		return 66
	default:
		fmt.Fprintf(c.Stderr, "no such command: %s\n", c.Line)
		return 127
	}
	return 0
}

// forward connects to the engine's socket, or to a port of another machine.
func (m *machine) forward(network, addr string) (net.Conn, error) {
	if network == "tcp" && m.barred {
		return nil, sshtest.ErrProhibited
	}
	if network == "tcp" {
		return m.lan(addr)
	}
	m.mu.Lock()
	e, running := m.engine, m.running
	m.mu.Unlock()
	if !running || network != "unix" || addr != "/var/run/docker.sock" {
		return nil, syscall.ECONNREFUSED
	}
	return e.Dial(context.Background(), network, addr)
}

// sleep lets others in meanwhile.
func (m *machine) sleep(d time.Duration) {
	m.mu.Unlock()
	time.Sleep(d)
	m.mu.Lock()
}

// launch starts the engine by its daemon.json.
func (m *machine) launch() {
	switch {
	case m.off:
		return
	case m.engine == nil:
		m.engine = m.net.Engine(m.addr, m.name)
	}
	m.inherit()
	m.runs, m.loaded = m.version, m.files[daemonFile]
	m.engine.SetVersion(m.version, "1.51")
	m.engine.Revive()
	m.engine.SetEngineLabels(m.labels())
	m.running = true
}

// halt ends the engine as kill -9 does.
func (m *machine) halt() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down()
}

func (m *machine) down() {
	if m.onDown != nil {
		m.onDown()
	}
	if m.engine != nil {
		m.engine.Kill()
	}
	m.running = false
}

// labels are those of daemon.json; a file that leaves them out changes nothing.
func (m *machine) labels() map[string]string {
	config := parse[struct{ Labels []string }](m.files[daemonFile])
	out := map[string]string{}
	for _, l := range config.Labels {
		k, v, _ := strings.Cut(l, "=")
		out[k] = v
	}
	return out
}

// powerOff switches the machine off; powerOn switches it on, with its engine.
func (m *machine) powerOff() {
	m.mu.Lock()
	m.off = true
	m.down()
	m.mu.Unlock()
	m.sshd.Misbehave(sshtest.Fault{Refuse: true})
	m.sshd.Kick()
}

func (m *machine) powerOn() {
	m.mu.Lock()
	if m.removed {
		m.mu.Unlock()
		return
	}
	m.off = false
	if m.installed {
		m.launch()
	}
	m.mu.Unlock()
	m.heal()
}

// remove destroys the machine.
func (m *machine) remove() {
	m.mu.Lock()
	m.removed = true
	m.mu.Unlock()
	m.powerOff()
}

// heal lets the sshd behave, if the machine is on.
func (m *machine) heal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.off {
		m.sshd.Misbehave(good())
	}
}

// restart ends the engine, if it runs, and starts it again.
func (m *machine) restart() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running {
		m.down()
		m.launch()
	}
}

// bring puts an engine on the machine that runs by a daemon.json of others'.
func (m *machine) bring(daemon string) *machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	if daemon != "" {
		m.files[daemonFile] = daemon
	}
	m.installed = true
	m.launch()
	return m
}

// ran counts the scripts that were run and that change something.
func (m *machine) ran(script string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.commands {
		if strings.HasPrefix(c, script) {
			n++
		}
	}
	return n
}

func (m *machine) read(path string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.files[path]
}

// state gives all that an apply may change about the machine.
func (m *machine) state() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := fmt.Sprintf("%s installed=%t running=%t keys=%q\n", m.name, m.installed, m.running, m.keys)
	for _, f := range slices.Sorted(maps.Keys(m.files)) {
		out += f + ": " + m.files[f] + "\n"
	}
	return out
}
