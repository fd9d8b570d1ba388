package e2e

import (
	"testing"
	"time"
)

const tutorial = `
name: NAME
provider: docker
managers:
  - name: mgr1
    engine_labels: {role: mgr}
workers:
  - name: n
    count: 2
    engine_labels: {role: node}
`

// The tutorial that swarmup replaces: three machines, engine labels, a service
// that is kept to the workers by a constraint, scaled up.
func TestTheTutorial(t *testing.T) {
	l := newLab(t)
	l.write("cluster.yaml", tutorial)
	l.must("validate")
	l.want(2, "plan", "--detailed-exitcode")
	l.must("apply")
	l.swarmIs("mgr1", map[string]want{
		"mgr1": {role: "manager", engine: map[string]string{"role": "mgr"}},
		"n1":   {role: "worker", engine: map[string]string{"role": "node"}},
		"n2":   {role: "worker", engine: map[string]string{"role": "node"}},
	})

	l.loadImage("mgr1", "n1", "n2")
	l.on("mgr1", "docker service create --quiet --detach --name web --replicas 2 --constraint engine.labels.role==node "+image+" sleep 1000000")
	eventually(t, time.Minute, func() error {
		return equal("two replicas", l.running("mgr1", "web"), map[string]int{"n1": 1, "n2": 1})
	})
	l.on("mgr1", "docker service scale --detach web=4")
	eventually(t, time.Minute, func() error {
		return equal("four replicas", l.running("mgr1", "web"), map[string]int{"n1": 2, "n2": 2})
	})

	l.second()
	if err := equal("after the second apply", l.running("mgr1", "web"), map[string]int{"n1": 2, "n2": 2}); err != nil {
		t.Error(err)
	}
	l.want(3, "destroy") // nobody to ask, and no --yes
	l.must("destroy", "--yes")
	l.gone()
	l.must("destroy", "--yes")
}
