package docker

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
)

// fake is a small Docker Engine behind a real socket: the part of the API that
// this package uses, with the refusals of Engine 20.10 (API 1.41).
type fake struct {
	mu         sync.Mutex
	containers map[string]*box // by ID
	networks   []*network.Summary
	volumes    map[string]*volume.Volume
	images     map[string]string // reference -> ID
	registry   map[string]bool   // references that can be pulled
	built      []string          // Dockerfiles
	imported   string            // the last archive
	counter    int

	// refuse makes calls fail by their "METHOD /path".
	refuse map[string]refusal
}

type refusal struct {
	status int
	text   string
	once   bool // only the next call
}

// newFake starts an engine that has the default image; the provider's settings
// are those given, with the fake's socket as host.
func newFake(t *testing.T, s Settings) (*fake, *Provider) {
	t.Helper()
	f := &fake{
		containers: map[string]*box{}, volumes: map[string]*volume.Volume{}, images: map[string]string{},
		registry: map[string]bool{}, refuse: map[string]refusal{},
	}
	r, _, err := findRecipe(DefaultImage)
	if err != nil {
		t.Fatal(err)
	}
	f.images[r.tag()] = "sha256:default"
	return f, f.provider(t, s)
}

// provider is another one on the same engine.
func (f *fake) provider(t *testing.T, s Settings) *Provider {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var open sync.WaitGroup
	server := &http.Server{Handler: f.handler(), ConnState: func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed:
			open.Done()
		}
	}}
	open.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		_ = server.Close()
		open.Wait()
	})
	s.Host = "unix://" + socket
	p := newProvider(t, s)
	p.unfinished, p.step = 500*time.Millisecond, 5*time.Millisecond
	return p
}

var version = regexp.MustCompile(`^/v1\.\d+`)

func (f *fake) handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]http.HandlerFunc{
		"GET /info":                     f.info,
		"GET /version":                  f.info,
		"GET /containers/json":          f.containerList,
		"POST /containers/create":       f.containerCreate,
		"GET /containers/{id}/json":     f.containerInspect,
		"POST /containers/{id}/start":   f.containerStart,
		"POST /containers/{id}/unpause": f.containerUnpause,
		"POST /containers/{id}/stop":    f.containerStop,
		"DELETE /containers/{id}":       f.containerRemove,
		"PUT /containers/{id}/archive":  f.containerPut,
		"GET /containers/{id}/archive":  f.containerGet,
		"GET /networks":                 f.networkList,
		"POST /networks/create":         f.networkCreate,
		"DELETE /networks/{id}":         f.networkRemove,
		"GET /volumes":                  f.volumeList,
		"DELETE /volumes/{name}":        f.volumeRemove,
		"GET /images/{name}/json":       f.imageInspect,
		"POST /images/create":           f.imageCreate,
		"POST /images/{name}/tag":       f.imageTag,
		"DELETE /images/{name}":         f.imageRemove,
		"POST /build":                   f.build,
	} {
		mux.HandleFunc(pattern, handle)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		if r.URL.Path == "/_ping" {
			return
		}
		r.URL.Path = version.ReplaceAllString(r.URL.Path, "")
		f.mu.Lock()
		defer f.mu.Unlock()
		call := r.Method + " " + r.URL.Path
		if no, ok := f.refuse[call]; ok {
			if no.once {
				delete(f.refuse, call)
			}
			reject(w, no.status, "%s", no.text)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

func reject(w http.ResponseWriter, status int, format string, args ...any) {
	answer(w, status, map[string]string{"message": fmt.Sprintf(format, args...)})
}

func (f *fake) newID() string {
	f.counter++
	return fmt.Sprintf("%064x", f.counter)
}

func (f *fake) info(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]string{"DockerRootDir": "/nowhere", "Os": runtime.GOOS, "Arch": runtime.GOARCH})
}

// matches applies the only filter this package uses: label=KEY or KEY=VALUE.
func matches(r *http.Request, labels map[string]string) bool {
	args, err := filters.FromJSON(r.URL.Query().Get("filters"))
	if err != nil {
		return false
	}
	return args.MatchKVList("label", labels)
}

func (f *fake) networkList(w http.ResponseWriter, r *http.Request) {
	out := []network.Summary{}
	for _, n := range f.networks {
		if matches(r, n.Labels) {
			out = append(out, *n)
		}
	}
	answer(w, http.StatusOK, out)
}

func (f *fake) networkCreate(w http.ResponseWriter, r *http.Request) {
	var req network.CreateRequest
	if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
		reject(w, http.StatusBadRequest, "%v", err)
		return
	}
	for _, n := range f.networks {
		switch {
		case n.Name == req.Name:
			reject(w, http.StatusConflict, "network with name %s already exists", req.Name)
			return
		case n.IPAM.Config[0].Subnet == req.IPAM.Config[0].Subnet:
			reject(w, http.StatusForbidden, "Pool overlaps with other one on this address space")
			return
		}
	}
	made := &network.Summary{ID: f.newID(), Name: req.Name, IPAM: *req.IPAM, Labels: req.Labels, Options: req.Options}
	f.networks = append(f.networks, made)
	answer(w, http.StatusCreated, network.CreateResponse{ID: made.ID})
}

func (f *fake) networkRemove(w http.ResponseWriter, r *http.Request) {
	for i, n := range f.networks {
		if n.ID != r.PathValue("id") {
			continue
		}
		for _, b := range f.containers {
			if b.running() && b.networkID() == n.ID {
				reject(w, http.StatusForbidden, "error while removing network: network %s id %s has active endpoints", n.Name, n.ID)
				return
			}
		}
		f.networks = append(f.networks[:i], f.networks[i+1:]...)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	reject(w, http.StatusNotFound, "network %s not found", r.PathValue("id"))
}

func (f *fake) volumeList(w http.ResponseWriter, r *http.Request) {
	var out volume.ListResponse
	for _, v := range f.volumes {
		if matches(r, v.Labels) {
			out.Volumes = append(out.Volumes, v)
		}
	}
	answer(w, http.StatusOK, out)
}

func (f *fake) volumeRemove(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("name")
	if f.volumes[name] == nil {
		reject(w, http.StatusNotFound, "get %s: no such volume", name)
		return
	}
	for _, b := range f.containers {
		if slices.Contains(b.volumes, name) {
			reject(w, http.StatusConflict, "remove %s: volume is in use - [%s]", name, b.id)
			return
		}
	}
	delete(f.volumes, name)
	w.WriteHeader(http.StatusNoContent)
}
