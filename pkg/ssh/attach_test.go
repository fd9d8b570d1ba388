package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

func TestAttachPassesStreamsAndTheExitCodeOn(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		in, _ := io.ReadAll(c.Stdin)
		_, _ = fmt.Fprintf(c.Stdout, "%s as %s: %s", c.Line, c.User, in)
		_, _ = io.WriteString(c.Stderr, "a warning\n")
		return 42
	}})
	var out, errs bytes.Buffer
	err := s.dialAs(t, "admin").Attach(t.Context(), ssh.Session{Command: "sort", Stdin: strings.NewReader("b a"), Stdout: &out, Stderr: &errs})
	exit := as[*ssh.ExitError](t, err)
	if exit.Code != 42 || out.String() != "sort as admin: b a" || errs.String() != "a warning\n" {
		t.Errorf("exit %d, stdout %q, stderr %q", exit.Code, out.String(), errs.String())
	}
}

func TestAttachWithoutACommandIsAShellInATerminal(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		if c.Terminal == nil || c.Line != "" {
			return 9
		}
		_, _ = fmt.Fprintf(c.Stdout, "%s %dx%d", c.Terminal.Type, c.Terminal.Width, c.Terminal.Height)
		for size := range c.Terminal.Resized {
			_, _ = fmt.Fprintf(c.Stdout, " %dx%d", size[0], size[1])
			if size[0] == 100 {
				break
			}
		}
		return 0
	}})
	sizes := make(chan ssh.Size, 2)
	sizes <- ssh.Size{Width: 90, Height: 30}
	sizes <- ssh.Size{Width: 100, Height: 40}
	close(sizes)
	var out bytes.Buffer
	err := s.dial(t).Attach(t.Context(), ssh.Session{Stdout: &out, Terminal: &ssh.Terminal{Type: "vt100", Size: ssh.Size{Width: 80, Height: 25}, Resized: sizes}})
	if got, want := out.String(), "vt100 80x25 90x30 100x40"; err != nil || got != want {
		t.Errorf("got %q, want %q: %v", got, want, err)
	}
}

func TestAttachSaysWhyThereIsNoTerminal(t *testing.T) {
	s := newSite(t, sshtest.Options{NoTerminals: true, Exec: script("", "", 0)})
	err := s.dial(t).Attach(t.Context(), ssh.Session{Terminal: &ssh.Terminal{Type: "vt100"}})
	if err == nil || !strings.Contains(err.Error(), "ask for a terminal") {
		t.Errorf("got %v", err)
	}
}

func TestAttachTellsACommandThatItIsOver(t *testing.T) {
	noLeaks(t)
	told := make(chan error, 1)
	begun := make(chan struct{})
	s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
		close(begun)
		<-c.Context.Done()
		told <- context.Cause(c.Context)
		return 143
	}})
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	go func() { <-begun; cancel(enough) }()
	err := s.dial(t).Attach(ctx, ssh.Session{Command: "sleep 60"})
	if !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	if cause := <-told; cause == nil || cause.Error() != "signal TERM" {
		t.Errorf("the command was told %v", cause)
	}
}

func TestAttachTellsALostConnectionFromAnExitCode(t *testing.T) {
	s := newSite(t, sshtest.Options{Exec: func(sshtest.Command) int { return sshtest.NoStatus }})
	as[*ssh.LostError](t, s.dial(t).Attach(t.Context(), ssh.Session{Command: "reboot"}))
}

func TestAttachDoesNotWaitForAnInputThatNobodyReads(t *testing.T) {
	s := newSite(t, sshtest.Options{Exec: script("done", "", 0)})
	typed, terminal := io.Pipe()
	defer func() { _ = terminal.Close() }()
	ended := make(chan error, 1)
	go func() {
		ended <- s.dial(t).Attach(t.Context(), ssh.Session{Command: "true", Stdin: typed})
	}()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("it waits")
	}
}

func TestSubsystem(t *testing.T) {
	noLeaks(t)
	s := newSite(t, sshtest.Options{Subsystem: func(name string) func(io.ReadWriteCloser) {
		if name != "echo" {
			return nil
		}
		return func(ch io.ReadWriteCloser) { _, _ = io.CopyN(ch, ch, 5) }
	}})
	h := s.dial(t)
	if _, err := h.Subsystem(t.Context(), "sftp"); !errors.Is(err, ssh.ErrNoSubsystem) {
		t.Errorf("a subsystem that there is not: %v", err)
	}
	echo, err := h.Subsystem(t.Context(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(echo, "hello"); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(echo)
	if err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := echo.Close(); err != nil {
		t.Error(err)
	}
}
