package swarm

import (
	"errors"
	"net/http"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/swarmup/swarmup/pkg/engine"
)

// Words of engines that no fake of ours says, as they were heard.
func TestWhatEnginesSayIsUnderstood(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want error
	}{
		{"a leader that is one no more", unavailable("rpc error: code = Unknown desc = raft: failed to process the request: node lost leader status"), engine.ErrNoLeader},
		{"a manager that goes down", unavailable("rpc error: code = Unknown desc = raft: failed to process the request: node is stopped"), engine.ErrNoLeader},
		{"a manager in the middle of its demotion, Engine 26.1", unavailable(`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial unix /var/run/docker/swarm/control.sock: connect: no such file or directory"`), engine.ErrNotManager},
		{"a manager in the middle of its demotion, Engine 20.10", unavailable(`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial unix /var/run/docker/swarm/control.sock: connect: no such file or directory"`), engine.ErrNotManager},
		{"a port that nobody listens at", unavailable(`rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:2377: connect: connection refused"`), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := fail("create config", tt.err)
			var said *Error
			if !errors.As(err, &said) || said.Code != http.StatusServiceUnavailable {
				t.Fatalf("got %#v", err)
			}
			if tt.want == nil && len(said.Unwrap()) > 0 || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", said.Unwrap(), tt.want)
			}
		})
	}
}

func unavailable(text string) error { return errdefs.ErrUnavailable.WithMessage(daemonPrefix + text) }
