package chaos

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestChaos is "make chaos": chains of runs until docs/reliability.jsonl has as
// many as were asked for. It may be interrupted at any time and goes on behind
// the last chain.
func TestChaos(t *testing.T) {
	if os.Getenv("SWARMUP_LAB") == "" || opt.runs == 0 && opt.seed == "" {
		t.Skip("no runs are asked for: see make chaos")
	}
	if opt.seed != "" {
		replay(t, opt.seed)
		return
	}
	where, commit := describe(t)
	for {
		done, err := readRecords(results)
		if err != nil {
			t.Fatal(err)
		}
		if len(done) >= opt.runs || opt.ctx.Err() != nil {
			t.Logf("%d runs are done, of %d", len(done), opt.runs)
			return
		}
		seed, scripts := next(done)
		if left := opt.runs - len(done); left < len(scripts) {
			scripts = scripts[:left]
		}
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			newCluster(t).chain(scripts, func(rec record) {
				rec.Machine, rec.Commit = where, commit
				if err := errors.Join(rec.appendTo(results), render()); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// next gives the chain behind the last one.
func next(done []record) (seed uint64, scripts []script) {
	for _, r := range done {
		chain, _, _ := strings.Cut(r.Seed, "/")
		if n, err := strconv.ParseUint(chain, 10, 64); err == nil {
			seed = max(seed, n)
		}
	}
	return seed + 1, chainOf(seed + 1)
}

// chain does runs with one cluster. One that is lost, or not as it shall be,
// ends the chain.
func (c *cluster) chain(scripts []script, keep func(record)) {
	c.Helper()
	if from := scripts[0].from; from != nil { // the middle of a chain
		if code, said, _, err := c.apply(from); code != 0 || err != nil {
			c.Fatalf("make the cluster: %v, exit %d: %s", err, code, said)
		}
	}
	for _, s := range scripts {
		began := time.Now()
		rec, err := c.play(s)
		if opt.ctx.Err() != nil {
			c.Logf("interrupted: this run does not count: %s %s %s %q", s.seed, s.damage, rec.Target, rec.Said)
			if rec.Applies > 1 {
				c.evidence()
			}
			return
		}
		c.Logf("%s: %s -> %s, %s; %s %s %s (%.1fs, %q): exit %d after %.1fs; %d applies, healed in %.1fs, %s; %.0fs in all %q", s.seed, s.from, s.to, s.change,
			s.damage, rec.Target, s.moment, rec.At, rec.During, rec.First, rec.ApplySeconds, rec.Applies, rec.Heal, rec.Result, time.Since(began).Seconds(), rec.Said)
		if err != nil && len(rec.Violations) == 0 && rec.Result != resultLost {
			c.Fatalf("%s: %v", s.seed, err) // of the test itself
		}
		keep(rec)
		if len(rec.Violations) > 0 {
			c.Errorf("%s: %s\n%s", s.seed, strings.Join(rec.Violations, "\n"), s.to.yaml(c.name, c.image))
			c.evidence()
		}
		if err != nil {
			break
		}
	}
	c.destroy(scripts[len(scripts)-1].to)
}

// destroy wants nothing to be left.
func (c *cluster) destroy(s shape) {
	c.Helper()
	p := c.start(s, "destroy", "--yes")
	if code, err := p.wait(opt.ctx, applyLimit); code != 0 || err != nil {
		c.Errorf("destroy: %v, exit %d: %s", err, code, tail(p.out.String()))
	}
	if w, err := c.look(); err != nil || len(w.machines)+len(w.volumes)+len(w.networks) > 0 {
		c.Errorf("after destroy there is %v %+v", err, w)
	}
}

// replay does a run, or a chain, again and records nothing.
func replay(t *testing.T, seed string) {
	t.Helper()
	scripts, err := scriptsOf(seed)
	if err != nil {
		t.Fatal(err)
	}
	newCluster(t).chain(scripts, func(record) {})
}

// scriptsOf gives the runs that a seed names: CHAIN is all of it, CHAIN/RUN one,
// CHAIN/RUN+ that one and all behind it.
func scriptsOf(seed string) ([]script, error) {
	chain, run, some := strings.Cut(seed, "/")
	n, err := strconv.ParseUint(chain, 10, 64)
	scripts := chainOf(n)
	if err == nil && !some {
		return scripts, nil
	}
	first, more := strings.CutSuffix(run, "+")
	k, badRun := strconv.Atoi(first)
	switch {
	case err != nil || badRun != nil || k < 0 || k >= len(scripts):
		return nil, fmt.Errorf("seed %q: want CHAIN, CHAIN/RUN or CHAIN/RUN+", seed)
	case more:
		return scripts[k:], nil
	}
	return scripts[k : k+1], nil
}

// describe says on what machine this is, and which commit.
func describe(t *testing.T) (where, commit string) {
	t.Helper()
	version, err := docker("version", "--format", "{{.Server.Version}}")
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := exec.Command("uname", "-r").Output()
	if err != nil {
		t.Fatal(err)
	}
	where = fmt.Sprintf("%d processors, Linux %s, Docker Engine %s", runtime.NumCPU(), strings.TrimSpace(string(kernel)), version)
	head, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return where, "unknown"
	}
	commit = strings.TrimSpace(string(head))
	// What is recorded here makes no other program of it.
	if changes, err := exec.Command("git", "status", "--porcelain", "--", "../..", ":!../../docs").Output(); err != nil || len(changes) > 0 {
		commit += "-dirty"
	}
	return where, commit
}

// evidence logs what engines complained of last, for whoever looks into a violation.
func (c *cluster) evidence() {
	c.Helper()
	ms, err := c.machines()
	if err != nil {
		c.Log(err)
	}
	for _, m := range ms {
		out, err := docker("exec", m.id, "sh", "-c", `docker info --format '{{.Swarm.LocalNodeState}} {{.Swarm.NodeID}} {{.Swarm.Error}}'
docker node ls 2>/dev/null
journalctl -u docker -o short-precise --no-pager | grep -E 'level=(warn|error|fatal)' | grep -vE 'kernel parameter|Handler for|registry' | cut -c 1-300 | tail -n 12`)
		c.Logf("%s (%s, %s): %v\n%s", m.node, m.name, m.state, err, out)
	}
}
