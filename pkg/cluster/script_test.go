package cluster_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

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
	case "lock":
		a.lock(words[1:])
	case "save":
		a.save()
	case "ports":
		a.blob("taken", "")
	case "firstboot":
	case "prepare":
		m.files[markFile] = ""
	case "finish":
		delete(m.files, markFile)
	case "renew":
		if m.running && m.runs != m.version {
			a.blob("outdated", "yes\n")
		}
	case "custom":
		m.installed = true
	case "apt":
		a.apt(words[1], words[2:]...)
	default:
		a.blob("error", "no such script: "+words[0])
	}
}

// apt plays Debian's package manager with Docker's repository.
func (a answer) apt(verb string, packages ...string) {
	switch verb {
	case "versions":
		text := "containerd.io 1.7.28-1~debian.12~bookworm\n"
		for _, v := range a.offers {
			text += "docker-ce 5:" + v + "-1~debian.12~bookworm\ndocker-ce-cli 5:" + v + "-1~debian.12~bookworm\n"
		}
		a.blob("versions", text)
	case "install":
		a.files["/proxies"] = a.stdin // what the package manager was told
		a.sleep(a.clock.install)
		a.installed = true
		for _, v := range a.offers {
			if strings.Contains(strings.Join(packages, " "), "docker-ce=5:"+v+"-") {
				a.version = v
			}
		}
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
	_, marked := a.files[markFile]
	if node := ""; marked && a.engine != nil {
		if _, node, _ = a.engine.Certificate(); node != "" {
			marked = false
			a.blob("unfinished", "yes\n")
		}
	}
	if !a.installed || marked {
		return
	}
	a.blob("dockerd", "Docker version "+a.version+", build 89c5e8f\n")
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
		a.loaded = a.files[daemonFile]
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
