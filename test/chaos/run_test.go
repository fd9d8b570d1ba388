package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	// maxApplies is how many applies may follow the damage before that is a
	// violation.
	maxApplies = 4
	// settling is for what may still be on its way once apply has ended: tasks
	// have to be started where they can run.
	settling = 45 * time.Second
	poll     = 100 * time.Millisecond
	// again is how long somebody takes to read why apply failed.
	again = 5 * time.Second
)

// usual is how long an apply of that kind takes on two processors.
func usual(change string) time.Duration {
	switch change {
	case fromNothing:
		return 8 * time.Second
	case "more workers", "more managers", "other labels":
		return 4 * time.Second
	}
	return 10 * time.Second
}

// errLost means that the damage took the swarm its quorum for good, and that
// apply said so and touched nothing.
var errLost = errors.New("the swarm is lost")

// play does one run. The record is whole also beside an error, which means that
// the cluster is of no use any more.
func (c *cluster) play(s script) (rec record, err error) {
	c.Helper()
	rec = newRecord(s)
	p := c.start(s.to, applyArgs()...)
	h, err := c.strike(p, s, &rec)
	if err != nil {
		_ = p.cmd.Process.Kill()
		return rec, err
	}
	if rec.First, err = c.finish(p, s, h); err != nil {
		return rec, err
	}
	rec.ApplySeconds = seconds(time.Since(p.began))
	if h.fatal && c.lost() {
		return rec, c.refused(s, &rec)
	}
	return rec, c.recover(s, &rec)
}

// hurt is what strike did.
type hurt struct {
	victim
	at    time.Time
	fatal bool // the swarm may have lost its quorum with it
}

// strike waits for the moment and does the damage.
func (c *cluster) strike(p *process, s script, rec *record) (h hurt, err error) {
	s.moment.wait(p, usual(s.change))
	defer func() {
		h.at = time.Now()
		rec.At, rec.During, rec.Late = seconds(h.at.Sub(p.began)), p.out.last(), p.over()
	}()
	switch s.damage {
	case kill:
		return h, ignoreFinished(p.cmd.Process.Signal(syscall.SIGKILL))
	case interrupt:
		return h, ignoreFinished(p.cmd.Process.Signal(syscall.SIGTERM))
	}
	target := s.target
	for {
		if h.victim, err = c.victim(target); err == nil {
			h.fatal = s.damage == remove && c.needs(h.id)
			if err = s.damage.inflict(h.victim); err == nil {
				rec.Target = h.node
				return h, nil
			}
		}
		if p.over() {
			if target == "" {
				return h, fmt.Errorf("damage the leader: %w", err)
			}
			target = "" // the node has gone meanwhile, and there always is a leader
		}
		breathe(opt.ctx, poll)
		if opt.ctx.Err() != nil {
			return h, opt.ctx.Err()
		}
	}
}

func ignoreFinished(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// wait returns at the moment, or when the process has ended before.
func (m moment) wait(p *process, usual time.Duration) {
	after := time.Duration(m.part * float64(usual))
	if m.step != "" {
		told := regexp.MustCompile(`(?m)^swarmup: +[0-9.]+s  .*` + regexp.QuoteMeta(m.step))
		for !p.over() && !told.MatchString(p.out.String()) {
			breathe(opt.ctx, poll/2)
		}
		after = m.after
	}
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ended:
	case <-opt.ctx.Done():
	}
}

