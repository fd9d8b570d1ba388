package ssh

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// stream is the far half of a connection: a channel of the SSH connection.
type stream struct {
	io.ReadWriteCloser
	end   func() error // no more will be written
	done  func()       // the slot may be used again
	alive func()       // something has arrived; may be nil
	why   func() error // after its end: why it ended, if it was not in order; may be nil
}

// conn is a connection through a Host. SSH channels have no deadlines, and a
// blocked Read on one does not notice its Close: so conn is one end of a
// net.Pipe, which has both, and goroutines of the Host carry the bytes.
type conn struct {
	net.Conn
	local, remote addr
	close         func()
	why           atomic.Pointer[error]
}

// Read reads; at the end it says why the connection ended, if not in order.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if why := c.why.Load(); errors.Is(err, io.EOF) && why != nil {
		return n, *why
	}
	return n, err
}

// Close closes the connection. What was written before is still delivered.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.close()
	return err
}

// LocalAddr is the host.
func (c *conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr is the socket on the host.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// addr is an address as the host sees it.
type addr struct{ network, text string }

func (a addr) Network() string { return a.network }
func (a addr) String() string  { return a.text }

// pipe makes a connection of a stream.
func (h *Host) pipe(s stream, network, to string) (net.Conn, error) {
	near, far := net.Pipe()
	c := &conn{Conn: near, local: addr{network, h.name}, remote: addr{network, to}}
	written := make(chan struct{})
	c.close = sync.OnceFunc(func() {
		h.life.run(func() { s.closeAfter(written) })
	})
	started := h.life.run(func() {
		defer close(written)
		_, _ = io.Copy(struct{ io.Writer }{s}, far)
		_ = s.end()
	})
	started = started && h.life.run(func() {
		err := h.carry(s, far)
		if err != nil {
			err = fmt.Errorf("read from %s on %s: %w", to, h.name, err)
			c.why.Store(&err)
		}
		_ = far.Close()
		_ = s.Close()
		s.done()
	})
	if !started {
		_, _ = near.Close(), far.Close()
		s.done()
		return nil, fmt.Errorf("connect to %s on %s: %w", to, h.name, h.lost())
	}
	return c, nil
}

// carry takes what arrives to the near half, and says why it came to its end.
func (h *Host) carry(s stream, far net.Conn) error {
	_, err := io.Copy(struct{ io.Writer }{far}, &first{s, s.alive})
	if errors.Is(err, io.ErrClosedPipe) { // the near half was closed
		return nil
	}
	_ = far.SetReadDeadline(time.Unix(1, 0)) // ends the goroutine that writes
	if err == nil && s.why != nil {
		err = s.why()
	}
	if lost := h.ended(); lost != nil {
		return lost
	}
	return err
}

// closeAfter closes the stream when all is written, or a stalled reader has
// had its time.
func (s stream) closeAfter(written <-chan struct{}) {
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-written:
	case <-timer.C:
	}
	_ = s.Close()
}

// first is a reader that calls alive once something was read.
type first struct {
	io.Reader
	alive func()
}

func (f *first) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if n > 0 && f.alive != nil {
		f.alive()
		f.alive = nil
	}
	return n, err
}
