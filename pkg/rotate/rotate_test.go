package rotate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/rotate"
	"github.com/swarmup/swarmup/pkg/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// swarm has nodes that get new certificates one after the other, each after a
// pause; the rotation ends with the last one.
type swarm struct {
	nodes    []engine.Node
	issuer   string
	rotating bool
	pause    time.Duration
	begun    time.Time

	asked  []engine.Rotation
	key    int // the unlock key of now
	stored []int
	fails  map[string]error // by method
	onTurn func()           // when the unlock key is changed
}

func (s *swarm) Rotate(_ context.Context, what engine.Rotation) error {
	if err := s.fails["Rotate"]; err != nil {
		return err
	}
	s.asked = append(s.asked, what)
	if what.CA {
		s.begin()
	}
	if what.UnlockKey {
		s.key++
		if s.onTurn != nil {
			s.onTurn()
		}
	}
	return nil
}

func (s *swarm) begin() {
	s.rotating, s.issuer, s.begun = true, "new", time.Now()
}

func (s *swarm) Trust(context.Context) (engine.Swarm, []engine.Node, error) {
	left := 0
	for i := range s.nodes {
		n := &s.nodes[i]
		if s.rotating && n.State == "ready" && time.Since(s.begun) >= s.pause*time.Duration(i+1) {
			n.Issuer = s.issuer
		}
		if n.Issuer != s.issuer {
			left++
		}
	}
	s.rotating = s.rotating && left > 0
	return engine.Swarm{Rotating: s.rotating, Issuer: s.issuer}, s.nodes, s.fails["Trust"]
}

func (s *swarm) StoreKey(ctx context.Context) (string, error) {
	if err := errors.Join(ctx.Err(), s.fails["StoreKey"]); err != nil {
		return "", err
	}
	if err := s.fails["StoreKey again"]; err != nil && len(s.stored) > 0 {
		return "", err
	}
	s.stored = append(s.stored, s.key)
	return "a note", nil
}

// of makes a swarm of nodes in these states, named a, b and so on.
func of(states ...string) *swarm {
	s := &swarm{issuer: "old", pause: 2 * time.Second, fails: map[string]error{}}
	for i, state := range states {
		s.nodes = append(s.nodes, engine.Node{ID: "id", Hostname: string(rune('a' + i)), State: state, Issuer: "old"})
	}
	return s
}

func TestTokensOfTheRolesThatAreNamed(t *testing.T) {
	for _, tt := range []struct {
		roles []spec.Role
		want  engine.Rotation
	}{
		{[]spec.Role{spec.Worker}, engine.Rotation{WorkerToken: true}},
		{[]spec.Role{spec.Manager}, engine.Rotation{ManagerToken: true}},
		{[]spec.Role{spec.Worker, spec.Manager}, engine.Rotation{WorkerToken: true, ManagerToken: true}},
	} {
		s := of("ready")
		if err := rotate.Tokens(t.Context(), s, tt.roles...); err != nil || len(s.asked) != 1 || s.asked[0] != tt.want {
			t.Errorf("%v: asked for %+v, %v", tt.roles, s.asked, err)
		}
	}
}

func TestTheRootCA(t *testing.T) {
	const begin, going = "a rotation is in progress already: its end is waited for", " of 3 nodes have certificates of the new root CA"
	tests := []struct {
		name  string
		swarm *swarm
		limit time.Duration
		told  []string
		asked int
		err   string
	}{
		{name: "reaches all nodes", swarm: of("ready", "ready", "ready"), told: []string{"0" + going, "1" + going, "2" + going, "3" + going}, asked: 1},
		{name: "is not begun while a node is down", swarm: of("ready", "down", "down"), err: "a rotation would wait for nodes that are down: b, c"},
		{name: "is not waited for while a node is down", swarm: turning(of("ready", "ready", "down")),
			err: "a rotation is in progress, and waits for nodes that are down: c"},
		{name: "is begun once", swarm: turning(of("ready", "ready", "ready")), told: []string{begin, "0" + going, "1" + going, "2" + going, "3" + going}},
		{name: "is not waited for without end", swarm: of("ready", "unknown", "ready"), limit: 20 * time.Second, told: []string{"0" + going, "1" + going, "2" + going}, asked: 1,
			err: "wait for all nodes to trust the new root CA: not within 20s: no new certificate yet: b"},
		{name: "is not begun where nobody answers", swarm: failing("Trust"), err: "nobody answers"},
		{name: "may be refused", swarm: failing("Rotate"), err: "nobody answers"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if tt.swarm.rotating {
					tt.swarm.begun = time.Now()
				}
				if tt.limit == 0 {
					tt.limit = time.Minute
				}
				var told []string
				err := rotate.CA(t.Context(), tt.swarm, tt.limit, func(line string) { told = append(told, line) })
				if got := text(err); got != tt.err {
					t.Errorf("got %q, want %q", got, tt.err)
				}
				if diff := cmp.Diff(tt.told, told); diff != "" || len(tt.swarm.asked) != tt.asked {
					t.Errorf("asked %d times, want %d; want-, got+:\n%s", len(tt.swarm.asked), tt.asked, diff)
				}
			})
		})
	}
}

func turning(s *swarm) *swarm {
	s.begin()
	return s
}

func failing(method string) *swarm {
	s := of("ready")
	s.fails[method] = errors.New("nobody answers")
	return s
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestANodeWithoutANameIsNamedByItsID(t *testing.T) {
	s := of("down")
	s.nodes[0].Hostname = ""
	var down *rotate.DownError
	if err := rotate.CA(t.Context(), s, time.Second, nil); !errors.As(err, &down) || len(down.Nodes) != 1 || down.Nodes[0] != "id" {
		t.Errorf("got %v", err)
	}
}

func TestTheUnlockKeyIsStoredAtOnce(t *testing.T) {
	s := of("ready")
	if note, err := rotate.UnlockKey(t.Context(), s); note != "a note" || err != nil || len(s.asked) != 1 || s.asked[0] != (engine.Rotation{UnlockKey: true}) {
		t.Errorf("asked for %+v: %q, %v", s.asked, note, err)
	}
	if diff := cmp.Diff([]int{0, 1}, s.stored); diff != "" {
		t.Errorf("stored: want-, got+:\n%s", diff)
	}
}

func TestAnInterruptDoesNotKeepTheNewKeyFromBeingStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := of("ready")
		s.onTurn = cancel
		if _, err := rotate.UnlockKey(ctx, s); err != nil || len(s.stored) != 2 || s.stored[1] != 1 {
			t.Errorf("stored %v: %v", s.stored, err)
		}
	})
}

func TestAKeyThatCannotBeStoredIsNotChanged(t *testing.T) {
	s := failing("StoreKey")
	if _, err := rotate.UnlockKey(t.Context(), s); text(err) != "store the key of now: nobody answers" || len(s.asked) != 0 {
		t.Errorf("asked for %+v: %v", s.asked, err)
	}
	s = failing("StoreKey again")
	if _, err := rotate.UnlockKey(t.Context(), s); !strings.HasPrefix(text(err), "store the new key: ") {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := rotate.UnlockKey(ctx, of("ready")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
