package cluster

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
)

func TestAnotherManagerIsAskedWhereOneCannotAnswer(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want bool
	}{
		{"a worker", engine.ErrNotManager, true},
		{"no leader", engine.ErrNoLeader, true},
		{"no answer", engine.ErrNoAnswer, true},
		{"it passes the call on to a leader that just died", &swarm.Error{
			Op: "list nodes", Code: http.StatusServiceUnavailable,
			Text: `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 10.0.0.1:2377: connect: connection refused"`,
		}, true},
		{"a refusal", &swarm.Error{Op: "remove node", Code: http.StatusBadRequest, Text: "node is not down and can't be removed"}, false},
		{"a locked manager", engine.ErrLocked, false},
		{"an interrupt", context.Canceled, false},
		{"anything else", errors.New("x"), false},
	} {
		if got := elsewhere(fmt.Errorf("m: %w", tt.err)); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
}
