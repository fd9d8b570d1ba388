package spec

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAKeyOfDaemonJSONThatNoEngineKnowsIsARemark(t *testing.T) {
	c := parse(t, "engine:\n  daemon:\n    log-drivr: local\n    some-new-thing: 1\n    log-opts: {a: b}"+onDocker)
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.String())
	}
	const text = ": it is taken for one that needs a restart"
	want := []string{
		`cluster.yaml:3:5: engine.daemon.log-drivr: no engine from 20.10 to 29 knows this key of daemon.json (did you mean "log-driver"?)` + text,
		"cluster.yaml:4:5: engine.daemon.some-new-thing: no engine from 20.10 to 29 knows this key of daemon.json" + text,
	}
	if diff := cmp.Diff(want, got); diff != "" || c.Nodes[0].Engine.Daemon["log-drivr"] != "local" {
		t.Errorf("want-, got+:\n%s%v", diff, c.Nodes[0].Engine.Daemon)
	}
}
