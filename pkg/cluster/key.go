package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// loginKey is the key that machines of a provider are given, and that those of
// a local provider are logged in to with. Its zero value is none.
type loginKey struct {
	private    ssh.PrivateKey
	authorized string
}

// keyFile is where swarmup keeps the login key of a local cluster.
func (c *Cluster) keyFile() string { return filepath.Join(c.cfg.Home, "id_ed25519") }

// openKey makes the login key of a local cluster ready before its machines are
// visited. A lost one is made anew; without machines there is nothing to log in
// to yet.
func (c *Cluster) openKey(machines bool) error {
	if !c.cfg.Local {
		return nil
	}
	_, err := c.ensureKey(machines && !c.cfg.ReadOnly)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// ensureKey gives the login key: the one that was named, or else, for local
// clusters, the one that swarmup keeps, which it makes where it may.
func (c *Cluster) ensureKey(make bool) (loginKey, error) {
	c.keyMu.Lock()
	defer c.keyMu.Unlock()
	if c.key.authorized != "" {
		return c.key, nil
	}
	k, err := c.readKey(make)
	if err != nil {
		return loginKey{}, err
	}
	c.key = k
	return k, nil
}

func (c *Cluster) readKey(make bool) (k loginKey, err error) {
	switch named := c.cfg.Spec.SSH.IdentityFile; {
	case c.cfg.SSH.Key.Reveal() != nil:
		k.private = c.cfg.SSH.Key
		k.authorized, err = ssh.AuthorizedKey(k.private)
	case named != "":
		k.private, k.authorized, err = ssh.LoadKey(named)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("ssh.identity_file %s does not exist", named)
		}
	case !c.cfg.Local:
		err = errors.New("there is no login key to give it: name one in ssh.identity_file")
	case make:
		k.private, k.authorized, _, err = ssh.LoadOrCreateKey(c.keyFile())
	default:
		k.private, k.authorized, err = ssh.LoadKey(c.keyFile())
	}
	return k, err
}

// sshOptions are the options of a connection. Machines that swarmup made on this
// computer are nobody else's business: no agent, no configuration file.
func (c *Cluster) sshOptions(patience time.Duration) ssh.Options {
	o := c.cfg.SSH
	o.Patience = patience
	if c.cfg.Local {
		c.keyMu.Lock()
		defer c.keyMu.Unlock()
		o.Agent, o.ConfigFile, o.AcceptNew, o.Key = "", "", false, c.key.private
	}
	return o
}

// errKeyUnknown is why a machine of a local provider does not let us in yet.
var errKeyUnknown = errors.New("it does not know the login key")

// dial logs in to a host. A machine of a local provider that refuses our key,
// since the one that it was made with is lost, is given it and dialled again.
func (c *Cluster) dial(ctx context.Context, h *host, patience time.Duration) (*ssh.Host, error) {
	conn, err := ssh.Dial(ctx, h.way(), c.sshOptions(patience))
	var refused *ssh.AuthError
	if !c.cfg.Local || !errors.As(err, &refused) {
		return conn, err
	}
	gate, ok := c.cfg.Provider.(provider.Authorizer)
	switch {
	case !ok:
		return nil, err
	case c.cfg.ReadOnly:
		return nil, fmt.Errorf("%w: apply makes it known", errKeyUnknown)
	}
	key, err := c.ensureKey(true)
	if err != nil {
		return nil, err
	}
	if err := gate.Authorize(ctx, h.is(), []string{key.authorized}); err != nil {
		return nil, fmt.Errorf("%w: %w", errKeyUnknown, err)
	}
	return ssh.Dial(ctx, h.way(), c.sshOptions(patience))
}
