package importer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/swarmup/swarmup/pkg/engine"
)

// writer writes one file.
type writer struct {
	o     Options
	self  string // NodeID of the manager that is asked
	taken map[string]bool
	left  []string
	buf   bytes.Buffer
}

func (w *writer) leave(format string, args ...any) {
	w.left = append(w.left, fmt.Sprintf(format, args...))
}

func (w *writer) linef(format string, args ...any) { fmt.Fprintf(&w.buf, format+"\n", args...) }

func (w *writer) file(s engine.Swarm, entries []engine.Node, ingress engine.Ingress) File {
	nodes := w.nodes(entries)
	w.linef("# Written by swarmup import. The machines are as somebody else has made them.")
	w.linef("name: %s", text(w.o.Name))
	w.linef("provider: ssh")
	if login := w.login(); login != "" {
		w.linef("ssh: {%s}", login)
	}
	w.swarm(s, ingress)
	for _, role := range []string{"manager", "worker"} {
		var lines []string
		for _, n := range nodes {
			if n.Role == role {
				lines = append(lines, "  - {"+w.line(n)+"}")
			}
		}
		if len(lines) > 0 {
			w.linef("%ss:\n%s", role, strings.Join(lines, "\n"))
		}
	}
	return File{Text: w.buf.Bytes(), Left: w.left}
}

// login is how all machines are logged in to, as far as it is not the default.
func (w *writer) login() string {
	var keys []string
	if w.o.User != "" {
		keys = append(keys, "user: "+text(w.o.User))
	}
	if w.o.Port != 0 && w.o.Port != 22 {
		keys = append(keys, "port: "+strconv.Itoa(w.o.Port))
	}
	if w.o.IdentityFile != "" {
		keys = append(keys, "identity_file: "+text(w.o.IdentityFile))
	}
	return strings.Join(keys, ", ")
}

// swarm writes the ID, and the settings that are not the engine's own choice.
func (w *writer) swarm(s engine.Swarm, ingress engine.Ingress) {
	w.linef("swarm:\n  id: %s", s.ID)
	if len(s.Pool) > 0 && !slices.Equal(s.Pool, []string{defaultPool}) {
		w.linef("  default_addr_pool: [%s]", strings.Join(s.Pool, ", "))
	}
	if s.SubnetSize != 0 && s.SubnetSize != defaultSubnet {
		w.linef("  subnet_size: %d", s.SubnetSize)
	}
	if s.DataPathPort != 0 && s.DataPathPort != defaultDataPort {
		w.linef("  data_path_port: %d", s.DataPathPort)
	}
	if s.NodeCertExpiry != 0 && s.NodeCertExpiry != defaultExpiry {
		w.linef("  node_cert_expiry: %s", duration(s.NodeCertExpiry))
	}
	if s.TaskHistory != defaultHistory {
		w.linef("  task_history: %d", s.TaskHistory)
	}
	if s.Heartbeat != 0 && s.Heartbeat != defaultHeartbeat {
		w.linef("  heartbeat: %s", duration(s.Heartbeat))
	}
	var keys []string
	if mtu := ingress.Beneath(); ingress.ID != "" && mtu != engine.DefaultMTU {
		keys = append(keys, "mtu: "+strconv.Itoa(mtu))
	}
	if len(ingress.Subnets) == 1 && !within(ingress.Subnets[0], poolsOf(s)) {
		keys = append(keys, "subnet: "+ingress.Subnets[0])
	}
	if ingress.Encrypted {
		keys = append(keys, "encrypted: true")
	}
	if len(keys) > 0 {
		w.linef("  ingress: {%s}", strings.Join(keys, ", "))
	}
	if s.Autolock {
		w.leave("swarm.autolock: the managers are locked, and nobody says where their key is to be kept")
	}
}

// line is what the file says of one node.
func (w *writer) line(n node) string {
	keys := []string{"name: " + n.name, "address: " + text(n.address)}
	if n.Availability != "" && n.Availability != "active" {
		keys = append(keys, "availability: "+n.Availability)
	}
	if l := w.labels(n, "node", n.Labels); l != "" {
		keys = append(keys, "labels: {"+l+"}")
	}
	if l := w.labels(n, "engine", n.EngineLabels); l != "" {
		keys = append(keys, "engine_labels: {"+l+"}")
	}
	return strings.Join(keys, ", ")
}

// labels writes labels in the order of their keys, but for swarmup's own and
// those that a file cannot have.
func (w *writer) labels(n node, kind string, labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		v := labels[k]
		switch {
		case strings.HasPrefix(k, "swarmup."):
		case reserved(k), strings.ContainsFunc(v, unicode.IsControl):
			w.leave("the %s label %s of %s, which no file can have", kind, strconv.Quote(k), n.name)
		default:
			out = append(out, key(k)+": "+text(v))
		}
	}
	return strings.Join(out, ", ")
}

// reserved says whether a key is one that Docker keeps for itself (moby
// opts/opts.go, ValidateLabel), or cannot be written.
func reserved(key string) bool {
	lower := strings.ToLower(key)
	odd := func(r rune) bool { return r == '=' || unicode.IsSpace(r) || unicode.IsControl(r) }
	return strings.HasPrefix(lower, "com.docker.") || strings.HasPrefix(lower, "io.docker.") ||
		strings.HasPrefix(lower, "org.dockerproject.") || key == "" || strings.Contains(key, "${") || strings.ContainsFunc(key, odd)
}

// plain matches what YAML takes for text in whatever place, but for the words
// beneath it.
var plain = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9_./-]*$`)

// text writes a value so that it is read as that text, and not as one with
// variables in it.
func text(s string) string { return key(strings.ReplaceAll(s, "$", "$$")) }

// key writes a text so that it is read as that text: neither as a number nor as
// a truth. All that JSON can say YAML reads alike.
func key(s string) string {
	words := []string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}
	if plain.MatchString(s) && !slices.Contains(words, strings.ToLower(s)) {
		return s
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return strconv.Quote(s) // texts always can be written
	}
	return strings.TrimSpace(b.String())
}

// poolsOf gives where the networks of a swarm come from. Engines of some versions
// do not tell what they have chosen themselves.
func poolsOf(s engine.Swarm) []string {
	if len(s.Pool) == 0 {
		return []string{defaultPool}
	}
	return s.Pool
}

// within says whether a network lies in one of the pools, from which the engine
// has taken it by itself.
func within(subnet string, pools []string) bool {
	n, err := netip.ParsePrefix(subnet)
	return err == nil && slices.ContainsFunc(pools, func(pool string) bool {
		p, err := netip.ParsePrefix(pool)
		return err == nil && p.Bits() <= n.Bits() && p.Contains(n.Addr())
	})
}

// duration writes 2160h0m0s as 2160h.
func duration(d time.Duration) string {
	s := d.String()
	s, _ = strings.CutSuffix(s, "m0s")
	if s != d.String() {
		s += "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}
