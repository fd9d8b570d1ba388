package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/wait"
)

const (
	// reloadLimit bounds the wait for a reload to show. dockerd takes a file over
	// in some 0.1 s, and says nothing to who asked for it.
	reloadLimit    = 5 * time.Second
	reloadInterval = 500 * time.Millisecond
)

// load has the engine work by the new file and makes sure that it does.
func (e *edit) load(ctx context.Context) error {
	switch {
	case e.was.state == Absent:
		return nil
	case e.patch.Effect == daemon.Restart:
		return e.start(ctx, "restart") // also one that is only starting
	case e.was.state == Stopped:
		return e.startOrReload(ctx)
	}
	return e.reload(ctx)
}

// startOrReload starts an engine that did not run. It may have been on its way
// up, and have read the old file before the new one was there: what it does not
// show then, or cannot show, it has to read again.
func (e *edit) startOrReload(ctx context.Context) error {
	if err := control(ctx, e.host, "start"); err != nil {
		return err
	}
	if err := answers(ctx, e.host, "start"); err != nil {
		return err
	}
	if shown, _ := e.shown(ctx); shown && (e.visible() || e.Live == nil) {
		return nil
	}
	return e.reload(ctx)
}

// start restarts the engine, or starts it, with the new file.
func (e *edit) start(ctx context.Context, verb string) error {
	if err := control(ctx, e.host, verb); err != nil {
		return err
	}
	if err := answers(ctx, e.host, verb); err != nil {
		return err
	}
	if e.Live == nil {
		return nil
	}
	err := wait.Until(ctx, "the engine to show its settings", answerLimit, answerInterval, e.shown)
	if err != nil {
		return fmt.Errorf("%s engine: %w", verb, err)
	}
	return nil
}

// reload has the engine read the file again. A reload that went wrong gives no
// error: the engine shows the old settings, and its log says why.
func (e *edit) reload(ctx context.Context) error {
	a, err := run(ctx, e.host, call{script: "engine", args: []string{"reload"}, limit: startLimit, changes: true})
	if err != nil {
		return fmt.Errorf("reload engine: %w", err)
	}
	var lines []string
	err = wait.Until(ctx, "the engine to take over daemon.json", reloadLimit, reloadInterval, func(ctx context.Context) (bool, error) {
		shown, why := e.shown(ctx)
		if shown && e.visible() {
			return true, nil
		}
		read, err := readLog(ctx, e.host, a.text("mark"))
		switch {
		case err == nil:
			lines = read
		case ctx.Err() == nil:
			return false, wait.Stop(err) // the machine, not the engine
		}
		return shown && reloaded(lines), why
	})
	if timeout := new(wait.TimeoutError); err == nil || !errors.As(err, &timeout) {
		return err
	}
	if reason := reloadReason(lines); reason != "" {
		return &RefusedError{Doing: "reload engine", Reason: reason}
	}
	// At a log level above info a reload that went well leaves no trace.
	if shown, _ := e.shown(ctx); shown && !e.visible() {
		return nil
	}
	return fmt.Errorf("reload engine: %w", err)
}

// visible says whether the engine shows at least one of the changes.
func (e *edit) visible() bool {
	return e.Live != nil && slices.ContainsFunc(e.patch.Changes, func(c daemon.Change) bool { return c.Visible() })
}

// shown says whether all that the engine shows is as wanted; without Live there
// is nothing to see.
func (e *edit) shown(ctx context.Context) (bool, error) {
	if e.Live == nil {
		return true, nil
	}
	live, err := e.Live(ctx)
	if err != nil {
		return false, err
	}
	live.Flags = e.was.flags
	p, err := daemon.Diff(e.next, e.begun.Loaded(), live, e.Want)
	if err != nil {
		return false, wait.Stop(err)
	}
	if !p.Empty() {
		return false, fmt.Errorf("it shows another %s", p.Changes[0].Key)
	}
	return true, nil
}

// undo puts the old file back after the engine did not take the new one, and
// has the engine work by it. It does so also if ctx has ended meanwhile, but not
// if that is all that went wrong: then the next run goes on.
func (e *edit) undo(ctx context.Context, cause error) error {
	if ctx.Err() != nil && !isRefused(cause) {
		return cause
	}
	ctx, done := context.WithTimeout(context.WithoutCancel(ctx), startLimit)
	defer done()
	if err := e.restore(ctx); err != nil {
		return fmt.Errorf("%w; and put back the old daemon.json: %w", cause, err)
	}
	if refused := new(RefusedError); errors.As(cause, &refused) {
		refused.Restored = true
	}
	verb := "reload"
	if e.was.state != Running || e.patch.Effect == daemon.Restart {
		verb = "restart"
	}
	if err := control(ctx, e.host, verb); err != nil {
		return fmt.Errorf("%w; and with the old daemon.json: %w", cause, err)
	}
	return cause
}

func isRefused(err error) bool {
	refused := new(RefusedError)
	return errors.As(err, &refused)
}

// restore brings back the file, and the record of what is ours in it.
func (e *edit) restore(ctx context.Context) error {
	if e.unproven() || !bytes.Equal(e.next, e.was.daemon) {
		if _, err := run(ctx, e.host, call{script: "restore", limit: scriptLimit, changes: true}); err != nil {
			return err
		}
	}
	old := e.was.owned
	old.Pending = nil
	return e.record(ctx, old)
}
