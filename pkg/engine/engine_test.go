package engine_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
)

func TestATokenNeverPrints(t *testing.T) {
	const secret = "SWMTKN-1-abc-def"
	type inner struct{ hidden engine.Token }
	s := engine.Swarm{ID: "c", Worker: engine.NewToken(secret), Manager: engine.NewToken(secret)}
	values := []any{
		s.Worker, &s.Worker, s, &s, []engine.Token{s.Worker}, map[string]engine.Token{"a": s.Worker},
		inner{s.Worker}, &inner{s.Worker}, engine.JoinRequest{Token: s.Worker}, struct{ any }{s.Worker},
	}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			if got := fmt.Sprintf(verb, v); strings.Contains(got, secret) || strings.Contains(got, fmt.Sprintf("%x", secret)) {
				t.Errorf("%s of %T shows the token: %s", verb, v, got)
			}
		}
		b, err := json.Marshal(v)
		if err != nil || strings.Contains(string(b), secret) {
			t.Errorf("JSON of %T: %s, %v", v, b, err)
		}
	}
	if got := s.Worker.Reveal(); got != secret {
		t.Errorf("Reveal: got %q, want the token", got)
	}
	if got := (engine.Token{}).Reveal(); got != "" {
		t.Errorf("Reveal of no token: got %q", got)
	}
	if got := fmt.Sprint(s.Worker); got != "[token]" {
		t.Errorf("got %q, want [token]", got)
	}
}

func TestATaskLivesUntilItHasStopped(t *testing.T) {
	alive := map[string]bool{
		"new": true, "allocated": true, "pending": true, "assigned": true, "accepted": true,
		"preparing": true, "ready": true, "starting": true, "running": true,
		"complete": false, "shutdown": false, "failed": false, "rejected": false, "remove": false, "orphaned": false, "": false,
	}
	for state, want := range alive {
		if got := (engine.Task{State: state, Desired: "shutdown"}).Live(); got != want {
			t.Errorf("%q: got %t, want %t", state, got, want)
		}
	}
}
