package swarm

import (
	"context"
	"errors"
	"strings"

	"github.com/docker/docker/api/types/swarm"

	"github.com/swarmup/swarmup/pkg/engine"
)

// listen is where managers listen (moby daemon/cluster/cluster.go,
// defaultAddr). Engines want to be told; workers do not listen.
const listen = "0.0.0.0:2377"

// defaultSubnet is the prefix length of overlay networks, as docker swarm init
// has it (docker swarm init --help). The API has none: an engine that is given
// pools and no size makes a swarm without any networks (seen on Engine 26.1,
// "invalid pools size: 0" in its log).
const defaultSubnet = 24

// Init makes the engine the first manager of a new swarm and returns its node
// ID. An engine that is in a swarm, in whatever state, refuses with
// engine.ErrAlreadyMember.
func (e *Engine) Init(ctx context.Context, r engine.InitRequest) (nodeID string, err error) {
	req := swarm.InitRequest{
		ListenAddr:      listen,
		AdvertiseAddr:   r.Advertise,
		DataPathAddr:    r.DataPath,
		DataPathPort:    r.DataPathPort,
		DefaultAddrPool: r.Pool,
		SubnetSize:      r.SubnetSize,
		ForceNewCluster: r.ForceNew,
	}
	if len(r.Pool) > 0 && r.SubnetSize == 0 {
		req.SubnetSize = defaultSubnet
	}
	req.Spec.CAConfig.NodeCertExpiry = r.NodeCertExpiry
	req.Spec.Dispatcher.HeartbeatPeriod = r.Heartbeat
	if r.TaskHistory != nil {
		history := int64(*r.TaskHistory)
		req.Spec.Orchestration.TaskHistoryRetentionLimit = &history
	}
	setLog(&req.Spec.Raft, r.Log)
	err = mutate(ctx, "init swarm", initLimit, func(ctx context.Context) error {
		nodeID, err = e.api.SwarmInit(ctx, req)
		return err
	})
	if err != nil {
		return "", err
	}
	return nodeID, nil
}

// Join takes the engine into the swarm of r.Remote; the token decides its role.
// It returns once the engine is a member. engine.ErrContinues is no failure but
// an open end. Every other error may leave an entry without a host behind in
// the swarm. An engine ignores an Advertise that it cannot resolve: see
// Info.NodeAddr.
func (e *Engine) Join(ctx context.Context, r engine.JoinRequest) error {
	req := swarm.JoinRequest{
		ListenAddr:    listen,
		AdvertiseAddr: r.Advertise,
		DataPathAddr:  r.DataPath,
		RemoteAddrs:   []string{r.Remote},
		JoinToken:     r.Token.Reveal(),
		Availability:  swarm.NodeAvailability(r.Availability),
	}
	err := mutate(ctx, "join swarm", joinLimit, func(ctx context.Context) error {
		return e.api.SwarmJoin(ctx, req)
	})
	return hide(err, r.Token)
}

// Leave takes the engine out of its swarm; being in none is success. Without
// force a manager refuses. With force it leaves whatever it breaks: the last
// manager takes its swarm with it, and others their quorum.
func (e *Engine) Leave(ctx context.Context, force bool) error {
	err := mutate(ctx, "leave swarm", leaveLimit, func(ctx context.Context) error {
		return e.api.SwarmLeave(ctx, force)
	})
	if errors.Is(err, engine.ErrNotMember) {
		return nil
	}
	return err
}

// Swarm asks a manager about the swarm and for its tokens as they are now.
func (e *Engine) Swarm(ctx context.Context) (engine.Swarm, error) {
	var s engine.Swarm
	err := read(ctx, "read swarm", func(ctx context.Context) error {
		got, err := e.api.SwarmInspect(ctx)
		s = swarmOf(got)
		return err
	})
	if err != nil {
		return engine.Swarm{}, err
	}
	return s, nil
}

func swarmOf(s swarm.Swarm) engine.Swarm {
	now := specOf(s.Spec)
	return engine.Swarm{
		ID:             s.ID,
		Worker:         engine.NewToken(strings.TrimSpace(s.JoinTokens.Worker)),
		Manager:        engine.NewToken(strings.TrimSpace(s.JoinTokens.Manager)),
		Pool:           s.DefaultAddrPool,
		SubnetSize:     s.SubnetSize,
		DataPathPort:   s.DataPathPort,
		NodeCertExpiry: now.NodeCertExpiry,
		TaskHistory:    now.TaskHistory,
		Heartbeat:      now.Heartbeat,
		Log:            now.Log,
		Rotating:       s.RootRotationInProgress,
		Autolock:       now.Autolock,
		Issuer:         string(s.TLSInfo.CertIssuerPublicKey),
	}
}

// specOf gives of a swarm's spec what may be changed here.
func specOf(s swarm.Spec) engine.SwarmSpec {
	out := engine.SwarmSpec{
		NodeCertExpiry: s.CAConfig.NodeCertExpiry, Heartbeat: s.Dispatcher.HeartbeatPeriod,
		Autolock: s.EncryptionConfig.AutoLockManagers, Log: logOf(s.Raft),
	}
	if h := s.Orchestration.TaskHistoryRetentionLimit; h != nil {
		out.TaskHistory = int(*h)
	}
	return out
}

// UpdateSwarm changes the settings of the swarm through a manager. change may
// be called several times, each time with what holds now; what it leaves alone
// stays, and if it leaves all alone nothing is sent.
func (e *Engine) UpdateSwarm(ctx context.Context, change func(*engine.SwarmSpec)) error {
	return update(ctx, "update swarm", func(ctx context.Context) (post, error) {
		var got swarm.Swarm
		err := read(ctx, "read swarm", func(ctx context.Context) (err error) {
			got, err = e.api.SwarmInspect(ctx)
			return err
		})
		if err != nil {
			return nil, err
		}
		was := specOf(got.Spec)
		now := was
		if change(&now); now == was {
			return nil, nil
		}
		spec := got.Spec
		spec.CAConfig.NodeCertExpiry, spec.Dispatcher.HeartbeatPeriod = now.NodeCertExpiry, now.Heartbeat
		spec.EncryptionConfig.AutoLockManagers = now.Autolock
		setLog(&spec.Raft, now.Log)
		if now.TaskHistory != was.TaskHistory {
			history := int64(now.TaskHistory)
			spec.Orchestration.TaskHistoryRetentionLimit = &history
		}
		return func(ctx context.Context) error {
			return e.api.SwarmUpdate(ctx, got.Version, spec, swarm.UpdateFlags{})
		}, nil
	})
}
