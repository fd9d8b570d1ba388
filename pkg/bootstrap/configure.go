package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmup/swarmup/pkg/daemon"
)

// scriptLimit bounds a script that only reads or writes some files.
const scriptLimit = time.Minute

// Settings say what Configure shall reach, and how.
type Settings struct {
	Want daemon.Want
	// AllowRestart lets a running engine be restarted, which stops the containers
	// of a swarm member.
	AllowRestart bool
	// Env is the environment of the engine. Member says that the engine is one of
	// a swarm, so that a change of what its proxy is not for can wait; see
	// daemon.DiffEnv.
	Env    map[string]string
	Member bool
	// Live asks the running engine what it shows; it needs not fill Flags. It is
	// called once before anything is written and several times after. With nil
	// the engine is not asked, and only its log tells whether it took the file.
	Live func(context.Context) (daemon.Live, error)
}

// RestartNeededError means that an engine has to be restarted, and was not
// allowed to be. Nothing was changed.
type RestartNeededError struct {
	Keys []string // the keys of daemon.json that need it, and env.NAME, sorted
}

// Error names the keys.
func (e *RestartNeededError) Error() string {
	return "configure engine: a restart is needed for " + strings.Join(e.Keys, ", ")
}

// Configure brings the machine's daemon.json in line, has the engine take it
// over, and makes sure that it did. It reads the file afresh, so that nobody's
// edit is lost, and tells the effect that the change had; with None nothing
// was written. An engine that does not run is started.
//
// What dockerd does not take is taken back: the error is a *RefusedError with
// dockerd's own words, and daemon.json and the engine are as they were.
//
// Files are written one after the other so that Configure may be cut off
// anywhere; see daemon.Owned.Begin. A full disk leaves the old file.
func Configure(ctx context.Context, h Host, s Settings) (daemon.Effect, error) {
	e, err := openEdit(ctx, h, s)
	if err != nil {
		return daemon.None, fmt.Errorf("configure engine: %w", err)
	}
	if e.patch.Empty() && e.env.Empty() {
		return daemon.None, e.settle(ctx)
	}
	if needs := e.restarts(); e.was.state == Running && len(needs) > 0 && !s.AllowRestart {
		return daemon.None, &RestartNeededError{Keys: needs}
	}
	if err := e.writeEnv(ctx); err != nil {
		return daemon.None, fmt.Errorf("configure engine: %w", err)
	}
	if e.patch.Empty() && len(e.env.Restart) == 0 {
		return daemon.None, e.settle(ctx)
	}
	if len(e.env.Restart) > 0 {
		e.patch.Effect = daemon.Restart
	}
	if err := e.write(ctx); err != nil {
		return daemon.None, fmt.Errorf("configure engine: %w", err)
	}
	if err := e.load(ctx); err != nil {
		return daemon.None, fmt.Errorf("configure engine: %w", e.undo(ctx, err))
	}
	return e.patch.Effect, e.settle(ctx)
}

// edit is one change of one machine's daemon.json.
type edit struct {
	host Host
	Settings
	was       engineFacts
	patch     daemon.Patch
	env       daemon.EnvPatch
	next      []byte
	nextOwned daemon.Owned
	begun     daemon.Owned // the record while the change is on its way
}

// openEdit reads the machine and decides what is to be done.
func openEdit(ctx context.Context, h Host, s Settings) (*edit, error) {
	a, err := run(ctx, h, call{script: "read", limit: scriptLimit})
	if err != nil {
		return nil, err
	}
	e := &edit{host: h, Settings: s}
	if e.was, err = a.engine(); err != nil {
		return nil, err
	}
	live, err := e.ask(ctx)
	if err != nil {
		return nil, err
	}
	if e.patch, err = daemon.Diff(e.was.daemon, e.was.owned, live, s.Want); err != nil {
		return nil, err
	}
	if e.next, e.nextOwned, err = daemon.Apply(e.was.daemon, e.was.owned, live, s.Want); err != nil {
		return nil, err
	}
	e.was.environ.Up = e.was.state == Running
	e.env = daemon.DiffEnv(s.Env, e.was.environ, s.Member)
	e.begun = e.was.owned.Begin(e.was.daemon, e.next, e.nextOwned, e.patch)
	return e, nil
}

