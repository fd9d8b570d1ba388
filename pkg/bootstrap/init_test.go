package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/engine"
)

// fakeAPI is the API of one engine, as far as init is concerned.
type fakeAPI struct {
	info    engine.Info
	infoErr error
	initErr error
	elected time.Duration // how long a new swarm takes to have a leader
	inits   int
	at      time.Time
	req     engine.InitRequest
}

func (f *fakeAPI) Info(ctx context.Context) (engine.Info, error) {
	if ctx.Err() != nil {
		return engine.Info{}, ctx.Err()
	}
	if f.info.State == engine.Active && f.inits > 0 && time.Since(f.at) >= f.elected {
		f.info.ClusterID, f.info.Error = "cluster1", ""
	}
	return f.info, f.infoErr
}

func (f *fakeAPI) Init(_ context.Context, req engine.InitRequest) (string, error) {
	f.inits++
	f.req, f.at = req, time.Now()
	if f.initErr != nil && !errors.Is(f.initErr, engine.ErrAlreadyMember) {
		return "", f.initErr
	}
	f.info = engine.Info{State: engine.Active, Manager: true, NodeID: "node1", NodeAddr: "10.0.0.1", Error: "no leader yet"}
	return "node1", f.initErr
}

var manager = engine.Info{State: engine.Active, Manager: true, ClusterID: "old", NodeID: "node0", NodeAddr: "10.0.0.9"}

func TestInit(t *testing.T) {
	inactive := engine.Info{State: engine.Inactive}
	tests := []struct {
		name  string
		api   fakeAPI
		req   engine.InitRequest
		want  string // ID of the cluster
		inits int
		err   string
	}{
		{name: "an inactive engine becomes the first manager", api: fakeAPI{info: inactive, elected: time.Second},
			req: engine.InitRequest{Advertise: "10.0.0.1"}, want: "cluster1", inits: 1},
		{name: "the address of an interface is the engine's business", api: fakeAPI{info: inactive},
			req: engine.InitRequest{Advertise: "eth1"}, want: "cluster1", inits: 1},
		{name: "a manager is left as it is", api: fakeAPI{info: manager}, req: engine.InitRequest{Advertise: "10.0.0.1"}, want: "old"},
		{name: "somebody was faster", api: fakeAPI{info: inactive, initErr: fmt.Errorf("init: %w", engine.ErrAlreadyMember)}, want: "cluster1", inits: 1},
		{name: "a worker belongs to others", api: fakeAPI{info: engine.Info{State: engine.Active, Remotes: []string{"10.0.0.2:2377", "10.0.0.3:2377"}}},
			err: "init swarm: it is a worker of a swarm whose managers are 10.0.0.2:2377, 10.0.0.3:2377"},
		{name: "a locked manager", api: fakeAPI{info: engine.Info{State: engine.Locked}}, err: "init swarm: its swarm state is locked"},
		{name: "a failed member", api: fakeAPI{info: engine.Info{State: engine.Failed, Error: "certificates have expired"}},
			err: "init swarm: its swarm state is error: certificates have expired"},
		{name: "an engine that does not answer", api: fakeAPI{infoErr: errors.New("connection refused")}, err: "init swarm: connection refused"},
		{name: "an engine that refuses", api: fakeAPI{info: inactive, initErr: errors.New("could not choose an IP address")}, inits: 1,
			err: "init swarm: could not choose an IP address"},
		{name: "a port that is taken, in the engine's words", api: fakeAPI{info: inactive, initErr: errors.New("listen tcp 0.0.0.0:2377: bind: address already in use")}, inits: 1,
			err: "init swarm: port 2377/tcp is taken by another process"},
		{name: "a swarm without a leader", api: fakeAPI{info: inactive, elected: time.Hour}, inits: 1,
			err: "init swarm: wait for the engine to be a manager: not within 30s: no leader yet"},
		{name: "another address than it was told", api: fakeAPI{info: inactive}, req: engine.InitRequest{Advertise: "10.0.0.2"}, inits: 1,
			err: "init swarm: it advertises 10.0.0.1, not 10.0.0.2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got, err := Init(t.Context(), &tt.api, nil, tt.req)
				if text := errText(err); text != tt.err {
					t.Fatalf("error\n got %s\nwant %s", text, tt.err)
				}
				if got.ClusterID != tt.want || tt.api.inits != tt.inits {
					t.Errorf("got cluster %q after %d calls of init, want %q after %d", got.ClusterID, tt.api.inits, tt.want, tt.inits)
				}
				if tt.inits > 0 && tt.api.req.Advertise != tt.req.Advertise {
					t.Errorf("asked for %+v, want %+v", tt.api.req, tt.req)
				}
			})
		})
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestAnInterruptBeforeInitMakesNoSwarm(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	api := fakeAPI{info: engine.Info{State: engine.Inactive}}
	cancel(errors.New("interrupted"))
	if _, err := Init(ctx, &api, nil, engine.InitRequest{}); err == nil || api.inits != 0 {
		t.Errorf("got %v and %d calls of init", err, api.inits)
	}
}

