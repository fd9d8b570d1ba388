package sshtest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"time"
)

// pipe is a connection in memory. Unlike net.Pipe it takes writes before they
// are read, as TCP does: both sides of SSH begin with a write.
func pipe() (net.Conn, net.Conn) {
	a, b := newHalf(), newHalf()
	return &memConn{in: a, out: b}, &memConn{in: b, out: a}
}

type memConn struct{ in, out *half }

func (c *memConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memConn) Write(p []byte) (int, error) { return c.out.write(p) }

// Close ends both directions; what was written before can still be read.
func (c *memConn) Close() error {
	c.in.close(io.ErrClosedPipe)
	c.out.close(io.EOF)
	return nil
}

func (c *memConn) LocalAddr() net.Addr              { return memAddr{} }
func (c *memConn) RemoteAddr() net.Addr             { return memAddr{} }
func (c *memConn) SetDeadline(time.Time) error      { return nil }
func (c *memConn) SetReadDeadline(time.Time) error  { return nil }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }

type memAddr struct{}

func (memAddr) Network() string { return "memory" }
func (memAddr) String() string  { return "192.0.2.1:22" }

// half is one direction of a pipe.
type half struct {
	mu   sync.Mutex
	cond *sync.Cond
	buf  bytes.Buffer
	end  error
}

func newHalf() *half {
	h := &half{}
	h.cond = sync.NewCond(&h.mu)
	return h
}

func (h *half) read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.buf.Len() == 0 && h.end == nil {
		h.cond.Wait()
	}
	if h.buf.Len() > 0 && h.end != io.ErrClosedPipe {
		return h.buf.Read(p)
	}
	return 0, h.end
}

func (h *half) write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch h.end {
	case io.EOF:
		return 0, io.ErrClosedPipe
	case io.ErrClosedPipe: // nobody reads any more; TCP does not say so at once
		return len(p), nil
	}
	defer h.cond.Broadcast()
	return h.buf.Write(p)
}

func (h *half) close(why error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.end == nil {
		h.end = why
	}
	h.cond.Broadcast()
}
