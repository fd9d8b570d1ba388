package cluster

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/join"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// init makes the swarm on the first manager. The world is looked at once more:
// nobody who can be asked may be in a swarm by now.
func (c *Cluster) init(ctx context.Context, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	if err := c.nobodyInASwarm(ctx, h); err != nil {
		return "", err
	}
	advertise, dataPath, err := addresses(h, n)
	if err != nil {
		return "", err
	}
	s := c.cfg.Spec.Swarm
	info, err := bootstrap.Init(ctx, h.engine, h.conn, engine.InitRequest{
		Advertise: advertise, DataPath: dataPath,
		Pool: s.DefaultAddrPool, SubnetSize: s.SubnetSize, DataPathPort: s.DataPathPort,
		NodeCertExpiry: s.NodeCertExpiry,
	})
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	c.swarmID = info.ClusterID
	c.mu.Unlock()
	h.setManager(true)
	return "swarm " + info.ClusterID, nil
}

// nobodyInASwarm is the guard of promise 1 at the last moment.
func (c *Cluster) nobodyInASwarm(ctx context.Context, first *host) error {
	for _, h := range c.connected() {
		if h == first || h.facts.Engine != bootstrap.Running {
			continue
		}
		i, err := h.engine.Info(ctx)
		if err != nil {
			return fmt.Errorf("ask %s whether it is in a swarm: %w", h.node, err)
		}
		if i.NodeID != "" {
			return fmt.Errorf("%s is in a swarm already", h.node)
		}
	}
	return nil
}

// join makes a host a member, paused, by way of the leader.
func (c *Cluster) join(ctx context.Context, s plan.Step, h *host) (string, error) {
	n, err := c.node(h)
	if err != nil {
		return "", err
	}
	advertise, dataPath, err := addresses(h, n)
	if err != nil {
		return "", err
	}
	k := control{c}
	remote, err := k.leader(ctx)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	id := c.swarmID
	c.mu.Unlock()
	_, err = join.Join(ctx, h.engine, k, join.Request{
		Role: s.Role, Remote: remote, Advertise: advertise, DataPath: dataPath, ClusterID: id,
	})
	if err != nil {
		return "", err
	}
	h.setManager(s.Role == spec.Manager)
	return "", nil
}

// label brings the entry of a node to what the file says, in one update.
func (c *Cluster) label(ctx context.Context, h *host) error {
	n, err := c.node(h)
	if err != nil {
		return err
	}
	i, err := h.engine.Info(ctx)
	if err != nil {
		return err
	}
	if i.NodeID == "" {
		return fmt.Errorf("label %s: it is in no swarm", h.node)
	}
	want := plan.Labels{Cluster: c.cfg.Spec.Name, Node: n, SSH: h.login(), HostKey: h.conn.HostKey()}
	return join.Mark(ctx, control{c}, i.NodeID, want.Apply)
}

func (c *Cluster) promote(ctx context.Context, s plan.Step, h *host) error {
	if err := join.Promote(ctx, control{c}, h.engine, s.Member); err != nil {
		return err
	}
	h.setManager(true)
	return nil
}

func (c *Cluster) demote(ctx context.Context, s plan.Step, h *host) error {
	h.setManager(false) // nothing is asked of it any more, from the first moment
	err := join.Demote(ctx, control{c}, h.engine, s.Member, h.settled)
	if err != nil {
		h.setManager(true)
	}
	return err
}

// settled says whether the node's certificate shows that it is a worker: its
// own /info says so much earlier.
func (h *host) settled(ctx context.Context) (bool, error) {
	f, err := bootstrap.Probe(ctx, h.conn)
	if err != nil {
		return false, err
	}
	return f.CertRole == "swarm-worker", nil
}

// drain takes the tasks from a node and waits for their end.
func (c *Cluster) drain(ctx context.Context, s plan.Step) (string, error) {
	err := join.Drain(ctx, control{c}, s.Member, c.cfg.DrainTimeout, c.note(s.Node))
	if err != nil && c.cfg.ForceDrain && ctx.Err() == nil {
		return "not drained: " + err.Error(), nil
	}
	return "", err
}