// Lines of /proc/net/tcp and udp, as Linux prints them.
const (
	procHead = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	tcp2377  = "   0: 00000000:0949 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 501 1 0 100 0 0 10 0\n"
	tcpConn  = "   1: 0100007F:1F0A 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 502 1 0 100 0 0 10 0\n"
	tcp67946 = "   0: 00000000000000000000000000000000:1F0A 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 503 1 0\n"
	udp4789  = "  12: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 504 2 0 0\n"
	udp5000  = "  12: 00000000:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 505 2 0 0\n"
)

func TestInitLooksWhetherItsPortsAreFree(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name            string
		tcp, tcp6, udp  string
		process, socket string
		dataPort        uint32
		want            string
	}{
		{name: "all are"},
		{name: "a connection is no listener", tcp: tcpConn},
		{name: "the manager's", tcp: tcp2377, process: "nginx", socket: "501", want: "init swarm: port 2377/tcp is taken by nginx"},
		{name: "the manager's, by nobody knows whom", tcp: tcp2377, process: "nginx", socket: "999", want: "init swarm: port 2377/tcp is taken by another process"},
		{name: "gossip's, on IPv6 only", tcp6: tcp67946, process: "serf", socket: "503", want: "init swarm: port 7946/tcp is taken by serf"},
		{name: "the data path's", udp: udp4789, process: "flannel", socket: "504", want: "init swarm: port 4789/udp is taken by flannel"},
		{name: "the kernel's own VXLAN socket is shared", udp: udp4789},
		{name: "another data path's", udp: udp5000, dataPort: 5000, process: "x", socket: "505", want: "init swarm: port 5000/udp is taken by x"},
		{name: "an engine that is about to close it", tcp: tcp2377, process: "dockerd", socket: "501"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachShell(t, func(t *testing.T, m *machine) {
				m.write("/proc/net/tcp", procHead+tt.tcp)
				m.write("/proc/net/tcp6", procHead+tt.tcp6)
				m.write("/proc/net/udp", procHead+tt.udp)
				if tt.process != "" {
					m.write("/proc/31/comm", tt.process+"\n")
					m.write("/proc/31/fd/.keep", "")
					m.link("/dev/null", "/proc/31/fd/0")
					m.link("socket:["+tt.socket+"]", "/proc/31/fd/4")
				}
				api := fakeAPI{info: engine.Info{State: engine.Inactive}}
				_, err := Init(t.Context(), &api, m, engine.InitRequest{DataPathPort: tt.dataPort})
				if errText(err) != tt.want {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				if made := api.inits > 0; made != (tt.want == "") {
					t.Errorf("init was called: %v", made)
				}
				if taken := new(PortTakenError); tt.want != "" && !errors.As(err, &taken) {
					t.Errorf("%T is no *PortTakenError", err)
				}
			})
		})
	}
}

func TestAPortThatIsTakenMeanwhileIsNamedToo(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.write("/proc/net/udp", procHead)
	api := fakeAPI{info: engine.Info{State: engine.Inactive}, initErr: errors.New("rpc error: listen tcp 10.0.0.1:2377: bind: address already in use")}
	happen := func() {
		m.write("/proc/net/tcp", procHead+tcp2377)
		m.write("/proc/31/comm", "nginx\n")
		m.write("/proc/31/fd/.keep", "")
		m.link("socket:[501]", "/proc/31/fd/4")
	}
	_, err := Init(t.Context(), &slowAPI{&api, happen}, m, engine.InitRequest{})
	if want := "init swarm: port 2377/tcp is taken by nginx"; errText(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// slowAPI lets something happen right before init.
type slowAPI struct {
	*fakeAPI
	happen func()
}

func (s *slowAPI) Init(ctx context.Context, req engine.InitRequest) (string, error) {
	s.happen()
	return s.fakeAPI.Init(ctx, req)
}
