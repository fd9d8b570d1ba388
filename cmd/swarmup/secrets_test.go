package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
)

// typist is somebody at a terminal, who types the answers one after the other.
func typist(vars map[string]string, answers ...string) (*secrets, *bytes.Buffer) {
	var mu sync.Mutex
	screen := &bytes.Buffer{}
	return env{
		err: screen, terminal: answers != nil,
		lookup: func(name string) (string, bool) { v, ok := vars[name]; return v, ok },
		hidden: func(context.Context) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			answer := answers[0]
			answers = answers[1:]
			return answer, nil
		},
	}.secrets(), screen
}

func TestThePasswordOfSudoComesFromTheEnvironmentElseFromTheTerminal(t *testing.T) {
	tests := []struct {
		name              string
		env               map[string]string
		answers           []string
		want, screen, err string
	}{
		{name: "the variable", env: map[string]string{sudoVar: "a b"}, answers: []string{"typed"}, want: "a b"},
		{name: "the terminal", answers: []string{"typed"}, want: "typed", screen: "swarmup: password for sudo on n1, and on all others that want one: \n"},
		{name: "an empty line", answers: []string{""}, err: "none was given", screen: "swarmup: password for sudo on n1, and on all others that want one: \n"},
		{name: "neither", err: "SWARMUP_SUDO_PASSWORD is not set, and there is no terminal to ask on"},
		{name: "an empty variable", env: map[string]string{sudoVar: ""}, err: "SWARMUP_SUDO_PASSWORD is not set, and there is no terminal to ask on"},
	}
	for _, tt := range tests {
		s, screen := typist(tt.env, tt.answers...)
		got, err := s.sudoPassword(t.Context(), "n1")
		if got.Reveal() != tt.want || screen.String() != tt.screen || (err != nil) != (tt.err != "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: got %q, %v with %q on the screen", tt.name, got.Reveal(), err, screen)
		}
	}
}

func TestPassphrasesComeFromTheEnvironmentElseFromTheTerminal(t *testing.T) {
	s, screen := typist(nil, "first", "second")
	ask := s.passphrase()
	for attempt, want := range []string{"first", "second"} {
		if got, err := ask(t.Context(), "~/.ssh/id", attempt); err != nil || got.Reveal() != want {
			t.Errorf("got %q, %v, want %q", got.Reveal(), err, want)
		}
	}
	if want := "swarmup: passphrase of ~/.ssh/id: \nswarmup: that does not open it; passphrase of ~/.ssh/id: \n"; screen.String() != want {
		t.Errorf("the screen shows %q, want %q", screen, want)
	}
	s, _ = typist(map[string]string{passphraseVar: "set"})
	if got, err := s.passphrase()(t.Context(), "id", 0); err != nil || got.Reveal() != "set" {
		t.Errorf("got %q, %v", got.Reveal(), err)
	}
	if _, err := s.passphrase()(t.Context(), "id", 1); err == nil || err.Error() != "SWARMUP_SSH_PASSPHRASE does not open it" {
		t.Errorf("got %v", err)
	}
	if s, _ := typist(nil); s.passphrase() != nil {
		t.Error("somebody can be asked without a terminal")
	}
}

func TestQuestionsComeOneAtATime(t *testing.T) {
	s, _ := typist(nil, "never")
	s.turn <- struct{}{} // another question is on the screen
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errInterrupted)
	if _, err := s.sudoPassword(ctx, "n1"); !errors.Is(err, errInterrupted) {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAreNotInherited(t *testing.T) {
	for _, name := range []string{keyVar, passphraseVar, sudoVar} {
		t.Setenv(name, "secret of "+name)
	}
	t.Setenv("SWARMUP_FILE", "f")
	lookup := withheld()
	for _, name := range []string{keyVar, passphraseVar, sudoVar} {
		if v, ok := lookup(name); !ok || v != "secret of "+name {
			t.Errorf("%s is %q, %t", name, v, ok)
		}
	}
	if v, _ := lookup("SWARMUP_FILE"); v != "f" {
		t.Errorf("SWARMUP_FILE is %q", v)
	}
	if left := strings.Join(os.Environ(), "\n"); strings.Contains(left, "secret of ") {
		t.Errorf("left: %s", left)
	}
}
