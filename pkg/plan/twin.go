package plan

import "slices"

// copiesLast gives all hosts, and those behind the others that take themselves for
// a member whose name the swarm shows as another's: of two that are one it is the
// copy that gets an identity of its own, and is named.
func copiesLast(have State) []Host {
	shown := map[string]string{} // NodeID -> hostname
	if have.Swarm != nil {
		for _, e := range have.Swarm.Nodes {
			shown[e.ID] = e.Hostname
		}
	}
	copied := func(h Host) bool {
		name := shown[h.nodeID()]
		return name != "" && name != h.Info.Hostname
	}
	hosts := slices.DeleteFunc(slices.Clone(have.Hosts), copied)
	for _, h := range have.Hosts {
		if copied(h) {
			hosts = append(hosts, h)
		}
	}
	return hosts
}
