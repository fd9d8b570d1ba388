package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestInspect(t *testing.T) {
	const secret = "hunter2hunter2"
	w := lived()
	w.have.Hosts[2].Why = "no " + secret
	got := user{world: w, env: map[string]string{"SECRET": secret}}.run(t, "inspect", "n2", "mgr1", "--timeout", "3s")
	got.wants(t, exitDone, nil, nil)
	var nodes []map[string]any
	if err := json.Unmarshal([]byte(got.out), &nodes); err != nil || len(nodes) != 2 {
		t.Fatalf("%v\n%s", err, got.out)
	}
	mgr, n2 := nodes[0], nodes[1]
	if mgr["node"] != "mgr1" || mgr["login"] != "root@10.0.0.1:22" || mgr["provider_machine"].(map[string]any)["address"] != "10.0.0.1" || mgr["leader"] != true {
		t.Errorf("mgr1: %v", mgr)
	}
	if wanted := n2["wanted"].(map[string]any); wanted["role"] != "worker" || n2["state"] != "silent" || n2["why"] == "" {
		t.Errorf("n2: %v", n2)
	}
	if strings.Contains(got.out, secret) || !strings.Contains(got.out, "$SECRET") {
		t.Errorf("a value of the environment is shown:\n%s", got.out)
	}
	if w.asked.lookTimeout != 3*time.Second || !w.asked.readOnly {
		t.Errorf("asked for %+v", w.asked)
	}
}

func TestInspectShowsAllNodesOrKnowsThem(t *testing.T) {
	got := user{world: lived()}.run(t, "inspect")
	if n := strings.Count(got.out, `"wanted": {`); got.code != exitDone || n != 3 {
		t.Errorf("exit %d, %d nodes", got.code, n)
	}
	user{world: lived()}.run(t, "inspect", "mgr2").wants(t, exitRefused, nil, []string{`no node "mgr2" (did you mean "mgr1"?)`})
	user{world: lived()}.run(t, "inspect", "-t", "0s").wants(t, exitRefused, nil, []string{"--timeout is 0s"})
}
