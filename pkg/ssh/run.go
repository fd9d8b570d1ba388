package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

const (
	// maxOutput bounds what a command may write to each of its outputs, in bytes.
	maxOutput = 4 << 20
	// farewell is how long an interrupted command may take to end, once it was
	// told to and its channel was closed.
	farewell = time.Second
)

// Run runs a command in the login user's shell and returns what it wrote to
// standard output. Any login user but root runs it as root, through sudo; where
// sudo wants a password, Options.SudoPassword is asked for it. stdin may be nil; a Reader that blocks outlives the call.
//
// A command that did not succeed is an *ExitError, a connection that ended
// beneath it a *LostError, a login user without sudo wraps ErrSudo, a password
// that sudo refused ErrSudoPassword. More than
// 4 MiB on standard output is an error; of standard error only the end is
// kept. When ctx ends the command is sent SIGTERM, its channel is closed, and
// Run returns at most a second later. A command that minds neither goes on
// running, and OpenSSH delivers signals to logins other than root only
// (session.c, session_signal_req): what must not go on has to notice the end of
// its input or output.
func (h *Host) Run(ctx context.Context, cmd string, stdin io.Reader) (stdout string, err error) {
	c := command{line: cmd, words: firstWords(cmd), stdin: stdin}
	if h.user != "root" {
		return h.runAsRoot(ctx, cmd, c)
	}
	return h.run(ctx, c)
}

// Stream is Run for a command that writes more than can be kept: its standard
// output goes to out, as it comes. What out takes no more is an error of the
// command. After a failure some of it may have arrived.
func (h *Host) Stream(ctx context.Context, cmd string, stdin io.Reader, out io.Writer) error {
	c := command{line: cmd, words: firstWords(cmd), stdin: stdin, out: out}
	var err error
	if h.user != "root" {
		_, err = h.runAsRoot(ctx, cmd, c)
	} else {
		_, err = h.run(ctx, c)
	}
	return err
}

// command is what a session runs.
type command struct {
	line  string
	words string // for messages
	stdin io.Reader
	out   io.Writer  // nil: it is kept
	sudo  *sudoLogin // nil where sudo is not given a password
}

func (h *Host) run(ctx context.Context, c command) (string, error) {
	doing := fmt.Sprintf("run %q on %s", c.words, h.name)
	session, done, err := h.session(ctx, doing)
	if err != nil {
		return "", err
	}
	out, errs := &head{limit: maxOutput}, &tail{limit: maxOutput}
	session.Stdout, session.Stderr = c.sudo.stdout(out), c.sudo.stderr(errs)
	sink := &sink{to: c.out, full: make(chan struct{})}
	if c.out != nil {
		session.Stdout = c.sudo.stdout(sink)
	}
	in := &input{from: c.stdin, sudo: c.sudo}
	finished := make(chan struct{})
	if !h.life.run(func() {
		defer close(finished)
		defer done()
		err = in.feed(session, c.line)
		_ = session.Close()
	}) {
		done()
		return "", fmt.Errorf("%s: %w", doing, h.lost())
	}
	select {
	case <-finished:
	case <-sink.full:
		h.hangUp(session, finished)
		return "", fmt.Errorf("%s: write its output: %w", doing, sink.err)
	case <-ctx.Done():
		h.hangUp(session, finished)
		return "", interrupted(ctx, doing)
	}
	switch {
	case sink.err != nil:
		return "", fmt.Errorf("%s: write its output: %w", doing, sink.err)
	case err != nil:
		return out.String(), h.failure(err, c, c.sudo.without(errs.String()))
	case in.failed.Load() != nil:
		return out.String(), fmt.Errorf("%s: read its input: %w", doing, *in.failed.Load())
	case out.over:
		return "", fmt.Errorf("%s: it wrote more than %d MiB", doing, maxOutput>>20)
	}
	return out.String(), nil
}

// input is the standard input of a command. It is not given to the session,
// which would take a command that succeeds without reading all of it for a
// failure, and would wait for a Reader that blocks.
type input struct {
	from   io.Reader
	sudo   *sudoLogin
	failed atomic.Pointer[error] // of from, not of the connection
}

