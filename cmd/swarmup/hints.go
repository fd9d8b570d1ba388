package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/swarmup/swarmup/pkg/bootstrap"
	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/lock"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/rotate"
	"github.com/swarmup/swarmup/pkg/spec"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// hint says what the user can do about an error; "" where there is nothing to
// say that the error does not.
func hint(err error) string {
	for _, of := range []func(error) string{lockHint, unfitHint, loginHint, engineHint, swarmHint} {
		if h := of(err); h != "" {
			return h
		}
	}
	return ""
}

// hinted gives each finding of a plan that has none the hint of its error.
func hinted(p plan.Plan) plan.Plan {
	for _, fs := range [][]plan.Finding{p.Refused, p.Blocked, p.Notes} {
		for i, f := range fs {
			if f.Hint == "" && f.Err != nil {
				fs[i].Hint = hint(f.Err)
			}
		}
	}
	return p
}

func lockHint(err error) string {
	var held *lock.HeldError
	var lost *lock.LostError
	switch {
	case errors.As(err, &held):
		return fmt.Sprintf("wait for it with --lock-timeout 10m; if it is dead, its lock falls %s after the last sign of life; see: swarmup lock status", held.TTL)
	case errors.As(err, &lost):
		return "what was done stays done, and nothing more was begun; run again to go on"
	}
	return ""
}

func unfitHint(err error) string {
	switch {
	case errors.Is(err, cluster.ErrNoMachine), errors.Is(err, cluster.ErrSwitchedOff):
		return "swarmup apply makes the machines of the file, and switches them on"
	}
	var unfit *cluster.UnfitError
	if errors.As(err, &unfit) {
		return unfit.Hint
	}
	return ""
}

func loginHint(err error) string {
	var key *ssh.HostKeyError
	var login *ssh.AuthError
	var silent *ssh.UnreachableError
	switch {
	case errors.As(err, &key):
		return hostKeyHint(key)
	case errors.Is(err, ssh.ErrPassphrase), errors.As(err, &login) && login.Locked:
		return "set SWARMUP_SSH_PASSPHRASE, run on a terminal, or add the key to an agent (ssh-add)"
	case errors.As(err, &login):
		return "name the key in ssh.identity_file, load it into the agent, or add it to the authorized_keys of " + login.User
	case errors.As(err, &silent) && silent.Via != "":
		return "is the machine on, is its sshd running, and is its SSH port open from the jump host " + silent.Via + "?"
	case errors.As(err, &silent):
		return "is the machine on, is its sshd running, and is its SSH port open from here?"
	case errors.Is(err, ssh.ErrSudoPassword):
		return "correct SWARMUP_SUDO_PASSWORD, or what you type; a wrong password is tried once, so that no account gets locked"
	case errors.Is(err, ssh.ErrSudo):
		return "let the login user run sudo, with the password in SWARMUP_SUDO_PASSWORD or typed on a terminal, or without any; or log in as root"
	}
	return ""
}

func hostKeyHint(err *ssh.HostKeyError) string {
	switch {
	case err.Revoked:
		return "the key is marked as not to be trusted: give the machine a new one"
	case err.Known:
		return "if the machine was made anew, take its old key out (ssh-keygen -R, or ssh.host_key); else do not trust it"
	}
	return "compare it with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the machine; then put it into known_hosts or ssh.host_key, or use --accept-new-host-keys"
}

func engineHint(err error) string {
	var port *bootstrap.PortTakenError
	var refused *bootstrap.RefusedError
	var file *daemon.FileError
	var version *bootstrap.VersionError
	switch {
	case errors.As(err, &version) && spec.CompareVersions(version.Wants, version.Has) < 0:
		return "correct engine.version, or allow it with --allow-downgrade"
	case errors.As(err, &version):
		return "run again: engines of members are upgraded one after the other"
	case errors.As(err, &port) && strings.HasSuffix(port.Port, "/udp") && !strings.HasPrefix(port.Port, "7946/"):
		return "stop what listens there, or set swarm.data_path_port before the swarm is made"
	case errors.As(err, &port):
		return "stop what listens there: a swarm cannot do without that port"
	case errors.As(err, &refused):
		return "correct engine.daemon in the file, or /etc/docker/daemon.json on the machine"
	case errors.As(err, &file):
		return "correct /etc/docker/daemon.json on the machine: dockerd does not start with it either"
	}
	return ""
}

func swarmHint(err error) string {
	if mistaken := (*cluster.MistakenError)(nil); errors.As(err, &mistaken) {
		return "restart the engine of " + mistaken.Name + ", and run again; until then change no roles (moby#46167)"
	}
	var down *rotate.DownError
	switch {
	case errors.As(err, &down):
		return "bring them back, or remove them: take their lines out of the file and apply"
	case errors.Is(err, engine.ErrKey):
		return "is it the key of this swarm? A manager that works tells the key of now: docker swarm unlock-key -q"
	case errors.Is(err, engine.ErrLocked):
		return "give it the swarm's key: swarmup unlock"
	case errors.Is(err, engine.ErrNoLeader), errors.Is(err, engine.ErrQuorum):
		return "bring the managers back that are down; with more than half of them lost, see docs/operations.md"
	case errors.Is(err, engine.ErrAdvertise):
		return "say which address the others reach it at: advertise, on its line or for the whole swarm"
	case errors.Is(err, engine.ErrToken):
		return "the tokens were changed meanwhile: run again"
	}
	return ""
}
