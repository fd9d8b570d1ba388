package chaos

import (
	"fmt"
	"slices"
	"strings"
)

// member is a node as the file has it.
type member struct {
	name string
	role string // manager or worker
	zone string // node label zone; "" is none
	tier string // engine label tier; "" is none
	// availability is what stands in the file. Once it does it stays there:
	// without the key swarmup leaves the node's availability as it is.
	availability string
}

const (
	manager = "manager"
	worker  = "worker"
)

// shape is the content of a file: what a cluster shall be. Nil is no cluster.
type shape []member

func (s shape) of(role string) (out []member) {
	for _, m := range s {
		if m.role == role {
			out = append(out, m)
		}
	}
	return out
}

func (s shape) find(name string) *member {
	if i := slices.IndexFunc(s, func(m member) bool { return m.name == name }); i >= 0 {
		return &s[i]
	}
	return nil
}

// String is managers+workers, such as "3+2".
func (s shape) String() string {
	if s == nil {
		return "nothing"
	}
	return fmt.Sprintf("%d+%d", len(s.of(manager)), len(s.of(worker)))
}

// free gives the first names that no node has. So names come back: what is left
// of a node would be found by its namesake.
func (s shape) free(n int) (out []string) {
	for i := 1; len(out) < n; i++ {
		if name := fmt.Sprintf("n%d", i); s.find(name) == nil {
			out = append(out, name)
		}
	}
	return out
}

// yaml is the file.
func (s shape) yaml(cluster, image string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\nprovider: {docker: {image: %q}}\n", cluster, image)
	for _, role := range []string{manager, worker} {
		if len(s.of(role)) > 0 {
			fmt.Fprintf(&b, "%ss:\n", role)
		}
		for _, m := range s.of(role) {
			fmt.Fprintf(&b, "  - {name: %s", m.name)
			if m.zone != "" {
				fmt.Fprintf(&b, ", labels: {zone: %s}", m.zone)
			}
			if m.tier != "" {
				fmt.Fprintf(&b, ", engine_labels: {tier: %s}", m.tier)
			}
			if m.availability != "" {
				fmt.Fprintf(&b, ", availability: %s", m.availability)
			}
			b.WriteString("}\n")
		}
	}
	return b.String()
}
