package swarmtest

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/api/types/swarm"
	"github.com/docker/docker/api/types/system"
)

// defaults fills in what an init leaves open (swarmkit manager/controlapi,
// defaults; moby daemon/cluster/convert/swarm.go, MergeSwarmSpecToGRPC).
func (c *cluster) defaults(spec swarm.Spec) {
	c.spec = spec
	c.spec.Name = "default"
	c.spec.Labels = map[string]string{}
	if c.spec.Orchestration.TaskHistoryRetentionLimit == nil {
		history := int64(5)
		c.spec.Orchestration.TaskHistoryRetentionLimit = &history
	}
	c.spec.Raft.ElectionTick, c.spec.Raft.HeartbeatTick = 10, 1
	if c.spec.Raft.SnapshotInterval == 0 {
		c.spec.Raft.SnapshotInterval = 10000
	}
	if c.spec.Raft.LogEntriesForSlowFollowers == 0 {
		c.spec.Raft.LogEntriesForSlowFollowers = 500
	}
	if c.spec.Raft.KeepOldSnapshots == nil {
		c.spec.Raft.KeepOldSnapshots = new(uint64)
	}
	if c.spec.Dispatcher.HeartbeatPeriod == 0 {
		c.spec.Dispatcher.HeartbeatPeriod = 5 * time.Second
	}
	if c.spec.CAConfig.NodeCertExpiry == 0 {
		c.spec.CAConfig.NodeCertExpiry = 90 * 24 * time.Hour
	}
	if len(c.pool) == 0 {
		c.pool = []string{"10.0.0.0/8"}
	}
	if c.subnet == 0 {
		c.subnet = 24
	}
	if c.port == 0 {
		c.port = 4789
	}
}

func (c *cluster) info() swarm.ClusterInfo {
	i := swarm.ClusterInfo{ID: c.id, Spec: c.spec, DefaultAddrPool: c.pool, SubnetSize: c.subnet, DataPathPort: c.port}
	i.TLSInfo.TrustRoot, i.TLSInfo.CertIssuerPublicKey, i.RootRotationInProgress = c.root, []byte(c.issuer()), c.next != ""
	i.Version.Index, i.CreatedAt = c.index, c.created
	return i
}

func (e *Engine) getSwarm(*http.Request) reply {
	c := e.cluster
	return reply{http.StatusOK, swarm.Swarm{ClusterInfo: c.info(), JoinTokens: swarm.JoinTokens{Worker: c.worker, Manager: c.manager}}}
}

func (e *Engine) postSwarm(r *http.Request) reply {
	var spec swarm.Spec
	if bad, ok := decode(r, &spec); !ok {
		return bad
	}
	if e.w.races > 0 {
		e.w.races--
		e.cluster.written()
	}
	if r.URL.Query().Get("version") != strconv.FormatUint(e.cluster.index, 10) {
		return refuse(http.StatusInternalServerError, "rpc error: code = Unknown desc = update out of sequence")
	}
	if spec.Dispatcher.HeartbeatPeriod < 0 {
		return refuse(http.StatusBadRequest, "rpc error: code = InvalidArgument desc = heartbeat time period cannot be a negative duration")
	}
	before := e.cluster.spec
	e.cluster.spec = spec
	e.cluster.written()
	q := r.URL.Query()
	e.cluster.exchange(flag(q, "rotateWorkerToken"), flag(q, "rotateManagerToken"))
	e.cluster.rotateRoot(before)
	e.cluster.relock(flag(q, "rotateManagerUnlockKey"))
	return ok
}

// flag reads a truth of a query (moby daemon/server/router/swarm).
func flag(q url.Values, name string) bool {
	on, _ := strconv.ParseBool(q.Get(name))
	return on
}

func (e *Engine) ping(*http.Request) reply { return ok }

// pingHeader says the state in a header, as engines do from API 1.42 on.
func (e *Engine) pingHeader(rw http.ResponseWriter) {
	e.w.lock()
	defer e.w.mu.Unlock()
	rw.Header().Set("Api-Version", e.api)
	rw.Header().Set("Ostype", "linux")
	if tooNew("1.42", e.api) {
		return
	}
	state := string(e.state)
	if e.state == swarm.LocalNodeStateActive {
		state += "/" + map[bool]string{true: "manager", false: "worker"}[e.control]
	}
	rw.Header().Set("Swarm", state)
}

func (e *Engine) getVersion(*http.Request) reply {
	return reply{http.StatusOK, map[string]string{"Version": e.version, "ApiVersion": e.api}}
}

func (e *Engine) getInfo(*http.Request) reply {
	info := system.Info{
		ID: e.id, Name: e.hostname, ServerVersion: e.version, LiveRestoreEnabled: e.live,
		RegistryConfig: e.registries(), SystemTime: e.w.clock.Format(time.RFC3339Nano),
	}
	for k, v := range e.labels {
		info.Labels = append(info.Labels, k+"="+v)
	}
	slices.Sort(info.Labels)
	info.Swarm = e.swarmInfo()
	return reply{http.StatusOK, info}
}

// registries is moby registry/config.go, as far as /info shows it.
func (e *Engine) registries() *registry.ServiceConfig {
	c := &registry.ServiceConfig{IndexConfigs: map[string]*registry.IndexInfo{"docker.io": {Name: "docker.io", Secure: true, Official: true}}}
	for _, r := range append([]string{"::1/128", "127.0.0.0/8"}, e.insecure...) {
		if _, n, err := net.ParseCIDR(r); err == nil {
			c.InsecureRegistryCIDRs = append(c.InsecureRegistryCIDRs, (*registry.NetIPNet)(n))
			continue
		}
		c.IndexConfigs[r] = &registry.IndexInfo{Name: r}
	}
	for _, m := range e.mirrors {
		c.Mirrors = append(c.Mirrors, strings.TrimSuffix(m, "/")+"/")
	}
	return c
}

// swarmInfo is moby daemon/cluster/swarm.go, Info.
func (e *Engine) swarmInfo() swarm.Info {
	i := swarm.Info{LocalNodeState: e.state, Error: e.errText}
	c := e.cluster
	if c == nil || e.state == swarm.LocalNodeStateError || e.state == swarm.LocalNodeStateLocked {
		return i
	}
	i.NodeID, i.NodeAddr = e.nodeID, e.addrGiven
	if i.NodeAddr == "" {
		i.NodeAddr = e.addr
	}
	for _, n := range c.sorted() {
		if n.member {
			i.RemoteManagers = append(i.RemoteManagers, swarm.Peer{NodeID: n.id, Addr: n.addr + ":2377"})
		}
	}
	if !e.control {
		return i
	}
	i.ControlAvailable = true
	if e.leaderless() {
		i.Error, i.Cluster = noLeader, &swarm.ClusterInfo{}
		return i
	}
	all := c.info()
	i.Cluster = &all
	i.Nodes = len(c.nodes)
	i.Managers, _ = c.votes()
	return i
}
