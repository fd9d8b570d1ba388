package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/go-multierror"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/ssh"
)

func TestHintsFollowFromTheKindOfError(t *testing.T) {
	tests := []struct {
		err  error
		want string // part of the hint; "" means that there is none
	}{
		{&ssh.HostKeyError{}, "--accept-new-host-keys"},
		{&ssh.HostKeyError{Known: true}, "ssh-keygen -R"},
		{&ssh.HostKeyError{Known: true, Revoked: true}, "not to be trusted"},
		{&ssh.AuthError{User: "admin"}, "authorized_keys of admin"},
		{&ssh.UnreachableError{}, "is the machine on"},
		{&ssh.UnreachableError{Via: "bastion"}, "open from the jump host bastion"},
		{&ssh.AuthError{User: "admin", Locked: true}, "SWARMUP_SSH_PASSPHRASE"},
		{ssh.ErrPassphrase, "SWARMUP_SSH_PASSPHRASE"},
		{ssh.ErrSudo, "SWARMUP_SUDO_PASSWORD"},
		{ssh.ErrSudoPassword, "tried once"},
		{&bootstrap.PortTakenError{Port: "2377/tcp"}, "cannot do without"},
		{&bootstrap.PortTakenError{Port: "7946/udp"}, "cannot do without"},
		{&bootstrap.PortTakenError{Port: "4789/udp"}, "swarm.data_path_port"},
		{&bootstrap.RefusedError{}, "correct engine.daemon"},
		{&bootstrap.VersionError{Has: "28.5.2", Wants: "26.1"}, "--allow-downgrade"},
		{&bootstrap.VersionError{Has: "26.1.5", Wants: "28"}, "run again"},
		{&cluster.MistakenError{ID: "x1", Shown: "b", Name: "a"}, "restart the engine of a"},
		{&daemon.FileError{}, "correct /etc/docker/daemon.json"},
		{engine.ErrLocked, "swarmup unlock"},
		{engine.ErrQuorum, "bring the managers back"},
		{engine.ErrNoLeader, "bring the managers back"},
		{engine.ErrToken, "run again"},
		{errors.New("no room"), ""},
	}
	for _, tt := range tests {
		got := hint(fmt.Errorf("join n1: %w", tt.err))
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("%T %v: hint %q, want %q", tt.err, tt.err, got, tt.want)
		}
	}
}

func TestErrorsAreToldLineByLineAndEachHintOnce(t *testing.T) {
	var many *multierror.Error
	many = multierror.Append(many, fmt.Errorf("n1: %w", ssh.ErrSudo), fmt.Errorf("n2: %w", ssh.ErrSudo), errors.New("n3: two\nlines"))
	tests := []struct {
		name string
		err  error
		want string
		code int
	}{
		{"nothing", nil, "", exitDone},
		{"one", errors.New("no room"), "swarmup: no room\n", exitFailed},
		{"a refusal with its hint", refusal("go away", "no %s", "way"), "swarmup: no way\nswarmup: hint: go away\n", exitRefused},
		{"one that was told already", &exitError{code: exitChanges}, "", exitChanges},
		{"many", many.ErrorOrNil(), "swarmup: n1: " + ssh.ErrSudo.Error() + "\nswarmup: n2: " + ssh.ErrSudo.Error() +
			"\nswarmup: n3: two\nswarmup: lines\nswarmup: hint: " + hint(ssh.ErrSudo) + "\n", exitFailed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b bytes.Buffer
			say(&b, tt.err)
			if b.String() != tt.want {
				t.Errorf("\n got %q\nwant %q", b.String(), tt.want)
			}
			if got := codeOf(tt.err); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
		})
	}
}
