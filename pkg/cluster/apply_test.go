package cluster_test

import "testing"

const three = "managers: [{name: m, count: 3}]\n"

func TestAFreshClusterComesUpAndASecondPlanIsEmpty(t *testing.T) {
	in(t, func(w *world) {
		w.file(three + "workers: [{name: w, count: 4}]")
		w.apply()
		if got := len(w.net.Clusters()); got != 1 {
			t.Errorf("%d swarms, want 1", got)
		}
	})
}
