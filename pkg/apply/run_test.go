package apply_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
)

// graph reads "a; b<a; c<a,b; d~c": a step and, behind <, those that must have
// succeeded, behind ~, those that must have ended.
func graph(text string) plan.Plan {
	var p plan.Plan
	for _, part := range strings.Split(text, ";") {
		part = strings.TrimSpace(part)
		part, behind, _ := strings.Cut(part, "~")
		id, after, _ := strings.Cut(part, "<")
		p.Steps = append(p.Steps, plan.Step{ID: id, Action: plan.Join, Node: id, After: split(after), Behind: split(behind)})
	}
	return p
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// summary is "a b! c-": done, failed, skipped; "d/" is canceled.
func summary(r apply.Report) string {
	marks := map[apply.Status]string{apply.Done: "", apply.Failed: "!", apply.Skipped: "-", apply.Canceled: "/"}
	out := make([]string, len(r))
	for i, res := range r {
		out[i] = res.Step.ID + marks[res.Status]
	}
	return strings.Join(out, " ")
}

func TestAFailedStepHoldsBackOnlyWhatIsAfterIt(t *testing.T) {
	for _, tt := range []struct{ name, graph, fails, want string }{
		{"nothing fails", "a; b<a; c<b", "", "a b c"},
		{"a chain stops", "a; b<a; c<b", "a", "a! b- c-"},
		{"a sibling goes on", "a; b<a; c; d<c", "a", "a! b- c d"},
		{"one of two is enough to hold back", "a; b; c<a,b", "b", "a b! c-"},
		{"behind does not mind a failure", "a; b~a; c<b", "a", "a! b c"},
		{"behind a skipped step is behind its end", "a; b<a; c~b", "a", "a! b- c"},
		{"an edge to nowhere is no edge", "a<x; b~y", "", "a b"},
		{"an empty plan is done", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := graph(tt.graph)
			if tt.graph == "" {
				p = plan.Plan{}
			}
			got := summary(apply.Run(t.Context(), p, 4, func(_ context.Context, s plan.Step) (string, error) {
				if s.ID == tt.fails {
					return "", errors.New("it broke")
				}
				return "", nil
			}, nil))
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoMoreStepsRunAtOnceThanTheLimit(t *testing.T) {
	for _, limit := range []int{-1, 0, 1, 3} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, most := 0, 0
				apply.Run(t.Context(), graph("a;b;c;d;e;f;g;h"), limit, func(context.Context, plan.Step) (string, error) {
					mu.Lock()
					now++
					most = max(most, now)
					mu.Unlock()
					time.Sleep(time.Second)
					mu.Lock()
					now--
					mu.Unlock()
					return "", nil
				}, nil)
				if want := max(1, limit); most != want {
					t.Errorf("%d at once, want %d", most, want)
				}
			})
		})
	}
}

func TestAmongStepsThatCouldBeginTheFirstOfThePlanDoes(t *testing.T) {
	for _, tt := range []struct {
		name, graph string
		limit       int
		want        string
	}{
		{"one at a time", "a; b; c; d", 1, "a b c d"},
		{"made ready at once", "z; a<z; b<z; c<z; d<z; e<z", 1, "z a b c d e"},
		{"an early one that was made ready late", "z; a<y; b; y<z", 1, "z b y a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var began []string
			apply.Run(t.Context(), graph(tt.graph), tt.limit, func(context.Context, plan.Step) (string, error) { return "", nil },
				func(r apply.Result) {
					if r.Status == "" {
						began = append(began, r.Step.ID)
					}
				})
			if got := strings.Join(began, " "); got != tt.want {
				t.Errorf("began in the order %q, want %q", got, tt.want)
			}
		})
	}
}

func TestASlowStepDelaysOnlyItsOwnChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ends := map[string]time.Duration{}
		apply.Run(t.Context(), graph("slow; after<slow; quick; next<quick"), 8, func(_ context.Context, s plan.Step) (string, error) {
			if s.ID == "slow" {
				time.Sleep(time.Hour)
			}
			time.Sleep(time.Second)
			return "", nil
		}, func(r apply.Result) {
			if r.Status == apply.Done {
				ends[r.Step.ID] = time.Since(began)
			}
		})
		if ends["next"] != 2*time.Second || ends["after"] != time.Hour+2*time.Second {
			t.Errorf("the quick chain ended at %s, the slow one at %s", ends["next"], ends["after"])
		}
	})
}

var errStop = errors.New("stopped by the user")