// finish waits for the end of the damaged apply, and mends what does not mend
// itself: after a while, or once apply has given up.
func (c *cluster) finish(p *process, s script, h hurt) (code int, err error) {
	if s.killed > 0 && !s.damage.toSwarmup() {
		timer := time.AfterFunc(s.killed, func() { _ = p.cmd.Process.Kill() })
		defer timer.Stop()
	}
	if !s.damage.lasts() {
		return p.wait(opt.ctx, applyLimit)
	}
	timer := time.NewTimer(time.Until(h.at.Add(s.heals)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ended:
	case <-opt.ctx.Done():
	}
	if err := s.damage.heal(h.victim); err != nil && run("inspect", h.id) == nil {
		return 0, fmt.Errorf("heal %q on %s: %w", s.damage, h.node, err)
	}
	return p.wait(opt.ctx, applyLimit)
}

// recover applies the file until that is done and looks at what came of it.
func (c *cluster) recover(s script, rec *record) error {
	began := time.Now()
	for rec.Applies < maxApplies {
		code, said, _, err := c.apply(s.to)
		if err != nil {
			return rec.violation("%v: %s", err, tail(said))
		}
		if rec.Applies++; code == 0 {
			break
		}
		rec.Said = append(rec.Said, complaints(said))
		switch {
		case complaints(said) == "":
			return rec.violation("exit %d without a word", code)
		case rec.Applies == maxApplies:
			return rec.violation("%d applies were not enough: %s", maxApplies, complaints(said))
		}
		breathe(opt.ctx, again)
	}
	if err := c.serve(s.replicas); err != nil {
		return rec.violation("start the probe service: %v", err)
	}
	wrong := c.settle(s)
	rec.Heal = seconds(time.Since(began))
	rec.Violations = append(rec.Violations, wrong...)
	p := c.start(s.to, "plan", "--detailed-exitcode")
	if code, err := p.wait(opt.ctx, applyLimit); err != nil || code != 0 {
		rec.Violations = append(rec.Violations, fmt.Sprintf("a plan after all is done is not empty: exit %d: %s", code, tail(p.out.String())))
	}
	if len(rec.Violations) > 0 {
		return errors.New(strings.Join(rec.Violations, "; "))
	}
	rec.Result = resultHealed
	return nil
}

// settle looks until all is as it shall be, and says what is not in the end.
func (c *cluster) settle(s script) (wrong []string) {
	for deadline := time.Now().Add(settling); ; {
		w, err := c.look()
		if wrong = []string{fmt.Sprint(err)}; err == nil {
			if s.dies() {
				w.forgive()
			}
			wrong = judge(s.to, w, s.replicas)
		}
		if len(wrong) == 0 || time.Now().After(deadline) || opt.ctx.Err() != nil {
			return wrong
		}
		breathe(opt.ctx, 5*poll)
	}
}

// needs says whether the managers may be without a quorum once this machine is
// gone: it is one of them, and too few others work.
func (c *cluster) needs(id string) bool {
	w, err := c.look()
	if err != nil {
		return true
	}
	member, managers, reachable := true, 0, 0
	for _, s := range w.machines {
		if s.id == id {
			member = s.info.Swarm.ControlAvailable || s.info.Swarm.LocalNodeState == "pending"
		}
		if len(s.nodes) == 0 || managers > 0 {
			continue
		}
		for _, e := range s.nodes {
			if e.ManagerStatus == nil {
				continue
			}
			if managers++; e.ManagerStatus.Reachability == "reachable" {
				reachable++
			}
		}
	}
	return member && reachable-1 < managers/2+1
}

// lost says whether there are members and no manager that has a leader.
func (c *cluster) lost() bool {
	for deadline := time.Now().Add(30 * time.Second); ; {
		w, err := c.look()
		members := 0
		for _, s := range w.machines {
			if len(s.nodes) > 0 {
				return false
			}
			if state := s.info.Swarm.LocalNodeState; s.state == "running" && state != "inactive" {
				members++
			}
		}
		if err == nil && members == 0 {
			return false
		}
		if time.Now().After(deadline) || opt.ctx.Err() != nil {
			return true
		}
		breathe(opt.ctx, 5*poll)
	}
}

// refused wants apply to say that the swarm is lost, and to touch nothing.
func (c *cluster) refused(s script, rec *record) error {
	before, err := c.identities()
	if err != nil {
		return err
	}
	code, said, _, err := c.apply(s.to)
	if err != nil {
		return rec.violation("%v: %s", err, tail(said))
	}
	rec.Applies, rec.Said = 1, []string{complaints(said)}
	after, err := c.identities()
	switch {
	case err != nil:
		return err
	case before != after:
		return rec.violation("the swarm is lost, and apply touched it:\n%s\nis now\n%s", before, after)
	case code == 0 || complaints(said) == "":
		return rec.violation("the swarm is lost, and apply does not say so: exit %d: %s", code, tail(said))
	}
	rec.Result = resultLost
	return errLost
}

// identities says who is there, and a member of which swarm.
func (c *cluster) identities() (string, error) {
	w, err := c.look()
	var b strings.Builder
	for _, s := range w.machines {
		fmt.Fprintf(&b, "%s %s %s %v\n", s.name, s.state, s.info.Swarm.NodeID, s.cert)
	}
	return b.String(), err
}

// breathe waits a moment between two looks.
func breathe(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Millisecond)) / float64(time.Second)
}
