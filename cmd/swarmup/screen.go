package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/term"

	"github.com/swarmup/swarmup/pkg/ssh"
)

// screen is the user's terminal.
type screen interface {
	// Size is how large it is now.
	Size() (ssh.Size, error)
	// Raw has it pass on every key as it is, until the returned func is called.
	Raw() (restore func(), err error)
	// Resizes tells of each new size until ctx ends.
	Resizes(ctx context.Context) <-chan ssh.Size
}

// replacer becomes another program; it returns only if that fails.
type replacer func(program string, args, environ []string) error

func become(program string, args, environ []string) error {
	return syscall.Exec(program, args, environ)
}

// console is the terminal of the process. Its methods may be called concurrently.
type console struct {
	in, out int // file descriptors

	mu     sync.Mutex
	before *term.State // nil while it is not raw
}

// Size asks the terminal.
func (c *console) Size() (ssh.Size, error) {
	for _, fd := range []int{c.out, c.in} {
		if w, h, err := term.GetSize(fd); err == nil {
			return ssh.Size{Width: w, Height: h}, nil
		}
	}
	return ssh.Size{}, fmt.Errorf("ask the terminal for its size: %w", os.ErrInvalid)
}

// Raw makes it raw.
func (c *console) Raw() (restore func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, err := term.MakeRaw(c.in)
	if err != nil {
		return nil, fmt.Errorf("take over the terminal: %w", err)
	}
	c.before = before
	return c.restore, nil
}

// restore makes it what it was before Raw; it may be called at any time.
func (c *console) restore() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.before != nil {
		_ = term.Restore(c.in, c.before)
		c.before = nil
	}
}

// Resizes listens to SIGWINCH.
func (c *console) Resizes(ctx context.Context) <-chan ssh.Size {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGWINCH)
	sizes := make(chan ssh.Size)
	go func() {
		defer close(sizes)
		defer signal.Stop(changed)
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
			size, err := c.Size()
			if err != nil {
				continue
			}
			select {
			case sizes <- size:
			case <-ctx.Done():
				return
			}
		}
	}()
	return sizes
}
