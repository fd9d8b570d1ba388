package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/swarmup/swarmup/pkg/provider"
	"github.com/swarmup/swarmup/pkg/ssh"
)

// loginKey is the key that machines of a local provider are logged in to with.
type loginKey struct {
	private    ssh.PrivateKey
	authorized string
}

// keyFile is where swarmup keeps the login key of a local cluster.
func (c *Cluster) keyFile() string { return filepath.Join(c.cfg.Home, "id_ed25519") }

// sshOptions are the options of all connections. Machines that swarmup made on
// this computer are nobody else's business: no agent, no configuration file.
func (c *Cluster) sshOptions() ssh.Options {
	o := c.cfg.SSH
	if !c.cfg.Local {
		return o
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	o.Agent, o.ConfigFile, o.AcceptNew, o.Key = "", "", false, c.key.private
	return o
}

// openKey makes the login key of a local cluster ready where there is one. A
// lost key is no harm: the provider lets a new one in.
func (c *Cluster) openKey(ctx context.Context, machines []provider.Machine) error {
	if !c.cfg.Local {
		return nil
	}
	key, made, err := c.readKey(c.cfg.ReadOnly || len(machines) == 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // there is nothing to log in to, or nothing may be changed
	}
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.key = key
	c.mu.Unlock()
	a, ok := c.cfg.Provider.(provider.Authorizer)
	if !made || !ok {
		return nil
	}
	for _, m := range machines {
		if m.State != provider.Running {
			continue // its turn comes when it is switched on
		}
		if err := a.Authorize(ctx, m, []string{key.authorized}); err != nil {
			return fmt.Errorf("let a new login key into %s: %w", m.Name, err)
		}
	}
	return nil
}

// readKey gives the key that was named, or else the one that swarmup keeps; it
// makes one unless told only to look. made says that it did.
func (c *Cluster) readKey(look bool) (k loginKey, made bool, err error) {
	switch {
	case c.cfg.SSH.Key.Reveal() != nil:
		k.private = c.cfg.SSH.Key
		k.authorized, err = ssh.AuthorizedKey(k.private)
	case c.cfg.Spec.SSH.IdentityFile != "":
		k.private, k.authorized, err = ssh.LoadKey(c.cfg.Spec.SSH.IdentityFile)
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("ssh.identity_file %s does not exist", c.cfg.Spec.SSH.IdentityFile)
		}
	case look:
		k.private, k.authorized, err = ssh.LoadKey(c.keyFile())
	default:
		k.private, k.authorized, made, err = ssh.LoadOrCreateKey(c.keyFile())
	}
	return k, made, err
}

// ensureKey makes sure that there is a login key before a machine is made.
func (c *Cluster) ensureKey() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.key.authorized == "" {
		key, _, err := c.readKey(false)
		if err != nil {
			return "", err
		}
		c.key = key
	}
	return c.key.authorized, nil
}

// leftovers names what there is of the cluster besides machines and members.
func (c *Cluster) leftovers(ctx context.Context) ([]string, error) {
	var out []string
	if c.cfg.Local {
		if _, err := os.Stat(c.cfg.Home); err == nil {
			out = append(out, "login key")
		}
	}
	if l, ok := c.cfg.Provider.(provider.Leaver); ok {
		more, err := l.Leftovers(ctx, c.cfg.Spec.Name)
		if err != nil {
			return nil, fmt.Errorf("list leftovers: %w", err)
		}
		out = append(out, more...)
	}
	return out, nil
}

// clean removes what is left when all machines are gone.
func (c *Cluster) clean(ctx context.Context) error {
	if cl, ok := c.cfg.Provider.(provider.Cleaner); ok {
		if err := cl.Clean(ctx, c.cfg.Spec.Name); err != nil {
			return fmt.Errorf("clean up: %w", err)
		}
	}
	if !c.cfg.Local {
		return nil
	}
	if err := os.RemoveAll(c.cfg.Home); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}
