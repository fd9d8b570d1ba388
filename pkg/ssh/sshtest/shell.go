//go:build unix

package sshtest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Shell returns an Exec that runs commands in a real /bin/sh, as the user of
// the test. env is added to the environment ("PATH=..."). A command whose
// Context ends is sent SIGTERM with all it has started, as sshd does.
func Shell(env ...string) func(Command) int {
	return func(c Command) int {
		cmd := exec.CommandContext(c.Context, "/bin/sh", "-c", c.Line)
		cmd.Env = append(os.Environ(), env...)
		cmd.Stdout, cmd.Stderr = c.Stdout, c.Stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
		cmd.WaitDelay = 5 * time.Second
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return 255
		}
		if err := cmd.Start(); err != nil {
			_, _ = io.WriteString(c.Stderr, err.Error()+"\n")
			return 126
		}
		go func() { // ends with the channel, which is closed after the command
			_, _ = io.Copy(stdin, c.Stdin)
			_ = stdin.Close()
		}()
		err = cmd.Wait()
		var exit *exec.ExitError
		switch {
		case errors.As(err, &exit) && exit.ExitCode() >= 0:
			return exit.ExitCode()
		case err != nil:
			return 255
		}
		return 0
	}
}
