package sshtest

import (
	"fmt"
	"io"
	"strconv"
	"syscall"
	"time"
)

// Fault is how a server misbehaves. The zero value is a good server.
type Fault struct {
	// Refuse makes Dial fail as if nothing listened. (A server with a
	// listener is closed for that.)
	Refuse bool
	// Drop closes so many new connections at once, as sshd does beyond MaxStartups.
	Drop int
	// Delay holds back the banner.
	Delay time.Duration
	// Silent accepts connections and says nothing, or nothing but Instead.
	Silent bool
	// Instead is said instead of a banner, and the connection is closed.
	Instead string
	// CutLogin closes connections that offer a key.
	CutLogin bool
	// MuteLogin is Mute from the moment in which a key is offered.
	MuteLogin bool
	// Mute loses all that the server sends from now on, as a broken network
	// does; connections do not end by themselves.
	Mute bool
	// Hold keeps back what the server sends for so long, as a congested
	// network does; nothing is lost.
	Hold time.Duration
	// RefuseChannels refuses every channel.
	RefuseChannels bool
	// RefuseExec refuses to run commands.
	RefuseExec bool
}

// Misbehave changes how the server behaves from now on; also on connections
// that there are already.
func (s *Server) Misbehave(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
	for w := range s.conns {
		w.fault(f)
	}
}

var errRefused = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)

func (s *Server) current() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// misbehave does what is wrong before the banner; false ends the connection.
func (s *Server) misbehave(w *wire) bool {
	s.mu.Lock()
	f := s.fault
	if s.fault.Drop > 0 {
		s.fault.Drop--
	}
	s.mu.Unlock()
	w.fault(f)
	switch {
	case f.Drop > 0:
		return false
	case f.Silent, f.Instead != "":
		_, _ = io.WriteString(w, f.Instead)
		if f.Silent {
			_, _ = io.Copy(io.Discard, w)
		}
		return false
	}
	timer := time.NewTimer(f.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-w.closed:
	}
	return true
}

func itoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