// leave makes a host leave its swarm.
func (c *Cluster) leave(ctx context.Context, s plan.Step, h *host) error {
	if err := join.Leave(ctx, h.engine, s.Force); err != nil {
		return err
	}
	h.setManager(false)
	return nil
}

// downWait is for how long the swarm may take to call a machine down that is
// gone: three heartbeats of 5 s, and twice that after a change of leader (moby
// swarmkit manager/dispatcher/dispatcher.go).
const downWait = time.Minute

// forget removes an entry. That of a machine that is gone has to be down first:
// nobody could ask the machine itself.
func (c *Cluster) forget(ctx context.Context, s plan.Step) error {
	k := control{c}
	if s.Await {
		err := wait.Until(ctx, "the swarm to call "+s.Node+" down", downWait, time.Second, func(ctx context.Context) (bool, error) {
			nodes, err := k.Nodes(ctx)
			if err != nil {
				return false, err
			}
			i := slices.IndexFunc(nodes, func(e engine.Node) bool { return e.ID == s.Member })
			return i < 0 || nodes[i].State == "down", nil
		})
		if err != nil {
			return err
		}
	}
	return join.Forget(ctx, k, s.Member)
}

func (c *Cluster) settings(ctx context.Context) error {
	want := c.cfg.Spec.Swarm
	return control{c}.UpdateSwarm(ctx, func(s *engine.SwarmSpec) {
		if want.NodeCertExpiry != 0 {
			s.NodeCertExpiry = want.NodeCertExpiry
		}
	})
}

// orphanAge is how old an entry without a host must be before it is no join in
// flight any more (three attempts of a join fit into it).
const orphanAge = time.Minute

// sweep removes the entries of joins that never finished.
func (c *Cluster) sweep(ctx context.Context) (string, error) {
	claimed := map[string]bool{}
	for _, h := range c.connected() {
		if h.facts.Engine != bootstrap.Running {
			continue
		}
		i, err := h.engine.Info(ctx)
		if err != nil {
			return "", fmt.Errorf("ask %s who it is: %w", h.node, err)
		}
		claimed[i.NodeID] = true
	}
	removed, err := join.Sweep(ctx, control{c}, claimed, orphanAge)
	if err != nil || len(removed) == 0 {
		return "", err
	}
	return fmt.Sprintf("%d removed", len(removed)), nil
}

// addresses gives what a node advertises, and where its overlay traffic goes.
func addresses(h *host, n spec.Node) (advertise, dataPath string, err error) {
	if advertise, err = address(h, n.Advertise); err != nil {
		return "", "", fmt.Errorf("advertise of %s: %w", n.Name, err)
	}
	if dataPath, err = address(h, n.DataPath); err != nil {
		return "", "", fmt.Errorf("data_path of %s: %w", n.Name, err)
	}
	if advertise == "" && h.has(h.machine.Address) {
		advertise = h.machine.Address
	}
	return advertise, dataPath, nil
}

// address makes an IP address, or an interface name, of what the file says. A
// CIDR means the one address of the host that is in it.
func address(h *host, s string) (string, error) {
	net, err := netip.ParsePrefix(s)
	if err != nil {
		return s, nil
	}
	var found []string
	for _, i := range h.facts.Addresses {
		if p, err := netip.ParsePrefix(i.CIDR); err == nil && net.Contains(p.Addr()) {
			found = append(found, p.Addr().String())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no address of the host is in %s", s)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d addresses of the host are in %s: %v", len(found), s, found)
}

// has says whether an IP address is one of the host's own.
func (h *host) has(ip string) bool {
	for _, i := range h.facts.Addresses {
		if p, err := netip.ParsePrefix(i.CIDR); err == nil && p.Addr().String() == ip {
			return true
		}
	}
	return false
}
