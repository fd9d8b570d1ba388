package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmup/swarmup/pkg/plan"
)

func TestTheFirstSignalLetsCallsInFlightFinish(t *testing.T) {
	defer goleak.VerifyNone(t)
	signals := make(chan os.Signal, 2)
	w := &world{plans: []plan.Plan{steps("join/n1", "label/n1<join/n1")}, do: func(ctx context.Context, _ plan.Step) (string, error) {
		signals <- os.Interrupt
		<-ctx.Done()
		return "finished all the same", nil
	}}
	got := user{world: w, signals: signals}.run(t, "apply")
	got.wants(t, exitInterrupted, []string{"demo: interrupted: 1 node, 2 steps (1 not begun)"},
		[]string{"swarmup: interrupted; calls in flight get 30 s; again to stop at once\n", "finished all the same"})
	if len(w.did) != 1 {
		t.Errorf("did %q: a step began after the interruption", w.did)
	}
}

func TestAnInterruptedStepIsAnInterruption(t *testing.T) {
	signals := make(chan os.Signal, 2)
	w := &world{plans: []plan.Plan{steps("connect/n1")}, do: func(ctx context.Context, _ plan.Step) (string, error) {
		signals <- os.Interrupt
		<-ctx.Done()
		return "", context.Cause(ctx)
	}}
	user{world: w, signals: signals}.run(t, "apply").wants(t, exitInterrupted, []string{"demo: interrupted"}, nil)
}

func TestASignalAfterTheLastStepChangesNothing(t *testing.T) {
	signals := make(chan os.Signal, 2)
	w := &world{plans: []plan.Plan{steps("join/n1")}, do: func(ctx context.Context, _ plan.Step) (string, error) {
		signals <- os.Interrupt
		<-ctx.Done()
		return "", nil
	}}
	user{world: w, signals: signals}.run(t, "apply").wants(t, exitDone, []string{"demo: done"}, nil)
}

func TestTheSecondSignalEndsTheProcessAtOnce(t *testing.T) {
	signals := make(chan os.Signal, 2)
	exited := make(chan int, 1)
	w := &world{plans: []plan.Plan{steps("join/n1")}, do: func(context.Context, plan.Step) (string, error) {
		signals <- os.Interrupt
		signals <- os.Interrupt
		if code := <-exited; code != exitInterrupted {
			t.Errorf("ended with %d, want %d", code, exitInterrupted)
		}
		return "", nil
	}}
	user{world: w, signals: signals, exit: func(code int) { exited <- code }}.run(t, "apply")
}

func TestASignalEndsAQuestion(t *testing.T) {
	signals := make(chan os.Signal, 1)
	typing, done := io.Pipe()
	defer func() { _ = done.Close() }()
	e := env{
		in: typing, err: &stream{w: writerFunc(func(p []byte) (int, error) {
			if strings.Contains(string(p), "[y/N]") {
				signals <- os.Interrupt
			}
			return len(p), nil
		})}, terminal: true, signals: signals,
	}
	ctx, stop := interruptible(t.Context(), e)
	defer stop()
	if err := e.ask(ctx, "this removes n1", "--yes"); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v, want an interruption", err)
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestAFullDiskUnderStandardOutputIsAFailure(t *testing.T) {
	e := env{
		in: strings.NewReader(file), err: io.Discard, out: writerFunc(func([]byte) (int, error) { return 0, errors.New("no space left on device") }),
		lookup: os.LookupEnv, connect: (&world{}).connect, diff: (&world{}).diff,
	}
	for _, args := range []string{"version", "help", "schema", "new", "validate -", "validate - -o json"} {
		e.in = strings.NewReader(file)
		if code := run(t.Context(), strings.Fields(args), e); code != exitFailed {
			t.Errorf("%s: exit code %d, want %d", args, code, exitFailed)
		}
	}
}

func TestParallelLimitsTheStepsAtOnce(t *testing.T) {
	for _, limit := range []string{"1", "2"} {
		var mu sync.Mutex
		now, most := 0, 0
		both := make(chan struct{})
		w := &world{plans: []plan.Plan{steps("join/n1", "join/n2")}, do: func(context.Context, plan.Step) (string, error) {
			mu.Lock()
			now++
			most = max(most, now)
			if now == 2 {
				close(both)
			}
			mu.Unlock()
			if limit == "2" {
				<-both // comes only if the other runs too
			}
			mu.Lock()
			now--
			mu.Unlock()
			return "", nil
		}}
		user{world: w}.run(t, "apply", "--parallel", limit).wants(t, exitDone, nil, nil)
		if want := map[string]int{"1": 1, "2": 2}[limit]; most != want {
			t.Errorf("--parallel %s: %d at once, want %d", limit, most, want)
		}
	}
}

func TestValuesFromTheEnvironmentAreNeverShown(t *testing.T) {
	const secret = "hunter2hunter2"
	p := steps("label/n1", "join/n2")
	p.Steps[0].Why = "of " + secret
	p.Steps[0].Changes = []plan.Change{{What: secret, From: secret, To: "x" + secret}}
	p.Notes = []plan.Finding{{Text: "note " + secret, Hint: secret}}
	p.Drift = []plan.Finding{{Text: "drift " + secret, Hint: secret}}
	p.Loses = []plan.Loss{{Node: "n1", Volumes: []string{secret}, Services: []string{secret}, Unknown: secret}}
	p.Blocked = []plan.Finding{{Node: "n1", Text: "blocked " + secret, Hint: secret}}
	have := plan.State{Hosts: []plan.Host{{Node: "n1", Answer: plan.Silent, Why: "no " + secret}}}
	for _, args := range []string{
		"plan", "plan -o json", "plan -o markdown", "apply", "apply -o json", "status", "status -o json", "destroy --yes", "validate -o json",
	} {
		for _, fail := range []error{nil, errors.New("look: " + secret)} {
			w := &world{plans: []plan.Plan{p}, have: have, fail: fail, do: func(_ context.Context, s plan.Step) (string, error) {
				if s.ID == "join/n2" {
					return "", errors.New("failed with " + secret)
				}
				return "note " + secret, nil
			}}
			got := user{world: w, env: map[string]string{"SECRET": secret}}.run(t, strings.Fields(args)...)
			if strings.Contains(got.out+got.err, secret) {
				t.Errorf("%s shows it:\n%s%s", args, got.out, got.err)
			}
			if fail == nil && !strings.HasPrefix(args, "validate") && !strings.Contains(got.out+got.err, "$SECRET") {
				t.Errorf("%s does not say where it came from:\n%s%s", args, got.out, got.err)
			}
		}
	}
}
