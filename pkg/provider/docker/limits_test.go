package docker

import (
	"testing"

	"github.com/docker/docker/api/types/container"
)

func TestShortages(t *testing.T) {
	roomy := host{inotify: 8192, keys: 2000, neighbours: 1 << 20, memory: 64e9, disk: 1e12, diskPath: "/var/lib/docker"}
	with := func(change func(*host)) host {
		h := roomy
		change(&h)
		return h
	}
	tests := []struct {
		name string
		host host
		d    demand
		want string
	}{
		{name: "enough of all", host: roomy, d: demand{clusters: map[string]int{"a": 60}, more: 60, image: true}},
		{name: "limits that nobody knows are none", d: demand{clusters: map[string]int{"a": 900}, more: 900}},
		{
			name: "16 machines fit into the usual inotify limit", host: with(func(h *host) { h.inotify = 128 }),
			d: demand{clusters: map[string]int{"a": 16}},
		},
		{
			name: "17 do not", host: with(func(h *host) { h.inotify = 128 }), d: demand{clusters: map[string]int{"a": 16, "b": 1}},
			want: `17 machines need fs.inotify.max_user_instances of 134 at least, it is 128: run "sudo sysctl -w fs.inotify.max_user_instances=1024"`,
		},
		{
			name: "what is recommended leaves room for as much again", host: with(func(h *host) { h.inotify = 128 }),
			d:    demand{clusters: map[string]int{"a": 200}},
			want: `200 machines need fs.inotify.max_user_instances of 1232 at least, it is 128: run "sudo sysctl -w fs.inotify.max_user_instances=4096"`,
		},
		{
			name: "keyrings", host: with(func(h *host) { h.keys = 200 }), d: demand{clusters: map[string]int{"a": 201}},
			want: `201 machines need kernel.keys.maxkeys of 201 at least, it is 200: run "sudo sysctl -w kernel.keys.maxkeys=1024"`,
		},
		{name: "31 machines fit into the usual table of neighbours", host: with(func(h *host) { h.neighbours = 1024 }), d: demand{clusters: map[string]int{"a": 31}}},
		{
			name: "32 do not", host: with(func(h *host) { h.neighbours = 1024 }), d: demand{clusters: map[string]int{"a": 32}},
			want: `32 machines need net.ipv4.neigh.default.gc_thresh3 of 1056 at least, it is 1024: run "sudo sysctl -w net.ipv4.neigh.default.gc_thresh1=1024 net.ipv4.neigh.default.gc_thresh2=2048 net.ipv4.neigh.default.gc_thresh3=4096"`,
		},
		{
			name: "clusters do not know each other", host: with(func(h *host) { h.neighbours = 1024 }),
			d: demand{clusters: map[string]int{"a": 20, "b": 20}},
		},
		{
			name: "memory, for those to come", host: with(func(h *host) { h.memory = 950e6 }), d: demand{clusters: map[string]int{"a": 30}, more: 10},
			want: "10 more machines need 1000 MB of memory, 950 MB is available",
		},
		{
			name: "disk, with the image to make", host: with(func(h *host) { h.disk = 1_600e6 }), d: demand{more: 3, image: true},
			want: "3 more machines need 1692 MB of disk in /var/lib/docker, 1600 MB is free",
		},
		{name: "disk, the image being there", host: with(func(h *host) { h.disk = 1_600e6 }), d: demand{more: 3}},
		{
			name: "all that is short is said at once", host: host{inotify: 1, memory: 1e6}, d: demand{clusters: map[string]int{"a": 1}, more: 1},
			want: "1 machine needs fs.inotify.max_user_instances of 38 at least, it is 1: run \"sudo sysctl -w fs.inotify.max_user_instances=1024\"\n" +
				"1 more machine needs 100 MB of memory, 1 MB is available",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := text(tt.host.shortages(tt.d)); got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestDemandCountsAllMachinesThatAreOnOnce(t *testing.T) {
	f, p := newFake(t, Settings{})
	for name, state := range map[string]string{"demo-n1-1": "running", "demo-n2-1": "exited", "other-n1-1": "running"} {
		cluster := name[:len(name)-len("-n1-1")]
		f.containers[name] = &box{id: name, name: name, state: state, config: container.Config{
			Labels: map[string]string{labelCluster: cluster, labelName: name},
		}}
	}
	f.containers["stranger"] = &box{id: "stranger", state: "running"}
	missing := request("n3")
	missing.Image = "swarmup-node:bookworm"
	d, err := p.demand(t.Context(), append(requests(2), request("n1"), missing))
	if err != nil {
		t.Fatal(err)
	}
	if d.machines() != 5 || d.clusters["demo"] != 4 || d.clusters["other"] != 1 || d.more != 3 || !d.image {
		t.Errorf("got %+v", d)
	}
}

func TestAvailableMemory(t *testing.T) {
	tests := []struct {
		in   string
		want int64
	}{
		{in: "MemTotal:       24683764 kB\nMemFree:  1 kB\nMemAvailable:   1024 kB\n", want: 1 << 20},
		{in: "MemTotal: 1 kB\n"},
		{in: "MemAvailable: much kB\n"},
	}
	for _, tt := range tests {
		if got := availableMemory(tt.in); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.in, got, tt.want)
		}
	}
}
