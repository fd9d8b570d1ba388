package swarmtest

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/docker/api/types/swarm"
)

// findConfig finds a config object as engines do: by its ID, its name, or the
// beginning of its ID (moby daemon/cluster/helpers.go, getConfig).
func (c *cluster) findConfig(word string) *swarm.Config {
	for _, is := range []func(*swarm.Config) bool{
		func(g *swarm.Config) bool { return g.ID == word },
		func(g *swarm.Config) bool { return g.Spec.Name == word },
		func(g *swarm.Config) bool { return strings.HasPrefix(g.ID, word) },
	} {
		if i := slices.IndexFunc(c.configs, is); i >= 0 {
			return c.configs[i]
		}
	}
	return nil
}

// stamp counts a write of a config object (swarmkit
// manager/state/store/memory.go, touchMeta).
func (c *cluster) stamp(g *swarm.Config) {
	c.version++
	g.Version.Index, g.UpdatedAt = c.version, c.w.clock
}

// Configs gives the labels of the config objects of all swarms, by their names.
func (w *World) Configs() map[string]map[string]string {
	w.lock()
	defer w.mu.Unlock()
	out := map[string]map[string]string{}
	for _, c := range w.clusters {
		for _, g := range c.configs {
			out[g.Spec.Name] = maps.Clone(g.Spec.Labels)
		}
	}
	return out
}

func (e *Engine) getConfig(r *http.Request) reply {
	g := e.cluster.findConfig(r.PathValue("id"))
	if g == nil {
		return refuse(http.StatusNotFound, "config %s not found", r.PathValue("id"))
	}
	return reply{http.StatusOK, *g}
}

func (e *Engine) postConfig(r *http.Request) reply {
	var spec swarm.ConfigSpec
	if bad, ok := decode(r, &spec); !ok {
		return bad
	}
	c := e.cluster
	if slices.ContainsFunc(c.configs, func(g *swarm.Config) bool { return g.Spec.Name == spec.Name }) {
		return refuse(http.StatusConflict, "rpc error: code = AlreadyExists desc = config %s already exists", spec.Name)
	}
	g := &swarm.Config{ID: e.w.newID(), Spec: spec}
	g.CreatedAt = e.w.clock
	c.stamp(g)
	c.configs = append(c.configs, g)
	return reply{http.StatusCreated, swarm.ConfigCreateResponse{ID: g.ID}}
}

// postConfigUpdate is swarmkit manager/controlapi/config.go, UpdateConfig.
func (e *Engine) postConfigUpdate(r *http.Request) reply {
	var spec swarm.ConfigSpec
	if bad, ok := decode(r, &spec); !ok {
		return bad
	}
	id := r.PathValue("id")
	g := e.cluster.findConfig(id)
	switch {
	case g == nil:
		return refuse(http.StatusNotFound, "config %s not found", id)
	case spec.Name != g.Spec.Name || spec.Data != nil && !bytes.Equal(spec.Data, g.Spec.Data):
		return refuse(http.StatusBadRequest, "rpc error: code = InvalidArgument desc = only updates to Labels are allowed")
	case r.URL.Query().Get("version") != strconv.FormatUint(g.Version.Index, 10):
		return refuse(http.StatusInternalServerError, "rpc error: code = Unknown desc = update out of sequence")
	}
	g.Spec.Labels = spec.Labels
	e.cluster.stamp(g)
	return ok
}

func (e *Engine) deleteConfig(r *http.Request) reply {
	g := e.cluster.findConfig(r.PathValue("id"))
	if g == nil {
		return refuse(http.StatusNotFound, "config %s not found", r.PathValue("id"))
	}
	e.cluster.configs = slices.DeleteFunc(e.cluster.configs, func(o *swarm.Config) bool { return o == g })
	return reply{code: http.StatusNoContent}
}
