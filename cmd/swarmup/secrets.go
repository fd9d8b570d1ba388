package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"

	"github.com/swarmup/swarmup/pkg/ssh"
)

// The variables that hold secrets.
const (
	keyVar        = "SWARMUP_SSH_KEY"
	passphraseVar = "SWARMUP_SSH_PASSPHRASE" //nolint:gosec // its name
	sudoVar       = "SWARMUP_SUDO_PASSWORD"
)

// withheld returns the environment, and takes the secrets out of what programs
// that are started later inherit.
func withheld() func(string) (string, bool) {
	kept := map[string]string{}
	for _, name := range []string{keyVar, passphraseVar, sudoVar} {
		if value, ok := os.LookupEnv(name); ok {
			kept[name] = value
			_ = os.Unsetenv(name) // fails for names that are none
		}
	}
	return func(name string) (string, bool) {
		if value, ok := kept[name]; ok {
			return value, true
		}
		return os.LookupEnv(name)
	}
}

// secrets are how logins get what only the user knows: from the environment,
// else by asking on the terminal, one question at a time.
type secrets struct {
	env
	turn chan struct{} // holds one token: who has it may ask
}

func (e env) secrets() *secrets { return &secrets{env: e, turn: make(chan struct{}, 1)} }

// passphrase is ssh.Options.Passphrase; nil where nobody can be asked.
func (s *secrets) passphrase() func(ctx context.Context, key string, attempt int) (ssh.Secret, error) {
	value := s.getenv(passphraseVar)
	switch {
	case value != "":
		return func(_ context.Context, _ string, attempt int) (ssh.Secret, error) {
			if attempt > 0 {
				return ssh.Secret{}, errors.New(passphraseVar + " does not open it")
			}
			return ssh.NewSecret(value), nil
		}
	case s.terminal:
		return func(ctx context.Context, key string, attempt int) (ssh.Secret, error) {
			prompt := "passphrase of " + key + ": "
			if attempt > 0 {
				prompt = "that does not open it; " + prompt
			}
			return s.question(ctx, prompt)
		}
	}
	return nil
}

// sudoPassword is ssh.Options.SudoPassword.
func (s *secrets) sudoPassword(ctx context.Context, host string) (ssh.Secret, error) {
	value := s.getenv(sudoVar)
	switch {
	case value != "":
		return ssh.NewSecret(value), nil
	case s.terminal:
		return s.question(ctx, "password for sudo on "+host+", and on all others that want one: ")
	}
	return ssh.Secret{}, errors.New(sudoVar + " is not set, and there is no terminal to ask on")
}

// question asks on the terminal.
func (s *secrets) question(ctx context.Context, prompt string) (ssh.Secret, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return ssh.Secret{}, context.Cause(ctx)
	}
	_, _ = fmt.Fprint(s.err, "swarmup: "+prompt)
	answer, err := s.hidden(ctx)
	_, _ = fmt.Fprintln(s.err)
	switch {
	case err != nil:
		return ssh.Secret{}, err
	case answer == "":
		return ssh.Secret{}, errors.New("none was given")
	}
	return ssh.NewSecret(answer), nil
}

// readHidden reads a line from a terminal without showing it, or ends with ctx.
// The read itself cannot be called off: its goroutine then ends with the process.
func readHidden(ctx context.Context, fd int) (string, error) {
	before, err := term.GetState(fd)
	if err != nil {
		return "", fmt.Errorf("read from the terminal: %w", err)
	}
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(fd)
		lines <- line{text, err}
	}()
	select {
	case l := <-lines:
		if l.err != nil {
			return "", fmt.Errorf("read from the terminal: %w", l.err)
		}
		return string(l.text), nil
	case <-ctx.Done():
		_ = term.Restore(fd, before)
		return "", context.Cause(ctx)
	}
}
