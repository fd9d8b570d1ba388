package e2e

import (
	"fmt"
	"maps"
	"strings"
)

// node is a member as the docker command line shows it.
type node struct {
	Spec struct {
		Labels       map[string]string
		Role         string
		Availability string
	}
	Description struct {
		Hostname string
		Engine   struct{ Labels map[string]string }
	}
	Status        struct{ State string }
	ManagerStatus *struct {
		Leader       bool
		Reachability string
	}
}

// members asks a manager's own docker command line for all members.
func (l *lab) members(manager string) ([]node, error) {
	l.Helper()
	out, err := l.try(manager, "docker node inspect $(docker node ls -q)")
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return decode[[]node](l.T, out), nil
}

// want is a member as the file has it: its role, labels and engine labels.
type want struct {
	role, availability string
	labels, engine     map[string]string
}

// swarmIs fails unless the swarm is exactly that: every member ready, with its
// role, labels and availability, and nobody else, be it Down or without a name.
func (l *lab) swarmIs(manager string, members map[string]want) {
	l.Helper()
	if err := l.differs(manager, members); err != nil {
		l.Errorf("%v\n%s", err, l.on(manager, "docker node ls"))
	}
}

func (l *lab) differs(manager string, members map[string]want) error {
	l.Helper()
	got, err := l.members(manager)
	if err != nil {
		return err
	}
	if len(got) != len(members) {
		return fmt.Errorf("%d members, want %d", len(got), len(members))
	}
	leaders := 0
	for _, n := range got {
		w, ok := members[n.Description.Hostname]
		if !ok {
			return fmt.Errorf("member %q is not in the file", n.Description.Hostname)
		}
		if err := n.is(w); err != nil {
			return fmt.Errorf("%s: %w", n.Description.Hostname, err)
		}
		if n.ManagerStatus != nil && n.ManagerStatus.Leader {
			leaders++
		}
	}
	if leaders != 1 {
		return fmt.Errorf("%d leaders, want 1", leaders)
	}
	return nil
}

func (n node) is(w want) error {
	if w.availability == "" {
		w.availability = "active"
	}
	theirs := map[string]string{}
	for k, v := range n.Spec.Labels {
		if !strings.HasPrefix(k, "swarmup.") {
			theirs[k] = v
		}
	}
	switch {
	case n.Status.State != "ready":
		return fmt.Errorf("state %s", n.Status.State)
	case n.Spec.Role != w.role:
		return fmt.Errorf("role %s, want %s", n.Spec.Role, w.role)
	case (n.ManagerStatus != nil) != (w.role == "manager"):
		return fmt.Errorf("manager status %v with role %s", n.ManagerStatus, w.role)
	case n.ManagerStatus != nil && n.ManagerStatus.Reachability != "reachable":
		return fmt.Errorf("reachability %s", n.ManagerStatus.Reachability)
	case n.Spec.Availability != w.availability:
		return fmt.Errorf("availability %s, want %s", n.Spec.Availability, w.availability)
	case !maps.Equal(theirs, w.labels) && len(theirs)+len(w.labels) > 0:
		return fmt.Errorf("labels %v, want %v", theirs, w.labels)
	case !maps.Equal(n.Description.Engine.Labels, w.engine) && len(n.Description.Engine.Labels)+len(w.engine) > 0:
		return fmt.Errorf("engine labels %v, want %v", n.Description.Engine.Labels, w.engine)
	}
	return nil
}

// gone fails if anything is left of the cluster: a container, a network, a
// volume or a file of ours.
func (l *lab) gone() {
	l.Helper()
	for _, list := range [][]string{{"ps", "-a"}, {"network", "ls"}, {"volume", "ls"}} {
		out := output(l.T, "docker", append(list, "--format", "{{json .}}")...)
		for _, line := range strings.Split(out, "\n") {
			if strings.Contains(line, l.name) {
				l.Errorf("docker %s still shows %s", strings.Join(list, " "), line)
			}
		}
	}
	for _, f := range files(l.T, l.home) {
		l.Errorf("%s is left", f)
	}
}

// second runs apply once more and wants it to find nothing to do.
func (l *lab) second(args ...string) {
	l.Helper()
	if r := l.must("plan", "--detailed-exitcode"); r.code != 0 {
		l.Errorf("a plan after apply is not empty: %s", r)
	}
	l.must(append([]string{"apply"}, args...)...)
}

// running counts the running tasks of a service by node.
func (l *lab) running(manager, service string) map[string]int {
	l.Helper()
	out := l.on(manager, "docker service ps --filter desired-state=running --format '{{.Node}} {{.CurrentState}}' "+service)
	count := map[string]int{}
	for _, line := range strings.Split(out, "\n") {
		if name, state, ok := strings.Cut(line, " "); ok && strings.HasPrefix(state, "Running") {
			count[name]++
		}
	}
	return count
}

func equal(what string, got, want map[string]int) error {
	if !maps.Equal(got, want) {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}