func TestAfterAnInterruptionNoStepBeginsAndThoseThatRunAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var saw error
		r := apply.Run(ctx, graph("a; b<a; c~a"), 1, func(ctx context.Context, s plan.Step) (string, error) {
			if s.ID != "a" {
				t.Errorf("%s began", s.ID)
			}
			cancel(errStop)
			time.Sleep(20 * time.Second) // a call in flight
			saw = ctx.Err()
			return "", nil
		}, nil)
		if got, want := summary(r), "a b/ c/"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if !errors.Is(saw, context.Canceled) || !errors.Is(r[2].Err, errStop) {
			t.Errorf("the step saw %v, the next ones say %v", saw, r[2].Err)
		}
		if !r.Interrupted() || r.Err() != nil {
			t.Errorf("interrupted %v, error %v", r.Interrupted(), r.Err())
		}
	})
}

func TestWatchIsToldOfEveryBeginningAndEndOneAtATime(t *testing.T) {
	var told []string
	apply.Run(t.Context(), graph("a; b<a; c<b; d~c"), 4, func(_ context.Context, s plan.Step) (string, error) {
		if s.ID == "b" {
			return "", errors.New("it broke")
		}
		return "noted", nil
	}, func(r apply.Result) { // not guarded: -race tells if calls overlap
		told = append(told, strings.TrimSpace(r.Step.ID+" "+string(r.Status)+" "+r.Note))
	})
	want := []string{"a", "a done noted", "b", "b failed", "c skipped", "d", "d done noted"}
	if !slices.Equal(told, want) {
		t.Errorf("got  %q\nwant %q", told, want)
	}
}

func TestErrNamesTheFailuresInPlanOrder(t *testing.T) {
	r := apply.Run(t.Context(), graph("a; b<a; c; d"), 4, func(_ context.Context, s plan.Step) (string, error) {
		if s.ID == "d" {
			return "", nil
		}
		return "", fmt.Errorf("no answer from %s", s.Node)
	}, nil)
	if got, want := r.Err().Error(), "join a: no answer from a\njoin c: no answer from c"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if r.Count(apply.Failed) != 2 || r.Count(apply.Skipped) != 1 || r.Count(apply.Done) != 1 {
		t.Errorf("counted wrongly: %s", summary(r))
	}
	if !errors.Is(r[1].Err, apply.ErrSkipped) || !strings.Contains(r[1].Err.Error(), "a did not succeed") {
		t.Errorf("b says %v", r[1].Err)
	}
}

func TestNothingFailedIsNoError(t *testing.T) {
	r := apply.Run(t.Context(), graph("a"), 1, func(context.Context, plan.Step) (string, error) { return "", nil }, nil)
	if err := r.Err(); err != nil {
		t.Errorf("got %v", err)
	}
}

// Whatever the graph, who fails and how many run at once: a step runs after
// those it waits for have ended, if and only if all it is after succeeded.
func TestEveryGraphIsRunByItsEdges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "steps")
		var p plan.Plan
		fails := map[string]bool{}
		for i := range n {
			s := plan.Step{ID: fmt.Sprint(i)}
			for j := range i {
				switch rapid.IntRange(0, 5).Draw(t, "edge") {
				case 0:
					s.After = append(s.After, fmt.Sprint(j))
				case 1:
					s.Behind = append(s.Behind, fmt.Sprint(j))
				}
			}
			fails[s.ID] = rapid.IntRange(0, 4).Draw(t, "fails") == 0
			p.Steps = append(p.Steps, s)
		}
		var mu sync.Mutex
		ended := map[string]bool{}
		r := apply.Run(context.Background(), p, rapid.IntRange(1, 4).Draw(t, "limit"), func(_ context.Context, s plan.Step) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			for _, id := range slices.Concat(s.After, s.Behind) {
				if !ended[id] {
					t.Errorf("%s ran before %s had ended", s.ID, id)
				}
			}
			if fails[s.ID] {
				return "", errors.New("it broke")
			}
			return "", nil
		}, func(res apply.Result) {
			mu.Lock()
			defer mu.Unlock()
			ended[res.Step.ID] = ended[res.Step.ID] || res.Status != ""
		})
		good := map[string]bool{}
		for _, res := range r {
			want := apply.Done
			for _, id := range res.Step.After {
				if !good[id] {
					want = apply.Skipped
				}
			}
			if want == apply.Done && fails[res.Step.ID] {
				want = apply.Failed
			}
			if res.Status != want {
				t.Fatalf("%s is %s, want %s", res.Step.ID, res.Status, want)
			}
			good[res.Step.ID] = want == apply.Done
		}
	})
}
