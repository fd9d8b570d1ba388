package swarm

import (
	"cmp"
	"context"
	"slices"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Tasks asks a manager for the tasks of a node, also those that have ended,
// sorted by service name, slot and ID. The names of services are only asked
// for if a task lives.
func (e *Engine) Tasks(ctx context.Context, nodeID string) ([]engine.Task, error) {
	var tasks []engine.Task
	err := read(ctx, "list tasks", func(ctx context.Context) error {
		list, err := e.api.TaskList(ctx, swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("node", nodeID))})
		for _, t := range list {
			tasks = append(tasks, taskOf(t))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(tasks, engine.Task.Live) {
		services, err := e.Services(ctx)
		if err != nil {
			return nil, err
		}
		name(tasks, services)
	}
	slices.SortFunc(tasks, func(a, b engine.Task) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.ID, b.ID))
	})
	return tasks, nil
}

// Unplaced asks a manager for the tasks that shall run and have no node yet, with
// the scheduler's word on them.
func (e *Engine) Unplaced(ctx context.Context) ([]engine.Task, error) {
	var tasks []engine.Task
	err := read(ctx, "list tasks", func(ctx context.Context) error {
		list, err := e.api.TaskList(ctx, swarm.TaskListOptions{Filters: filters.NewArgs(filters.Arg("desired-state", "running"))})
		for _, t := range list {
			if t.NodeID == "" {
				tasks = append(tasks, taskOf(t))
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(tasks, func(a, b engine.Task) int { return cmp.Compare(a.ID, b.ID) })
	return tasks, nil
}

func taskOf(t swarm.Task) engine.Task {
	task := engine.Task{
		ID:      t.ID,
		Service: t.ServiceID,
		Slot:    t.Slot,
		State:   string(t.Status.State),
		Desired: string(t.DesiredState),
		Error:   t.Status.Err,
	}
	if c := t.Status.ContainerStatus; c != nil {
		task.Container = c.ContainerID
	}
	return task
}

func name(tasks []engine.Task, services []engine.Service) {
	names := make(map[string]string, len(services))
	for _, s := range services {
		names[s.ID] = s.Name
	}
	for i := range tasks {
		tasks[i].Name = names[tasks[i].Service]
	}
}

// Services asks a manager for all services, sorted by name, with the counts of
// their tasks. Engines count from API 1.41 (20.10) on; older ones give zeros.
func (e *Engine) Services(ctx context.Context) ([]engine.Service, error) {
	var services []engine.Service
	err := read(ctx, "list services", func(ctx context.Context) error {
		list, err := e.api.ServiceList(ctx, swarm.ServiceListOptions{Status: true})
		for _, s := range list {
			services = append(services, serviceOf(s))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(services, func(a, b engine.Service) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return services, nil
}

func serviceOf(s swarm.Service) engine.Service {
	service := engine.Service{ID: s.ID, Name: s.Spec.Name}
	if p := s.Spec.EndpointSpec; p != nil {
		var publish []string
		for _, port := range p.Ports {
			publish = append(publish, string(port.PublishMode))
		}
		service.Mesh = usesMesh(string(p.Mode), publish)
	}
	if p := s.Spec.TaskTemplate.Placement; p != nil {
		service.Constraints = p.Constraints
	}
	if c := s.ServiceStatus; c != nil {
		service.Running, service.Desired = c.RunningTasks, c.DesiredTasks
	}
	return service
}
