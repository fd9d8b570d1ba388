package swarm

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Config asks a manager for the config object of that name; engine.ErrNotFound
// means that there is none.
func (e *Engine) Config(ctx context.Context, name string) (engine.Config, error) {
	var c swarm.Config
	err := read(ctx, "read config", func(ctx context.Context) (err error) {
		c, _, err = e.api.ConfigInspectWithRaw(ctx, name)
		return err
	})
	if err == nil && c.Spec.Name != name { // engines also take beginnings of IDs
		err = &Error{Op: "read config", Text: "config " + name + " not found", is: []error{engine.ErrNotFound}}
	}
	if err != nil {
		return engine.Config{}, err
	}
	return engine.Config{
		ID: c.ID, Name: c.Spec.Name, Labels: c.Spec.Labels, Version: c.Version.Index,
		Created: c.CreatedAt, Updated: c.UpdatedAt,
	}, nil
}

// CreateConfig makes a config object and returns its ID. Of several who do so
// with one name at the same time one succeeds; the others get engine.ErrExists.
func (e *Engine) CreateConfig(ctx context.Context, name string, content []byte, labels map[string]string) (id string, err error) {
	var spec swarm.ConfigSpec
	spec.Name, spec.Labels, spec.Data = name, labels, content
	err = mutate(ctx, "create config", updateLimit, func(ctx context.Context) error {
		got, err := e.api.ConfigCreate(ctx, spec)
		id = got.ID
		return err
	})
	return id, err
}

// UpdateConfig gives a config object, as it was read, other labels. If somebody
// else has written it since, it is engine.ErrOutdated; if it is gone,
// engine.ErrNotFound.
func (e *Engine) UpdateConfig(ctx context.Context, c engine.Config, labels map[string]string) error {
	var spec swarm.ConfigSpec
	spec.Name, spec.Labels = c.Name, labels
	return mutate(ctx, "update config", updateLimit, func(ctx context.Context) error {
		return e.api.ConfigUpdate(ctx, c.ID, swarm.Version{Index: c.Version}, spec)
	})
}

// RemoveConfig removes a config object, whatever its version; none of that ID is
// success.
func (e *Engine) RemoveConfig(ctx context.Context, id string) error {
	err := mutate(ctx, "remove config", updateLimit, func(ctx context.Context) error {
		return e.api.ConfigRemove(ctx, id)
	})
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// Time asks the engine what time it is on its machine.
func (e *Engine) Time(ctx context.Context) (now time.Time, err error) {
	err = read(ctx, "read time", func(ctx context.Context) error {
		info, err := e.api.Info(ctx)
		if err != nil {
			return err
		}
		if now, err = time.Parse(time.RFC3339Nano, info.SystemTime); err != nil {
			return fmt.Errorf("not a time: %w", err)
		}
		return nil
	})
	return now, err
}
