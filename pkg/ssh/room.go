package ssh

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

const (
	// roomWait is how long a session is waited for where others of ours are all
	// that sshd allows.
	roomWait = 2 * time.Minute
	// roomLook is how often those are asked meanwhile to free what is idle.
	roomLook = 250 * time.Millisecond
	// roomTries is how often a host is asked for a session that refuses one
	// although there is no other of ours: sshd may not have noticed yet that one
	// has ended. The pauses double from roomPause to roomLook: 2 s in all.
	roomTries = 12
	roomPause = 25 * time.Millisecond
)

// places are what channels of one kind are opened in, so many at once. over is
// closed when the connection has ended.
type places interface {
	enter(ctx context.Context, over <-chan struct{}) error
	leave()
}

// errOver means that a connection ended while a place was waited for.
var errOver = errors.New("the connection has ended")

// slots are places of a fixed number.
type slots chan struct{}

func (s slots) enter(ctx context.Context, over <-chan struct{}) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-over:
		return errOver
	}
}

func (s slots) leave() { <-s }

// room is places of a number that turns out to be lower than it should be:
// sshd's MaxSessions can be anything from 0 on (sshd_config(5)), and is not
// told.
type room struct {
	mu    sync.Mutex
	used  int // places that are taken
	limit int
	open  int           // sessions that there are
	most  int           // the most that there were
	count int           // how many were ever opened
	wake  chan struct{} // closed when somebody leaves
	spare func()        // frees what is idle; may be nil
}

func newRoom(limit int) *room { return &room{limit: limit, wake: make(chan struct{})} }

func (r *room) enter(ctx context.Context, over <-chan struct{}) error {
	for {
		r.mu.Lock()
		wake, spare := r.wake, r.spare
		free := r.used < r.limit
		if free {
			r.used++
		}
		r.mu.Unlock()
		if free {
			return nil
		}
		if spare != nil {
			spare()
		}
		timer := time.NewTimer(roomLook)
		select {
		case <-wake:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-over:
			timer.Stop()
			return errOver
		}
		timer.Stop()
	}
}

func (r *room) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used--
	close(r.wake)
	r.wake = make(chan struct{})
}

// opened notes that somebody who is in has a session; the returned func, that
// he has it no more, and left.
func (r *room) opened() (closed func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open++
	r.count++
	r.most = max(r.most, r.open)
	r.limit = max(r.limit, r.most) // it was on its way when another was refused
	return sync.OnceFunc(func() {
		r.mu.Lock()
		r.open--
		r.mu.Unlock()
	})
}

// full notes that there was no room for another session: no more are opened at
// once from now on than there were. It says how many were opened so far, and
// whether there are some now.
func (r *room) full() (count int, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit = min(r.limit, max(1, r.most))
	return r.count, r.open > 0
}

// Spare has the Host call f when sshd allows no more sessions and one is needed:
// f should close connections of DialContext that are idle, since those to an
// engine may each hold a session. f must not wait.
func (h *Host) Spare(f func()) {
	h.sessions.mu.Lock()
	defer h.sessions.mu.Unlock()
	h.sessions.spare = f
}

// session opens a session. Where sshd allows no more at once it waits for the
// end of another one of ours.
func (h *Host) session(ctx context.Context, doing string) (*xssh.Session, func(), error) {
	bounded, cancel := context.WithTimeoutCause(ctx, roomWait, errNoRoom)
	defer cancel()
	pause := roomPause
	for tries, seen := 1, 0; ; tries++ {
		session, done, err := begin(bounded, h, opening[*xssh.Session]{doing, h.sessions, h.client.NewSession})
		var refused *refusedError
		if err == nil {
			closed := h.sessions.opened()
			return session, func() { closed(); done() }, nil
		}
		if !errors.As(err, &refused) {
			return nil, nil, err
		}
		if count, some := h.sessions.full(); some || count != seen { // others get theirs
			tries, seen = 0, count
		}
		if tries == roomTries {
			return nil, nil, err
		}
		if err := rest(bounded, pause); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", doing, err)
		}
		pause = min(2*pause, roomLook)
	}
}

// errNoRoom means that sessions of ours took all places for too long.
var errNoRoom = fmt.Errorf("no session was free within %s, and sshd allows no more at once (MaxSessions)", roomWait)
