// Package join makes an engine a member of a swarm in its role, and no member
// again. Each function looks first, then acts, then waits until host and
// managers agree; what is already so is success, so that a run that was killed
// anywhere is finished by the next. The package never makes a swarm, keeps
// nothing between calls, and knows no SSH.
package join

import (
	"context"
	"errors"
	"fmt"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/wait"
)

// Member is the engine of the node itself.
type Member interface {
	Info(ctx context.Context) (engine.Info, error)
	// Join takes the engine into a swarm. engine.ErrContinues is an open end.
	Join(ctx context.Context, r engine.JoinRequest) error
	// Leave takes it out. Being in no swarm is success.
	Leave(ctx context.Context, force bool) error
}

// Control is the control plane of the swarm: a manager, or whoever finds one.
type Control interface {
	Nodes(ctx context.Context) ([]engine.Node, error)
	Swarm(ctx context.Context) (engine.Swarm, error)
	// UpdateNode changes a node. change may be called several times.
	UpdateNode(ctx context.Context, id string, change func(*engine.NodeSpec)) error
	// RemoveNode removes an entry. An unknown ID is success.
	RemoveNode(ctx context.Context, id string, force bool) error
	Tasks(ctx context.Context, nodeID string) ([]engine.Task, error)
}

// Request says how an engine shall join.
type Request struct {
	Role spec.Role
	// Remote is host:port of a manager, the leader where possible.
	Remote string
	// Advertise and DataPath are an IP address or an interface name; "" lets
	// the engine choose.
	Advertise string
	DataPath  string
	// ClusterID is the swarm that is meant. A host in another one, and a
	// Control of another one, are an error.
	ClusterID string
	// Certificate is the cluster that the host's own certificate names; "" is
	// unknown. It tells a host that was removed from this swarm from one that
	// is in another; without it, the managers that the host knows have to do.
	Certificate string
}

// Join makes an engine a member, with availability pause, and returns its node
// ID. What it finds decides: an engine that is a member already stays as it is,
// whatever its role; a join under way is waited for; one that has failed, or
// that the swarm has forgotten, leaves and joins anew. A manager counts as
// joined when the others reach it.
//
// A join that fails is tried once more, then for good. Its entries in the node
// list are removed, but for one without a name where ctx ends before it is
// certain that no other join goes on behind it: see Sweep. A host in another
// swarm is a *ForeignError and is left alone.
func Join(ctx context.Context, m Member, c Control, r Request) (nodeID string, err error) {
	j := &joining{m: m, c: c, r: r, mine: map[string]bool{}}
	nodeID, err = j.run(ctx)
	if err != nil {
		return nodeID, fmt.Errorf("join as %s: %w", r.Role, err)
	}
	return nodeID, nil
}

// joining is one call of Join.
type joining struct {
	m Member
	c Control
	r Request

	hostname string
	before   map[string]bool // entries that were there before the first attempt
	mine     map[string]bool // IDs that this host was seen to have
}

// run looks and acts until the host is a member. The limit on its rounds is
// above what any sound sequence needs (wait, leave, join, leave, join).
func (j *joining) run(ctx context.Context) (string, error) {
	last := errors.New("it is never free to join")
	for joins, rounds := 0, 0; rounds < maxRounds; rounds++ {
		i, nodes, err := j.look(ctx)
		if err != nil {
			return "", err
		}
		do, err := decide(i, nodes, j.r)
		if err != nil {
			return "", err
		}
		switch do {
		case stay:
			return i.NodeID, j.confirm(ctx, i.NodeID)
		case await:
			_, err = j.await(ctx)
		case leave, leaveByForce:
			err = quit(ctx, j.m, do == leaveByForce)
			if err != nil {
				return "", err
			}
			continue
		case enter:
			joins++
			var id string
			if id, err = j.enter(ctx); id != "" {
				return id, j.confirm(ctx, id)
			}
		}
		if err == nil {
			continue
		}
		if ctx.Err() != nil {
			return "", err // the next run cleans up
		}
		last = err
		end := joins == maxJoins || final(err)
		member, err := j.clean(ctx, end)
		switch {
		case err != nil:
			return "", fmt.Errorf("%w (and then: %w)", last, err)
		case end && !member:
			return "", last
		}
	}
	return "", last
}

