package plan

import "github.com/swarmup/swarmup/pkg/engine"

// leftover is about an entry that was a node's and is nobody's now.
func (d *differ) leftover(p pair, e engine.Node) Standing {
	s := Standing{Node: p.node.Name, Member: e.ID}
	if p.host == nil {
		s.Found = []Found{{Gone, "its machine is gone", "apply removes it"}}
		return s
	}
	s.Found = []Found{{Reborn, "it is of an earlier life of " + p.node.Name, "apply removes it"}}
	return s
}

// entryAlone is about an entry that is no node of the file and of no host.
func (d *differ) entryAlone(e engine.Node) Standing {
	s := Standing{Node: e.Labels[MarkNode], Member: e.ID}
	switch {
	case orphan(e):
		s.Found = []Found{{Orphan, "a join that never finished has left it", "apply removes it"}}
	case d.marked(e):
		s.Found = []Found{{Gone, "its machine is gone", "apply removes it once the swarm calls it down"}}
	default:
		s.Node = e.Hostname
		s.Found = []Found{{Stranger, "it is not in the file, and was not made by swarmup", "--prune removes it once it is down"}}
	}
	return s
}
