package docker

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/go-connections/nat"
)

// box is a container of the fake engine.
type box struct {
	id, name, state string
	config          container.Config
	host            container.HostConfig
	address         string
	volumes         []string // that have no other name than their ID
	files           map[string]string
	port            int // published, while it runs
}

func (b *box) running() bool { return b.state == "running" }

func (b *box) networkID() string { return string(b.host.NetworkMode) }

func (f *fake) find(w http.ResponseWriter, r *http.Request) *box {
	for _, b := range f.containers {
		if id := r.PathValue("id"); b.id == id || b.name == id {
			return b
		}
	}
	reject(w, http.StatusNotFound, "No such container: %s", r.PathValue("id"))
	return nil
}

func (f *fake) containerList(w http.ResponseWriter, r *http.Request) {
	out := []container.Summary{}
	for _, b := range f.containers {
		if !matches(r, b.config.Labels) || !b.running() && r.URL.Query().Get("all") == "" {
			continue
		}
		s := container.Summary{ID: b.id, Names: []string{"/" + b.name}, State: b.state, Labels: b.config.Labels}
		if b.port != 0 {
			s.Ports = []container.Port{{IP: b.host.PortBindings[sshPortName][0].HostIP, PrivatePort: 22, PublicPort: uint16(b.port)}}
		}
		out = append(out, s)
	}
	answer(w, http.StatusOK, out)
}

func (f *fake) containerCreate(w http.ResponseWriter, r *http.Request) {
	var req container.CreateRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		reject(w, http.StatusBadRequest, "%v", err)
		return
	}
	name := r.URL.Query().Get("name")
	for _, b := range f.containers {
		if b.name == name {
			reject(w, http.StatusConflict, "Conflict. The container name %q is already in use by container %q. You have to remove (or rename) that container to be able to reuse that name.", "/"+name, b.id)
			return
		}
	}
	if _, ok := f.images[req.Image]; !ok {
		reject(w, http.StatusNotFound, "No such image: %s", req.Image)
		return
	}
	b := &box{id: f.newID(), name: name, state: "created", config: *req.Config, host: *req.HostConfig, files: map[string]string{}}
	if req.NetworkingConfig != nil {
		for _, e := range req.NetworkingConfig.EndpointsConfig {
			b.address = e.IPAMConfig.IPv4Address
		}
	}
	for _, m := range b.host.Mounts {
		if m.Source == "" {
			m.Source = f.newID()
			b.volumes = append(b.volumes, m.Source)
		}
		if f.volumes[m.Source] == nil {
			f.volumes[m.Source] = &volume.Volume{Name: m.Source, Labels: m.VolumeOptions.Labels}
		}
	}
	f.containers[b.id] = b
	answer(w, http.StatusCreated, container.CreateResponse{ID: b.id})
}

func (f *fake) containerInspect(w http.ResponseWriter, r *http.Request) {
	b := f.find(w, r)
	if b == nil {
		return
	}
	ports := nat.PortMap{}
	if b.port != 0 {
		ports[sshPortName] = []nat.PortBinding{{HostIP: b.host.PortBindings[sshPortName][0].HostIP, HostPort: fmt.Sprint(b.port)}}
	}
	settings := &container.NetworkSettings{}
	settings.Ports = ports
	answer(w, http.StatusOK, container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{
			ID: b.id, Name: "/" + b.name, State: &container.State{Status: b.state, Paused: b.state == "paused"}, HostConfig: &b.host,
		},
		Config: &b.config, NetworkSettings: settings,
	})
}

func (f *fake) containerStart(w http.ResponseWriter, r *http.Request) {
	b := f.find(w, r)
	switch {
	case b == nil:
		return
	case b.running():
		w.WriteHeader(http.StatusNotModified)
		return
	case b.state == "paused":
		reject(w, http.StatusConflict, "cannot start a paused container, try unpause instead")
		return
	}
	for _, other := range f.containers {
		if other.running() && other.networkID() == b.networkID() && other.address == b.address {
			reject(w, http.StatusForbidden, "Address already in use")
			return
		}
	}
	if len(b.host.PortBindings) > 0 {
		f.counter++
		b.port = 32768 + f.counter
	}
	b.state = "running"
	w.WriteHeader(http.StatusNoContent)
}

func (f *fake) containerUnpause(w http.ResponseWriter, r *http.Request) {
	switch b := f.find(w, r); {
	case b == nil:
	case b.state != "paused":
		reject(w, http.StatusInternalServerError, "Container %s is not paused", b.id)
	default:
		b.state = "running"
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *fake) containerStop(w http.ResponseWriter, r *http.Request) {
	if b := f.find(w, r); b != nil {
		b.state, b.port = "exited", 0
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *fake) containerRemove(w http.ResponseWriter, r *http.Request) {
	b := f.find(w, r)
	switch {
	case b == nil:
	case b.running() && r.URL.Query().Get("force") == "":
		reject(w, http.StatusConflict, "You cannot remove a running container %s. Stop the container before attempting removal or force remove", b.id)
	default:
		delete(f.containers, b.id)
		for _, v := range b.volumes {
			if r.URL.Query().Get("v") == "1" {
				delete(f.volumes, v)
			}
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func (f *fake) containerPut(w http.ResponseWriter, r *http.Request) {
	b := f.find(w, r)
	if b == nil {
		return
	}
	for files := tar.NewReader(r.Body); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			reject(w, http.StatusBadRequest, "%v", err)
			return
		}
		content, _ := io.ReadAll(files)
		b.files[path.Join(r.URL.Query().Get("path"), h.Name)] = string(content)
	}
}

func (f *fake) containerGet(w http.ResponseWriter, r *http.Request) {
	b := f.find(w, r)
	if b == nil {
		return
	}
	name := r.URL.Query().Get("path")
	content, ok := b.files[name]
	if !ok {
		reject(w, http.StatusNotFound, "Could not find the file %s in container %s", name, b.id)
		return
	}
	stat, _ := json.Marshal(container.PathStat{Name: path.Base(name), Size: int64(len(content))})
	w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(stat))
	_, _ = io.Copy(w, archive(file{name, 0o600, []byte(content)}))
}