// ask asks the engine, if it runs and may be asked.
func (e *edit) ask(ctx context.Context) (daemon.Live, error) {
	if e.was.state != Running || e.Live == nil {
		return daemon.Live{Flags: e.was.flags}, nil
	}
	live, err := e.Live(ctx)
	if err != nil {
		return daemon.Live{}, fmt.Errorf("ask engine: %w", err)
	}
	live.Flags = e.was.flags
	return live, nil
}

// restarts are the keys and variables for which a restart is needed.
func (e *edit) restarts() (keys []string) {
	for _, c := range e.patch.Changes {
		if c.Effect() == daemon.Restart {
			keys = append(keys, c.Key)
		}
	}
	for _, name := range e.env.Restart {
		keys = append(keys, "env."+name)
	}
	slices.Sort(keys)
	return keys
}

// writeEnv writes the environment file, and then has the service manager read it
// at the engine's next start.
func (e *edit) writeEnv(ctx context.Context) error {
	if len(e.env.Write) == 0 {
		return nil
	}
	c := call{script: "env", args: []string{"off"}, limit: scriptLimit, changes: true}
	if len(e.Env) > 0 {
		c.args = []string{"on"}
		if err := put(ctx, e.host, envFile, private, daemon.EncodeEnv(e.Env)); err != nil {
			return fmt.Errorf("write %s: %w", envFile, err)
		}
	}
	if _, err := run(ctx, e.host, c); err != nil {
		return fmt.Errorf("set environment: %w", err)
	}
	return nil
}

// write puts the new file in place: first beside the old one, where dockerd may
// look at it, then the record of what is about to be ours, then the file.
func (e *edit) write(ctx context.Context) error {
	if bytes.Equal(e.next, e.was.daemon) {
		return nil
	}
	if err := e.stage(ctx, e.next); err != nil {
		return err
	}
	if err := e.record(ctx, e.begun); err != nil {
		return err
	}
	return e.swap(ctx)
}

// stage puts a file beside daemon.json and has dockerd look at it.
func (e *edit) stage(ctx context.Context, content []byte) error {
	var check []string
	if knowsValidate(e.was.version) {
		check = []string{"validate"}
	}
	_, err := run(ctx, e.host, call{script: "stage", args: check, stdin: string(content), limit: scriptLimit, changes: true})
	return stageError(err)
}

// swap puts the staged file in place of daemon.json, which becomes the backup.
func (e *edit) swap(ctx context.Context) error {
	var keep []string
	if e.unproven() {
		keep = []string{"keep"}
	}
	_, err := run(ctx, e.host, call{script: "swap", args: keep, limit: scriptLimit, changes: true})
	return writeError(err)
}

// unproven says whether the file that was found is one that swarmup wrote and
// never saw working, so that the backup is what it replaced.
func (e *edit) unproven() bool { return e.was.owned.Written(e.was.daemon) }

// settle keeps the record of what is ours, if it differs from the one there.
func (e *edit) settle(ctx context.Context) error {
	old, err := e.was.owned.Encode()
	if err != nil {
		return err
	}
	now, err := e.nextOwned.Encode()
	if err != nil {
		return err
	}
	if e.patch.Empty() && bytes.Equal(old, now) {
		return nil
	}
	// The engine works by the file: an interrupt now must not hide that.
	if err := e.record(context.WithoutCancel(ctx), e.nextOwned); err != nil {
		return fmt.Errorf("configure engine: %w", err)
	}
	return nil
}

func (e *edit) record(ctx context.Context, o daemon.Owned) error {
	content, err := o.Encode()
	if err != nil {
		return err
	}
	return put(ctx, e.host, ownedFile, private, content)
}

// knowsValidate says whether a dockerd has the option --validate, which came
// with 23.0.
func knowsValidate(version string) bool {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	return err == nil && n >= 23
}

// stageError tells a file that dockerd refuses from one that cannot be written.
func stageError(err error) error {
	failed := new(scriptError)
	if !errors.As(err, &failed) {
		return err
	}
	if why, ok := strings.CutPrefix(failed.output, "validate: "); ok {
		why = strings.ReplaceAll(complaint(why), daemonFile+".swarmup", daemonFile)
		return &RefusedError{Doing: "check daemon.json", Reason: why}
	}
	return writeError(err)
}

// writeError says in one sentence that the disk is full, if it is.
func writeError(err error) error {
	if err == nil {
		return nil
	}
	if strings.Contains(err.Error(), "No space left on device") {
		return fmt.Errorf("write %s: no space left on device", daemonFile)
	}
	return fmt.Errorf("write %s: %w", daemonFile, err)
}
