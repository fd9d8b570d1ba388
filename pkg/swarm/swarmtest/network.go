package swarmtest

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/docker/docker/api/types/network"
)

// An ingress is the network of published ports. A swarm has one at most; engines
// hold on to one that was removed for a while.
type ingress struct {
	id      string
	options map[string]string
	subnet  string
	removed time.Time
}

// makeIngress gives the swarm its ingress network. Members do not notice: a node
// is attached to it when its entry is written (swarmkit
// manager/allocator/network.go; seen on Engine 26.1).
func (c *cluster) makeIngress(subnet string, options map[string]string) *ingress {
	all := map[string]string{}
	for k, v := range options {
		all[k] = v
	}
	all["com.docker.network.driver.overlay.vxlanid_list"] = fmt.Sprint(4096 + len(c.meshes))
	if subnet == "" {
		subnet = fmt.Sprintf("10.0.%d.0/24", len(c.meshes))
	}
	n := &ingress{id: c.w.newID(), options: all, subnet: subnet}
	c.meshes = append(c.meshes, n)
	return n
}

// mesh is the ingress network that there is; nil for none.
func (c *cluster) mesh() *ingress {
	if n := len(c.meshes); n > 0 && c.meshes[n-1].removed.IsZero() {
		return c.meshes[n-1]
	}
	return nil
}

// held gives the ingress networks that an engine knows.
func (e *Engine) held() (out []*ingress) {
	if e.cluster == nil {
		return nil
	}
	for _, n := range e.cluster.meshes {
		if n.removed.IsZero() || e.w.clock.Sub(n.removed) < e.w.delays.LetGo {
			out = append(out, n)
		}
	}
	return out
}

// Unmeshed gives the hostnames of the members that are not attached to the
// ingress network of their swarm.
func (w *World) Unmeshed() (names []string) {
	w.lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		for _, n := range c.sorted() {
			if mesh := c.mesh(); c.host(n) != nil && (mesh == nil || n.mesh != mesh) {
				names = append(names, n.hostname)
			}
		}
	}
	return names
}

func (e *Engine) getNetworks(*http.Request) reply {
	list := []network.Inspect{}
	for _, n := range e.held() {
		out := network.Inspect{Name: "ingress", ID: n.id, Scope: "swarm", Driver: "overlay", Ingress: true, Options: n.options}
		out.IPAM = network.IPAM{Driver: "default", Config: []network.IPAMConfig{{Subnet: n.subnet}}}
		list = append(list, out)
	}
	return reply{http.StatusOK, list}
}

func (e *Engine) deleteNetwork(r *http.Request) reply {
	id, mesh := r.PathValue("id"), e.cluster.mesh()
	if mesh == nil || mesh.id != id {
		return refuse(http.StatusNotFound, "network %s not found", id)
	}
	for _, s := range e.cluster.services {
		if s.Mesh {
			return refuse(http.StatusBadRequest, "rpc error: code = FailedPrecondition desc = ingress network cannot be removed because service %s depends on it", s.id)
		}
	}
	mesh.removed = e.w.clock
	return reply{code: http.StatusNoContent}
}

func (e *Engine) postNetwork(r *http.Request) reply {
	var req network.CreateRequest
	if bad, ok := decode(r, &req); !ok {
		return bad
	}
	if req.Name == "ingress" && len(e.held()) > 0 {
		return refuse(http.StatusConflict, "network with name ingress already exists")
	}
	if mesh := e.cluster.mesh(); mesh != nil {
		return refuse(http.StatusConflict, "rpc error: code = AlreadyExists desc = ingress network (%s) is already present", mesh.id)
	}
	if !req.Ingress || req.Driver != "overlay" {
		return refuse(http.StatusNotImplemented, "only ingress networks are known here")
	}
	subnet := ""
	if req.IPAM != nil && len(req.IPAM.Config) > 0 {
		subnet = strings.TrimSpace(req.IPAM.Config[0].Subnet)
	}
	return reply{http.StatusCreated, network.CreateResponse{ID: e.cluster.makeIngress(subnet, req.Options).id}}
}
