package chaos

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestARunIsDecidedByItsSeed(t *testing.T) {
	all := cmp.AllowUnexported(script{}, member{}, moment{})
	if diff := cmp.Diff(chainOf(7), chainOf(7), all); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(chainOf(7), chainOf(8), all) {
		t.Error("two seeds give the same chain")
	}
}

func TestSeedsNameRuns(t *testing.T) {
	for seed, want := range map[string]string{"7": "7/0 7/7", "7/3": "7/3 7/3", "7/3+": "7/3 7/7", "7/8": "", "x": "", "7/x": "", "7/-1": "", "": ""} {
		got := ""
		if scripts, err := scriptsOf(seed); err == nil {
			got = scripts[0].seed + " " + scripts[len(scripts)-1].seed
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", seed, got, want)
		}
	}
}

func TestRunsAreChangesOfAClusterThatCanBe(t *testing.T) {
	for seed := range uint64(200) {
		var from shape
		for _, s := range chainOf(seed) {
			names := map[string]bool{}
			for _, m := range s.to {
				names[m.name] = true
			}
			switch {
			case !slices.Equal(s.from, from):
				t.Errorf("%s begins with %v, the one before ends with %v", s.seed, s.from, from)
			case slices.Equal(s.from, s.to):
				t.Errorf("%s changes nothing", s.seed)
			case len(s.to.of(manager)) < 1 || len(s.to.of(manager)) > maxManagers || len(s.to.of(worker)) < 1 || len(s.to) > maxNodes:
				t.Errorf("%s makes %s", s.seed, s.to)
			case len(names) != len(s.to) || len(s.to.of(manager))+len(s.to.of(worker)) != len(s.to):
				t.Errorf("%s: nodes %v", s.seed, s.to)
			}
			from = s.to
		}
	}
}

func TestRunsCoverEveryDamageChangeAndPartOfAnApply(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(25) { // what 200 runs are
		for _, s := range chainOf(seed) {
			seen[string(s.damage)]++
			seen[s.change]++
			if s.moment.step == "" {
				seen[[]string{"first", "second", "third", "last"}[int(s.moment.part*4)]]++
			}
		}
	}
	want := []string{fromNothing, several, "first", "second", "third", "last"}
	for _, d := range damages() {
		want = append(want, string(d))
	}
	for _, m := range mutations() {
		want = append(want, m.name)
	}
	for _, w := range want {
		if seen[w] < 5 {
			t.Errorf("%s: %d times in 200 runs", w, seen[w])
		}
	}
}
