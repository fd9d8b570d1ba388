package spec

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// maxNodes bounds a cluster. Swarms of more were never seen to work well, and a
// count is easily mistyped.
const maxNodes = 1000

// groups expands the elements of managers and workers into nodes.
type groups struct {
	*builder
	cluster   *Cluster
	engine    Engine // the cluster's
	names     map[string]place
	addresses map[string]place
	full      bool
}

func (g *groups) add(list list[group], role Role) {
	for i := range list {
		v := &list[i]
		node := g.node(v, role)
		for _, name := range g.expand(&v.v) {
			node.Name = name
			g.cluster.Nodes = append(g.cluster.Nodes, node)
		}
	}
}

// expand gives the names of a group's nodes, none where they are mistaken.
func (g *groups) expand(k *group) []string {
	if !k.Name.good || !k.Count.sound() {
		return nil
	}
	names := k.names()
	if text := badGroup(k, names); text != "" {
		g.wrong(k.Name.at, "%s", text)
		return nil
	}
	if len(g.cluster.Nodes)+len(names) > maxNodes {
		if !g.full {
			g.wrong(k.Name.at, "more than %d nodes in all", maxNodes)
		}
		g.full = true
		return nil
	}
	return g.claim(k, names)
}

func (k *group) names() []string {
	if !k.Count.given {
		return []string{k.Name.v}
	}
	names := make([]string, k.Count.v)
	for i := range names {
		names[i] = k.Name.v + strconv.Itoa(i+1)
	}
	return names
}

// badGroup checks the names of a group. The longest is the last.
func badGroup(k *group, names []string) string {
	if len(names) > 0 && nameForm.MatchString(k.Name.v) {
		return badName(names[len(names)-1])
	}
	return badName(strings.TrimSuffix(k.Name.v, "-"))
}

// claim reports the first name that another line has too.
func (g *groups) claim(k *group, names []string) []string {
	for _, name := range names {
		if first, taken := g.names[name]; taken {
			g.wrong(k.Name.at, "the node %q is also that of %s (line %d)", name, first.path, first.pos.Line)
			return nil
		}
	}
	for _, name := range names {
		g.names[name] = place{k.Name.at.pos, strings.TrimSuffix(k.Name.at.path, ".name")}
	}
	return names
}

// node gives what all nodes of a group have in common.
func (g *groups) node(v *val[group], role Role) Node {
	k := &v.v
	g.checkAddress(v)
	g.checkMachine(k)
	g.checkConflicts(k)
	for _, l := range k.Labels.v {
		if strings.HasPrefix(l.key, ownPrefix) {
			g.wrong(l.at, "labels that begin with %s are swarmup's own", ownPrefix)
		}
	}
	engine := g.builder.engine(&k.Engine.v, g.engine)
	engine.Labels = k.EngineLabels.v.over(engine.Labels)
	ssh := g.ssh(&k.SSH.v.sshKeys, g.cluster.SSH)
	ssh.HostKey = g.hostKey(k)
	return Node{
		Role:         role,
		Address:      k.Address.v,
		Advertise:    g.advertise(&k.Advertise, k, g.cluster.Swarm.Advertise),
		DataPath:     g.advertise(&k.DataPath, k, ""),
		Labels:       k.Labels.v.over(nil),
		Availability: Availability(k.Availability.v),
		SSH:          ssh,
		Engine:       engine,
		Machine:      Machine{CPUs: k.Machine.v.CPUs.v, Memory: int64(k.Machine.v.Memory.v), Image: k.Machine.v.Image.v},
		Pos:          v.at.pos,
	}
}

// several says that a line stands for more than one node.
func (k *group) several() bool { return k.Count.good && k.Count.v > 1 }

func (g *groups) checkAddress(v *val[group]) {
	k, a := &v.v, &v.v.Address
	switch provider := g.cluster.Provider.Name; {
	case provider == "":
		return
	case provider != "ssh":
		if a.given {
			g.wrong(a.at, "provider %q gives the machines their addresses: leave the key out", provider)
		}
		return
	case !a.given && k.Name.given:
		g.wrong(place{v.at.pos, child(v.at.path, "address")}, "missing: provider \"ssh\" must know where the machine is")
		return
	case !a.good:
		return
	}
	if text := badHost(a.v); text != "" {
		g.wrong(a.at, "%s", text)
		return
	}
	if k.several() {
		g.wrong(a.at, "%d nodes cannot have one address: give each a line of its own", k.Count.v)
		return
	}
	g.once(a)
}

// once reports an address that an earlier line has.
func (g *groups) once(a *val[string]) {
	same := strings.ToLower(a.v)
	if ip, err := netip.ParseAddr(a.v); err == nil {
		same = ip.Unmap().String()
	}
	if first, taken := g.addresses[same]; taken {
		g.wrong(a.at, "%q is also the address of %s (line %d)", a.v, first.path, first.pos.Line)
		return
	}
	g.addresses[same] = place{a.at.pos, strings.TrimSuffix(a.at.path, ".address")}
}

func (g *groups) checkMachine(k *group) {
	if k.Machine.given && g.cluster.Provider.Name == "ssh" {
		g.wrong(k.Machine.at, "provider \"ssh\" takes machines as they are: leave the key out")
	}
}

// checkConflicts reports a label that one line sets twice in two ways.
func (g *groups) checkConflicts(k *group) {
	others := make(map[string]label, len(k.Engine.v.Labels.v))
	for _, l := range k.Engine.v.Labels.v {
		others[l.key] = l
	}
	for _, l := range k.EngineLabels.v {
		if other, both := others[l.key]; both && l.value != other.value {
			g.wrong(l.at, "engine.labels of this node says %q (line %d)", clip(other.value), other.at.pos.Line)
		}
	}
}

// advertise gives what a node says, else the cluster's.
func (g *groups) advertise(v *val[string], k *group, otherwise string) string {
	switch {
	case !v.given:
		return otherwise
	case !v.good:
		return ""
	}
	text := badInterface(v.v)
	if _, err := netip.ParseAddr(v.v); text == "" && err == nil && k.several() {
		text = fmt.Sprintf("%d nodes cannot have one address: write an interface name or a CIDR", k.Count.v)
	}
	if text != "" {
		g.wrong(v.at, "%s", text)
	}
	return v.v
}
