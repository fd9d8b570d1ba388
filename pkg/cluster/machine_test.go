package cluster_test

import (
	"context"
	"encoding/base64"
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

// answer is what a script prints.
type answer struct {
	io.Writer
	*machine
	stdin string
}

func (a answer) blob(name, content string) {
	fmt.Fprintf(a, "= %s\n%s\n", name, base64.StdEncoding.EncodeToString([]byte(content)))
}

func (a answer) content(name, path string) {
	if content, ok := a.files[path]; ok {
		a.blob(name, content)
	}
}

// script plays a script by its name, which stands behind its text.
func (m *machine) script(c sshtest.Command, stdin string) {
	at := strings.LastIndex(c.Line, " swarmup-")
	words := strings.Fields(strings.ReplaceAll(c.Line[at+len(" swarmup-"):], "'", ""))
	m.commands = append(m.commands, strings.Join(words, " "))
	a := answer{c.Stdout, m, stdin}
	fmt.Fprintln(a, "swarmup begin")
	defer fmt.Fprintln(a, "swarmup end")
	switch words[0] {
	case "probe":
		a.probe()
	case "preflight":
		a.conditions()
	case "firewall":
		a.blob("iptables", m.rules)
		if m.ufw {
			a.blob("ufw", "Status: active\n"+m.ufwRules())
		}
	case "knock":
		a.knock(words[1], words[2])
	case "wall":
		a.wall(words[3])
	case "read":
		a.engineFacts()
		a.configFacts()
	case "stage":
		m.files[daemonFile+".swarmup"] = stdin
	case "swap":
		a.swap(slices.Contains(words, "keep"))
	case "restore":
		a.restore()
	case "forget":
		for _, f := range []string{daemonFile + ".swarmup", daemonFile + ".swarmup-bak", ownedFile} {
			delete(m.files, f)
		}
	case "env":
		a.give(words[1] == "on")
	case "engine":
		a.service(words[1])
	case "answers":
		if !m.running {
			a.blob("error", "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
		}
	case "log":
		a.blob("log", strings.Join(m.journal[len(strings.Join(words[1:], "")):], "\n"))
	case "ports":
		a.blob("taken", "")
	case "firstboot", "prepare", "finish":
	case "custom":
		m.installed = true
	case "apt":
		a.apt(words[1])
	default:
		a.blob("error", "no such script: "+words[0])
	}
}

// apt plays Debian's package manager with Docker's repository.
func (a answer) apt(verb string) {
	switch verb {
	case "versions":
		const version = " 5:28.5.2-1~debian.12~bookworm\n"
		a.blob("versions", "docker-ce"+version+"docker-ce-cli"+version+"containerd.io 1.7.28-1~debian.12~bookworm\n")
	case "install":
		a.files["/proxies"] = a.stdin // what the package manager was told
		a.sleep(a.clock.install)
		a.installed = true
	}
}

func (a answer) probe() {
	a.blob("release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n")
	a.blob("uname", a.name+" x86_64\n")
	a.engineFacts()
	a.configFacts()
	a.blob("disk", "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/vda1 40000000 1 30000000 1% /\n")
	a.blob("addresses", "1: lo    inet 127.0.0.1/8 scope host lo\n2: eth0    inet "+a.addr+"/16 brd 10.0.255.255 scope global eth0\n")
	if a.engine != nil {
		if cluster, node, role := a.engine.Certificate(); node != "" {
			a.blob("certificate", certificate(cluster, node, role))
			return
		}
	}
	a.conditions()
}

func (a answer) engineFacts() {
	a.blob("init", "systemd\n")
	if !a.installed {
		return
	}
	a.blob("dockerd", "Docker version 28.5.2, build 89c5e8f\n")
	if a.running {
		a.blob("cmdline", "/usr/bin/dockerd\x00-H\x00fd://\x00")
	}
}

func (a answer) configFacts() {
	a.content("daemon", daemonFile)
	a.content("owned", ownedFile)
	a.envFacts()
}

// swap puts the staged file in place, and keeps the old one.
func (a answer) swap(keep bool) {
	if old, ok := a.files[daemonFile]; ok && !keep {
		a.files[daemonFile+".swarmup-bak"] = old
	} else if !keep {
		delete(a.files, daemonFile+".swarmup-bak")
	}
	a.files[daemonFile] = a.files[daemonFile+".swarmup"]
	delete(a.files, daemonFile+".swarmup")
}

func (a answer) restore() {
	if old, ok := a.files[daemonFile+".swarmup-bak"]; ok {
		a.files[daemonFile] = old
		return
	}
	delete(a.files, daemonFile)
}

// service is the service manager.
func (a answer) service(verb string) {
	a.blob("mark", strings.Repeat("x", len(a.journal)))
	if verb == "reload" {
		a.engine.SetEngineLabels(a.labels())
		a.journal = append(a.journal, `level=info msg="Reloaded configuration: {}"`)
		return
	}
	switch {
	case verb == "start" && a.running:
		return
	case verb == "restart":
		a.down()
	}
	a.sleep(a.clock.start)
	if a.broken != "" {
		a.journal = append(a.journal, "failed to start daemon: "+a.broken)
		a.blob("error", "Job for docker.service failed because the control process exited with error code.")
		return
	}
	a.launch()
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
