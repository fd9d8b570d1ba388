package swarm

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/api/types/volume"

	"github.com/swarmup/swarmup/pkg/engine"
)

// The labels by which engines tell whose things are (moby
// daemon/volumes.go; daemon/cluster/executor/container/container.go).
const (
	labelAnonymous = "com.docker.volume.anonymous"
	labelService   = "com.docker.swarm.service.name"
)

// hexName matches the names of volumes that were made without one.
var hexName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Volumes asks an engine for the volumes that are on its own machine's disk,
// sorted by name. Those of other drivers, and those that a mount brings from
// elsewhere, are left out: they are not lost with the machine.
func (e *Engine) Volumes(ctx context.Context) ([]engine.Volume, error) {
	var out []engine.Volume
	err := read(ctx, "list volumes", func(ctx context.Context) error {
		list, err := e.api.VolumeList(ctx, volume.ListOptions{})
		if err != nil {
			return err
		}
		containers, err := e.api.ContainerList(ctx, container.ListOptions{All: true})
		if err != nil {
			return err
		}
		users := usersOf(containers)
		out = nil
		for _, v := range list.Volumes {
			if v != nil && v.Driver == "local" && !remote(v.Options) {
				out = append(out, volumeOf(*v, users[v.Name]))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b engine.Volume) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

func volumeOf(v volume.Volume, users []string) engine.Volume {
	_, anonymous := v.Labels[labelAnonymous]
	labels := len(v.Labels)
	if anonymous {
		labels--
	}
	return engine.Volume{
		Name: v.Name, Anonymous: anonymous || hexName.MatchString(v.Name), Labelled: labels > 0, Users: users,
	}
}

// remote says whether a volume of the local driver is a mount from elsewhere, or
// is in memory only.
func remote(options map[string]string) bool {
	t := options["type"]
	return slices.ContainsFunc([]string{"nfs", "cifs", "smb", "ceph", "glusterfs", "9p", "tmpfs"}, func(of string) bool {
		return strings.HasPrefix(t, of)
	})
}

// usersOf gives, by volume, who has it.
func usersOf(containers []container.Summary) map[string][]string {
	out := map[string][]string{}
	for _, c := range containers {
		name := c.Labels[labelService]
		if name == "" && len(c.Names) > 0 {
			name = strings.TrimPrefix(c.Names[0], "/")
		}
		for _, m := range c.Mounts {
			if m.Type == mount.TypeVolume && !slices.Contains(out[m.Name], name) {
				out[m.Name] = append(out[m.Name], name)
			}
		}
	}
	for _, users := range out {
		slices.Sort(users)
	}
	return out
}
