package swarmtest

import (
	"net/http"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"
)

// Volume is a volume of an engine.
type Volume struct {
	Name    string
	Driver  string // "" means local
	Labels  map[string]string
	Options map[string]string
	// Container is the name of the container that has it, Service that of the
	// service whose task this is; "" for nobody.
	Container, Service string
}

// SetVolumes gives an engine its volumes, and the containers that have them.
func (e *Engine) SetVolumes(list ...Volume) {
	e.w.lock()
	defer e.w.mu.Unlock()
	e.volumes = list
}

func (e *Engine) getVolumes(*http.Request) reply {
	out := volume.ListResponse{}
	for _, v := range e.volumes {
		one := volume.Volume{Name: v.Name, Driver: v.Driver, Labels: v.Labels, Options: v.Options, Scope: "local"}
		if one.Driver == "" {
			one.Driver = "local"
		}
		out.Volumes = append(out.Volumes, &one)
	}
	return reply{http.StatusOK, out}
}

func (e *Engine) getContainers(*http.Request) reply {
	out := []container.Summary{}
	for _, v := range e.volumes {
		if v.Container+v.Service == "" {
			continue
		}
		c := container.Summary{Names: []string{"/" + v.Container}, Labels: map[string]string{}, State: "running"}
		if v.Service != "" {
			c.Labels["com.docker.swarm.service.name"] = v.Service
		}
		c.Mounts = []container.MountPoint{{Type: mount.TypeVolume, Name: v.Name}, {Type: mount.TypeBind, Source: "/srv"}}
		out = append(out, c)
	}
	return reply{http.StatusOK, out}
}