// final says whether another attempt can only end in the same way.
func final(err error) bool { return errors.Is(err, engine.ErrAdvertise) }

// look asks the host first: an entry that its ID names is older than the answer.
func (j *joining) look(ctx context.Context) (engine.Info, []engine.Node, error) {
	i, err := j.m.Info(ctx)
	if err != nil {
		return engine.Info{}, nil, err
	}
	nodes, err := list(ctx, j.c)
	if err != nil {
		return engine.Info{}, nil, err
	}
	j.hostname = i.Hostname
	if j.before == nil {
		j.before = map[string]bool{}
		for _, n := range nodes {
			j.before[n.ID] = true
		}
	}
	return i, nodes, nil
}

// enter lets the engine join, with the tokens as they are now. It returns the
// node's ID where it is certain that this join has made it a member.
func (j *joining) enter(ctx context.Context) (id string, err error) {
	var s engine.Swarm
	err = patiently(ctx, "a leader to show the swarm", func(ctx context.Context) (err error) {
		s, err = j.c.Swarm(ctx)
		return err
	})
	if err != nil {
		return "", err
	}
	if j.r.ClusterID != "" && s.ID != j.r.ClusterID {
		return "", fmt.Errorf("the managers are of the swarm %s, not of %s", s.ID, j.r.ClusterID)
	}
	token := s.Worker
	if j.r.Role == spec.Manager {
		token = s.Manager
	}
	err = j.m.Join(ctx, engine.JoinRequest{
		Remote: j.r.Remote, Token: token,
		Advertise: j.r.Advertise, DataPath: j.r.DataPath, Availability: string(spec.Pause),
	})
	switch {
	case err == nil:
		return j.await(ctx)
	case errors.Is(err, engine.ErrContinues), errors.Is(err, engine.ErrAlreadyMember):
		_, err = j.await(ctx)
		return "", err
	case errors.Is(err, engine.ErrNoAnswer) && ctx.Err() == nil:
		if _, ended := j.await(ctx); ended != nil {
			return "", fmt.Errorf("%w; %w", err, ended)
		}
		return "", nil
	}
	return "", err
}

// await waits for the end of a join that goes on in the background, and returns
// the ID of the node that the engine is then.
func (j *joining) await(ctx context.Context) (id string, err error) {
	err = wait.Until(ctx, "the join to end", joinLimit, pollJoin, func(ctx context.Context) (bool, error) {
		i, err := j.m.Info(ctx)
		if err != nil {
			return false, err
		}
		if i.NodeID != "" {
			j.mine[i.NodeID] = true
		}
		switch i.State {
		case engine.Active:
			id = i.NodeID
			return true, nil
		case engine.Pending:
			return false, errors.New("its membership is pending")
		default:
			return true, ended(i)
		}
	})
	return id, err
}

func ended(i engine.Info) error {
	if i.Error == "" {
		return fmt.Errorf("the join came to nothing: the engine is %s", i.State)
	}
	return fmt.Errorf("the join came to nothing: %s", i.Error)
}

// confirm waits until the managers take the node for what it is.
func (j *joining) confirm(ctx context.Context, id string) error {
	return until(ctx, j.c, id, waiting{"the managers to count on it", joinLimit, pollReady}, func(_ context.Context, n engine.Node) (bool, error) {
		return counts(n)
	})
}

// counts says whether a node works in its role.
func counts(n engine.Node) (bool, error) {
	switch {
	case n.State != "ready":
		return false, fmt.Errorf("it is %s", n.State)
	case n.Role == string(spec.Manager) && n.Manager == nil:
		return false, errors.New("it is no manager yet")
	case n.Manager != nil && n.Manager.Reachability != "reachable":
		return false, fmt.Errorf("as a manager it is %s", n.Manager.Reachability)
	}
	return true, nil
}
