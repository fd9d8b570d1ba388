package docker

import (
	"strings"
	"sync"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

// create makes a machine on the fake and returns it with its container.
func (f *fake) create(t *testing.T, p *Provider, req provider.Request) (provider.Machine, *box) {
	t.Helper()
	m, err := p.Create(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return m, f.containers[m.ID]
}

func TestWhatIsAskedOfTheEngine(t *testing.T) {
	f, p := newFake(t, Settings{Reach: ReachDirect, Subnet: "10.9.0.0/24"})
	req := request("n1")
	req.CPUs, req.Memory = 1.5, 1<<30
	m, b := f.create(t, p, req)
	type asked struct {
		Hostname, Stop, Restart, Cgroups, Address string
		Timeout                                   int
		Labels                                    map[string]string
		Volumes                                   []string
		Privileged, Published                     bool
		CPUs, Memory, Swap                        int64
	}
	got := asked{
		Hostname: b.config.Hostname, Stop: b.config.StopSignal, Timeout: *b.config.StopTimeout, Labels: b.config.Labels,
		Restart: string(b.host.RestartPolicy.Name), Cgroups: string(b.host.CgroupnsMode), Address: b.address,
		Privileged: b.host.Privileged, Published: len(b.host.PortBindings) > 0,
		CPUs: b.host.NanoCPUs, Memory: b.host.Memory, Swap: b.host.MemorySwap,
	}
	for _, v := range b.host.Mounts {
		got.Volumes = append(got.Volumes, v.Target+v.Source)
	}
	want := asked{
		Hostname: "n1", Stop: "SIGRTMIN+3", Timeout: 30, Restart: "unless-stopped", Cgroups: "private", Address: "10.9.0.2",
		Labels: map[string]string{
			"swarmup.cluster": "demo", "swarmup.made": `{"cpus":"1.5","image":"","memory":"1g"}`, "swarmup.name": "demo-n1-1", "swarmup.node": "n1", "swarmup.gen": "1",
			"swarmup.address": "10.9.0.2", "swarmup.hostkey": m.HostKey,
		},
		Volumes: []string{"/var/lib/docker", "/var/lib/containerd"}, // without names
		CPUs:    1_500_000_000, Memory: 1 << 30, Swap: 1 << 30,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !strings.HasPrefix(m.HostKey, "SHA256:") {
		t.Errorf("host key %q", m.HostKey)
	}
}

func TestCapabilitiesAreThoseAnOldEngineInASandboxHas(t *testing.T) {
	// CAP_SYS_RESOURCE is what sandboxes lack; 20.10 does not know the next
	// three; the rest reach past the machine.
	for _, never := range []string{
		"SYS_RESOURCE", "BPF", "PERFMON", "CHECKPOINT_RESTORE",
		"SYS_TIME", "SYS_RAWIO", "MAC_ADMIN", "MAC_OVERRIDE", "WAKE_ALARM",
	} {
		for _, c := range capabilities() {
			if c == never {
				t.Errorf("asks for %s", c)
			}
		}
	}
}

func TestKeysAreInTheMachineBeforeItStarts(t *testing.T) {
	f, p := newFake(t, Settings{})
	req := request("n1")
	req.AuthorizedKeys = []string{"ssh-ed25519 AAAA me\n", " ssh-rsa BBBB you "}
	_, b := f.create(t, p, req)
	if got, want := b.files[authorizedPath], "ssh-ed25519 AAAA me\nssh-rsa BBBB you\n"; got != want {
		t.Errorf("authorized_keys: got %q, want %q", got, want)
	}
	if got := b.files[hostKeyPath]; !strings.HasPrefix(got, "-----BEGIN OPENSSH PRIVATE KEY-----\n") {
		t.Errorf("the host key is no key (%d bytes)", len(got))
	}
	if got := b.files[hostKeyPath+".pub"]; !strings.HasPrefix(got, "ssh-ed25519 ") || strings.Count(got, "\n") != 1 {
		t.Errorf("public host key: got %q", got)
	}
	if b.files[initPath] != string(initScript) || b.config.Entrypoint[1] != initPath {
		t.Errorf("%v is not the script at %s", b.config.Entrypoint, initPath)
	}
}

func TestAnAddressThatAnotherHasTakenMeanwhileIsPassedOver(t *testing.T) {
	f, p := newFake(t, Settings{Reach: ReachDirect, Subnet: "10.9.0.0/28"})
	_, first := f.create(t, p, request("n1"))
	// A container of somebody else on the cluster's network, at the next address.
	f.mu.Lock()
	f.containers["x"] = &box{id: "x", name: "x", state: "running", address: "10.9.0.3", host: container.HostConfig{NetworkMode: first.host.NetworkMode}}
	f.mu.Unlock()
	m, b := f.create(t, p, request("n2"))
	if m.Address == "10.9.0.2" || m.Address == "10.9.0.3" || m.Address != b.address || b.state != "running" {
		t.Errorf("got %+v", m)
	}
	if len(f.containers) != 3 {
		t.Errorf("%d containers, want 3: nothing of the first attempt stays", len(f.containers))
	}
}

func TestAnAddressIsKeptForAMachineThatIsOff(t *testing.T) {
	f, p := newFake(t, Settings{Subnet: "10.9.0.0/24"})
	off, _ := f.create(t, p, request("n1"))
	if err := p.Stop(t.Context(), off); err != nil {
		t.Fatal(err)
	}
	if on, _ := f.create(t, p, request("n2")); on.Address == off.Address {
		t.Errorf("both have %s", on.Address)
	}
	listed, err := p.List(t.Context(), "demo")
	if err != nil || listed[0].Address != "10.9.0.2" || listed[0].State != provider.Stopped {
		t.Errorf("got %+v, %v", listed, err)
	}
}

func TestASubnetThatIsFullIsCalledSo(t *testing.T) {
	f, p := newFake(t, Settings{Subnet: "10.9.0.0/28"})
	for i := range 13 {
		f.create(t, p, request("n"+string(rune('a'+i))))
	}
	_, err := p.Create(t.Context(), request("n0"))
	if want := "create machine demo-n0-1: no address is left in subnet 10.9.0.0/28"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
	err = p.Prepare(t.Context(), requests(14), nil)
	if want := "prepare the docker provider: subnet 10.9.0.0/28 has room for 13 machines"; text(err) != want {
		t.Errorf("\n got %q\nwant %q", text(err), want)
	}
}

func requests(n int) []provider.Request {
	var out []provider.Request
	for i := range n {
		out = append(out, request("r"+string(rune('a'+i))))
	}
	return out
}

func TestRequestsThatCannotWorkAreRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(*provider.Request)
		want   string
	}{
		{name: "nameless", change: func(r *provider.Request) { r.Node = "" }, want: "cluster, node and name are needed"},
		{name: "negative memory", change: func(r *provider.Request) { r.Memory = -1 }, want: "cpus and memory must not be negative"},
		{name: "without a key", change: func(r *provider.Request) { r.AuthorizedKeys = nil }, want: "no authorized key: nobody could log in"},
		{
			name: "an image nobody makes", change: func(r *provider.Request) { r.Image = "swarmup-node:sarge" },
			want: `image "swarmup-node:sarge" is none that swarmup makes (` + strings.Join(Images(), ", ") + ")",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, p := newFake(t, Settings{})
			req := request("n1")
			tt.change(&req)
			_, err := p.Create(t.Context(), req)
			if want := "create machine demo-n1-1: " + tt.want; text(err) != want {
				t.Errorf("\n got %q\nwant %q", text(err), want)
			}
			if len(f.containers)+len(f.networks) > 0 {
				t.Errorf("something was made")
			}
		})
	}
}

