package swarmtest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/docker/docker/api/types/swarm"
)

// A Service is a service of a swarm. Its fields may be set before it is handed
// to World.Run, not after.
type Service struct {
	Name     string
	Replicas int
	// Bound keeps its tasks on the node where they started: they never move.
	Bound bool
	// Stuck tasks do not stop when they shall.
	Stuck bool
	// Mesh services publish a port through the ingress network.
	Mesh bool
	// Constraints are as docker service create --constraint takes them. They are
	// shown, and not obeyed.
	Constraints []string

	id  string
	low int // the fewest of its tasks that ever ran at once
}

type task struct {
	id      string
	service *Service
	slot    int
	node    *node // nil: no node suits
	state   swarm.TaskState
	desired swarm.TaskState
}

// Run starts a service in the one swarm there is, each task on the active node
// with the fewest.
func (w *World) Run(s Service) {
	w.lock()
	defer w.mu.Unlock()
	c := w.clusters[0]
	s.id = w.newID()
	c.services = append(c.services, &s)
	for slot := range s.Replicas {
		t := c.start(&s, slot+1, c.choose(nil))
		if t.node != nil {
			t.state = swarm.TaskStateRunning
		}
	}
	s.low = c.running(&s)
}

// Low is the fewest tasks of a service that ran at once, ever since it ran.
func (w *World) Low(name string) int {
	w.lock()
	defer w.mu.Unlock()
	for _, c := range w.clusters {
		for _, s := range c.services {
			if s.Name == name {
				return s.low
			}
		}
	}
	return 0
}

// running counts those of a service's tasks that do.
func (c *cluster) running(s *Service) (n int) {
	for _, t := range c.tasks {
		if t.service == s && t.state == swarm.TaskStateRunning {
			n++
		}
	}
	return n
}

// die ends the tasks of an engine that ends: its containers go with it, however
// soon it is back. The managers replace them once they hear of that.
func (c *cluster) die(n *node) {
	for _, t := range slices.Clone(c.tasks) {
		if t.node != n || t.state != swarm.TaskStateRunning {
			continue
		}
		t.state = swarm.TaskStateFailed
		t.service.low = min(t.service.low, c.running(t.service))
		if t.desired == swarm.TaskStateRunning {
			t.desired = swarm.TaskStateShutdown
			c.w.after(c.w.delays.TaskStart, func() { c.replace(t, nil) })
		}
	}
}

func (c *cluster) start(s *Service, slot int, n *node) *task {
	t := &task{id: c.w.newID(), service: s, slot: slot, node: n, state: swarm.TaskStatePending, desired: swarm.TaskStateRunning}
	c.tasks = append(c.tasks, t)
	return t
}

// choose gives the node for a new task; nil if none takes any.
func (c *cluster) choose(not *node) *node {
	var best *node
	count := func(n *node) (k int) {
		for _, t := range c.tasks {
			if t.node == n && t.desired == swarm.TaskStateRunning {
				k++
			}
		}
		return k
	}
	for _, n := range c.sorted() {
		if n != not && n.spec.Availability == swarm.NodeAvailabilityActive && n.state == swarm.NodeStateReady && (best == nil || count(n) < count(best)) {
			best = n
		}
	}
	return best
}

// place moves tasks off nodes that are drained, down or gone. As in a real
// swarm a task is told to stop before another one runs in its place.
func (c *cluster) place() {
	for _, t := range slices.Clone(c.tasks) {
		n := t.node
		if n == nil || t.desired != swarm.TaskStateRunning {
			continue
		}
		gone := c.nodes[n.id] == nil
		if !gone && n.spec.Availability != swarm.NodeAvailabilityDrain && n.state != swarm.NodeStateDown {
			continue
		}
		t.desired = swarm.TaskStateShutdown
		if gone {
			t.state = swarm.TaskStateOrphaned
		} else if !t.service.Stuck {
			c.w.after(c.w.delays.TaskStop, func() {
				t.state = swarm.TaskStateShutdown
				t.service.low = min(t.service.low, c.running(t.service))
			})
		}
		c.replace(t, n)
	}
}

// replace starts a task in the place of another one, but not on that node.
func (c *cluster) replace(old *task, not *node) {
	to := c.choose(not)
	if old.service.Bound {
		to = nil
	}
	t := c.start(old.service, old.slot, to)
	if to != nil {
		c.w.after(c.w.delays.TaskStart, func() { t.state = swarm.TaskStateRunning })
	}
}

func (e *Engine) getTasks(r *http.Request) reply {
	var filter struct {
		Node    map[string]bool
		Desired map[string]bool `json:"desired-state"`
	}
	_ = json.Unmarshal([]byte(r.URL.Query().Get("filters")), &filter)
	list := []swarm.Task{}
	for _, t := range e.cluster.tasks {
		out := swarm.Task{ID: t.id, ServiceID: t.service.id, Slot: t.slot, DesiredState: t.desired}
		out.Status.State = t.state
		if t.node == nil {
			out.Status.Err = "no suitable node (scheduling constraints not satisfied on 1 node)"
		} else {
			out.NodeID = t.node.id
		}
		if (len(filter.Node) == 0 || filter.Node[out.NodeID]) && (len(filter.Desired) == 0 || filter.Desired[string(t.desired)]) {
			list = append(list, out)
		}
	}
	return reply{http.StatusOK, list}
}

func (e *Engine) getServices(*http.Request) reply {
	list := []swarm.Service{}
	for _, s := range e.cluster.services {
		out := swarm.Service{ID: s.id, ServiceStatus: &swarm.ServiceStatus{DesiredTasks: uint64(max(s.Replicas, 0))}}
		out.Spec.Name = s.Name
		if len(s.Constraints) > 0 {
			out.Spec.TaskTemplate.Placement = &swarm.Placement{Constraints: s.Constraints}
		}
		if s.Mesh {
			out.Spec.EndpointSpec = &swarm.EndpointSpec{Mode: swarm.ResolutionModeVIP, Ports: []swarm.PortConfig{{TargetPort: 80, PublishedPort: 8080, PublishMode: swarm.PortConfigPublishModeIngress}}}
		}
		for _, t := range e.cluster.tasks {
			if t.service == s && t.state == swarm.TaskStateRunning && t.desired == swarm.TaskStateRunning {
				out.ServiceStatus.RunningTasks++
			}
		}
		list = append(list, out)
	}
	return reply{http.StatusOK, list}
}