// feed runs a line with this input.
func (in *input) feed(session *xssh.Session, line string) error {
	if in.from == nil && in.sudo == nil {
		return session.Run(line)
	}
	pipe, err := session.StdinPipe()
	if err != nil {
		return err
	}
	if err := session.Start(line); err != nil {
		return err
	}
	over := make(chan struct{})
	defer close(over)
	go func() {
		defer func() { _ = pipe.Close() }()
		if in.sudo.enter(pipe, over) && in.from != nil {
			_, _ = io.Copy(struct{ io.Writer }{pipe}, in)
		}
	}()
	return session.Wait()
}

// Read reads, and remembers what goes wrong.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.from.Read(p)
	if err != nil && err != io.EOF {
		in.failed.Store(&err)
	}
	return n, err
}

// hangUp tells a command to end and waits a moment for it, so that mostly
// nothing of it is left behind. A host that does not answer is waited for no
// longer; what is left ends with the connection.
func (h *Host) hangUp(session *xssh.Session, finished <-chan struct{}) {
	if !h.life.run(func() {
		_ = session.Signal(xssh.SIGTERM)
		_ = session.Close()
	}) {
		return
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-finished:
	case <-timer.C:
	}
}

// failure turns the end of a session into one of the kinds that Run promises.
func (h *Host) failure(err error, c command, stderr string) error {
	var exit *xssh.ExitError
	var missing *xssh.ExitMissingError
	doing := fmt.Sprintf("run %q on %s", c.words, h.name)
	switch {
	case errors.As(err, &exit):
		e := &ExitError{Host: h.name, Cmd: c.words, Code: exit.ExitStatus(), Signal: exit.Signal(), Stderr: stderr}
		if h.user != "root" {
			return h.sudoProblem(e, c)
		}
		return e
	case errors.As(err, &missing), cutOff(err):
		return fmt.Errorf("%s: %w", doing, h.gone(h.lostTo(errNoStatus)))
	case strings.HasPrefix(err.Error(), "ssh: command "): // it repeats the command
		return fmt.Errorf("%s: the host does not run commands", doing)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

var errNoStatus = errors.New("the session ended without an exit status")

// quote makes one word of POSIX shell out of any string.
func quote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// firstWords is a command for messages: the beginning of its first line.
func firstWords(cmd string) string {
	line, rest, _ := strings.Cut(strings.TrimSpace(cmd), "\n")
	words := short(line, 60)
	if rest != "" && !strings.HasSuffix(words, "...") {
		words += "..."
	}
	return words
}

// sink is where the output of a command goes that is not kept. Once that takes no
// more the command is told to end, and the rest is thrown away: it would wait
// without end for somebody to read it.
type sink struct {
	to   io.Writer
	full chan struct{} // closed once err is there
	err  error
}

// Write takes everything.
func (s *sink) Write(p []byte) (int, error) {
	if s.err == nil {
		if _, s.err = s.to.Write(p); s.err != nil {
			close(s.full)
		}
	}
	return len(p), nil
}

// head keeps the beginning of what is written to it.
type head struct {
	kept  bytes.Buffer
	limit int
	over  bool
}

// Write takes everything, and keeps what there is room for.
func (w *head) Write(p []byte) (int, error) {
	room := w.limit - w.kept.Len()
	if len(p) > room {
		w.over = true
	}
	_, _ = w.kept.Write(p[:min(len(p), room)])
	return len(p), nil
}

func (w *head) String() string { return w.kept.String() }

// tail keeps the end of what is written to it.
type tail struct {
	kept  []byte
	limit int
}

// Write takes everything, and forgets the beginning.
func (w *tail) Write(p []byte) (int, error) {
	w.kept = append(w.kept, p...)
	if len(w.kept) > 2*w.limit {
		w.kept = append(w.kept[:0], w.kept[len(w.kept)-w.limit:]...)
	}
	return len(p), nil
}

func (w *tail) String() string { return string(w.kept[max(0, len(w.kept)-w.limit):]) }