func TestStrangersAreLeftAlone(t *testing.T) {
	f, p := newFake(t, Settings{})
	f.containers["x"] = &box{id: "x", name: "demo-n1-1", state: "created", config: container.Config{Labels: map[string]string{"swarmup.cluster": "other", "swarmup.name": "demo-n1-1"}}}
	_, err := p.Create(t.Context(), request("n1"))
	if want := "create machine demo-n1-1: container demo-n1-1 exists and is not swarmup's"; text(err) != want {
		t.Errorf("create:\n got %q\nwant %q", text(err), want)
	}
	err = p.Delete(t.Context(), machineOf("n1"))
	if want := "delete machine demo-n1-1: container demo-n1-1 is not swarmup's: not supported by this provider"; text(err) != want {
		t.Errorf("delete:\n got %q\nwant %q", text(err), want)
	}
	if f.containers["x"] == nil {
		t.Error("it is gone")
	}
}

func TestAStartThatFailsLeavesAnIncompleteMachineForTheNextToFinish(t *testing.T) {
	f, p := newFake(t, Settings{})
	broken := refusal{status: 500, text: "OCI runtime create failed"}
	_, err := p.reserve(t.Context(), request("n1"), p.mustImage(t), "SHA256:lost", 0)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	for id = range f.containers {
	}
	f.refuse["POST /containers/"+id+"/start"] = broken
	m, b := f.create(t, p, request("n1"))
	if m.State != provider.Running || m.ID == id || m.HostKey == "SHA256:lost" || !b.running() {
		t.Errorf("got %+v", m)
	}
}

func (p *Provider) mustImage(t *testing.T) string {
	t.Helper()
	image, err := p.ensureImage(t.Context(), DefaultImage, nil)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func TestManyMachinesMadeAtOnceByTwoProcesses(t *testing.T) {
	f, a := newFake(t, Settings{Subnet: "10.9.0.0/24"})
	b := f.provider(t, Settings{Subnet: "10.9.0.0/24"})
	errs := make([]error, 20)
	var wg sync.WaitGroup
	for i := range errs {
		p := []*Provider{a, b}[i%2]
		wg.Go(func() { _, errs[i] = p.Create(t.Context(), requests(20)[i]) })
	}
	wg.Wait()
	machines, err := a.List(t.Context(), "demo")
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	seen := map[string]string{}
	for _, m := range machines {
		if who := seen[m.Address]; who != "" {
			t.Errorf("%s and %s share %s", who, m.Name, m.Address)
		}
		seen[m.Address] = m.Name
	}
	if len(machines) != 20 || len(f.networks) != 1 {
		t.Errorf("%d machines on %d networks, want 20 on 1", len(machines), len(f.networks))
	}
}
