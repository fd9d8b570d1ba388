package main

import (
	"errors"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// hint says what the user can do about an error; "" where there is nothing to
// say that the error does not.
func hint(err error) string {
	var key *ssh.HostKeyError
	var login *ssh.AuthError
	var silent *ssh.UnreachableError
	switch {
	case errors.As(err, &key):
		return hostKeyHint(key)
	case errors.As(err, &login):
		return "name the key in ssh.identity_file, load it into the agent, or add it to the authorized_keys of " + login.User
	case errors.As(err, &silent):
		return "is the machine on, is its sshd running, and is its SSH port open from here?"
	case errors.Is(err, ssh.ErrSudo):
		return "let the login user run sudo without a password, or log in as root"
	case errors.Is(err, engine.ErrLocked):
		return "unlock it on that machine: docker swarm unlock"
	case errors.Is(err, engine.ErrNoLeader), errors.Is(err, engine.ErrQuorum):
		return "bring the managers back that are down; with more than half of them lost, see docs/operations.md"
	}
	return ""
}

func hostKeyHint(err *ssh.HostKeyError) string {
	switch {
	case err.Revoked:
		return "the key is marked as not to be trusted: give the machine a new one"
	case err.Known:
		return "if the machine was made anew, remove its old key (ssh-keygen -R); else do not trust it"
	}
	return "compare it with ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the machine; then put it into known_hosts or ssh.host_key, or use --accept-new-host-keys"
}
