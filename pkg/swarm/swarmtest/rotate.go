package swarmtest

import "github.com/docker/docker/api/types/swarm"

// rotateRoot begins to change the root CA, where an update asks for it (swarmkit
// manager/controlapi/ca_rotation.go). All nodes get certificates of the new one.
func (c *cluster) rotateRoot(before swarm.Spec) {
	if c.spec.CAConfig.ForceRotate == before.CAConfig.ForceRotate {
		return
	}
	c.next = c.w.newID() + c.w.newID()
	c.w.after(c.w.delays.Renew, c.renew)
}

// issuer is the root CA that signs certificates now.
func (c *cluster) issuer() string {
	if c.next != "" {
		return c.next
	}
	return c.root
}

// renew lets the nodes that are heard of have new certificates. The rotation is
// over once all have one, also those that are down (swarmkit ca/reconciler.go);
// the tokens change with it.
func (c *cluster) renew() {
	old := 0
	for _, n := range c.sorted() {
		if c.present(n) {
			n.issuer = c.issuer()
		}
		if n.issuer != c.issuer() {
			old++
		}
	}
	if c.next != "" && old == 0 && c.leader != nil {
		c.root, c.next = c.next, ""
		c.exchange(true, true)
		c.written()
	}
}
