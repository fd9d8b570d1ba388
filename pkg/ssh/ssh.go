// Package ssh reaches one machine over SSH: it logs in with a key, runs
// commands, writes files and opens connections to sockets on the far side, all
// as channels of a single TCP connection.
//
// It trusts no host key that it was not told of, sends no password, starts no
// ssh program, and reads neither the process environment nor /etc/ssh: all it
// knows it was given in Target and Options, and in the files these name.
package ssh

import (
	"context"
	"net"
	"time"
)

// Target is a machine to log in to. Fields that are set win over the
// configuration file (Options.ConfigFile), which wins over the defaults.
type Target struct {
	// Name is what messages call the machine; "" means Host.
	Name string
	// Host is an address, a host name, or a Host alias of the configuration file.
	Host string
	// Port is 22 by default.
	Port int
	// User is "root" by default. Any other is expected to have sudo.
	User string
	// IdentityFile is the private key to log in with; "~/" is Options.Home.
	// The default is id_ed25519, id_ecdsa and id_rsa in ~/.ssh, those that are there.
	IdentityFile string
	// KnownHosts is the file of known host keys; "~/" is Options.Home. The
	// default is ~/.ssh/known_hosts and known_hosts2. A file that does not
	// exist is empty.
	KnownHosts string
	// HostKey is the fingerprint ("SHA256:...") of the one key that the host
	// must show. When it is set, no file of known hosts is asked.
	HostKey string
	// Jump lists the hosts to go through, first to last, as ProxyJump does:
	// [user@]host[:port], separated by commas. JumpNone means none; "" means
	// what the configuration file says. Each is itself looked up there, and its
	// host key in KnownHosts; what is said nowhere, its user and a key to offer
	// after its own, is that of the machine behind it.
	Jump string

	lender *lender // of a jump host
}

// Options is what all targets of a run have in common. The zero value logs in
// to hosts with a known HostKey and IdentityFile; nothing is read from the
// process environment.
type Options struct {
	// Agent is the socket of an SSH agent (SSH_AUTH_SOCK); "" means none.
	Agent string
	// ConfigFile is an OpenSSH client configuration (~/.ssh/config); ""
	// means none, and one that does not exist is empty. What is obeyed of
	// it: Host, Match all, Match originalhost, Include, HostName, Port, User,
	// IdentityFile, IdentitiesOnly, IdentityAgent, CertificateFile,
	// UserKnownHostsFile, HostKeyAlias and ProxyJump. ProxyCommand and any other
	// Match that might matter are refused.
	ConfigFile string
	// Home is what "~" and %d mean, and where ~/.ssh is; "" means that there is none.
	Home string
	// LocalUser is what %u means in the configuration file.
	LocalUser string
	// Key is a private key to log in with, ahead of all others.
	Key PrivateKey
	// Passphrase asks the user for the passphrase of a private key, named as in
	// messages; attempt counts from 0, and grows when what was given did not open
	// it. nil means that nobody can be asked: keys with a passphrase then are of
	// use only in an agent. It is called once at a time for each key, and what was
	// given is kept in Pool.
	Passphrase func(ctx context.Context, key string, attempt int) (Secret, error)
	// SudoPassword asks the user for the password with which the login user acts
	// as root, on the host that is named first; the same one is used on all. It is
	// called once for a Pool, and only when sudo on some host wants one. nil means
	// that nobody can be asked.
	SudoPassword func(ctx context.Context, host string) (Secret, error)
	// AcceptNew accepts the key of a host that is not known at all, and
	// appends it to the first file of known hosts. A key that differs from a
	// known one is refused all the same.
	AcceptNew bool
	// Patience is for how long a host that does not answer is dialled again,
	// such as one that is still booting; 0 means one attempt.
	Patience time.Duration
	// Timeout bounds one attempt, from the TCP connection to the end of the
	// login; 0 means 10 s.
	Timeout time.Duration
	// Dial makes the TCP connection; nil means a net.Dialer's DialContext.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Pool is what logins share; nil means that this one shares nothing.
	Pool *Pool
}

// Dial logs in to a machine. It obeys ctx at every point; ctx has no say over
// the Host that it returns.
//
// Its errors are, for errors.As: *UnreachableError when nothing answered as an
// SSH server should (the only case that Patience tries again), *HostKeyError
// when the host is not who it should be, *AuthError when it let nobody in, and
// others for mistakes in files and settings, which come before any dial.
func Dial(ctx context.Context, t Target, o Options) (*Host, error) {
	if o.Pool == nil {
		o.Pool = new(Pool)
	}
	to, err := resolve(t, o)
	if err != nil {
		return nil, err
	}
	who, err := to.identify(ctx, o)
	if err != nil {
		return nil, err
	}
	defer who.close()
	return to.dial(ctx, o, who)
}
