package ssh

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	xssh "golang.org/x/crypto/ssh"
)

const (
	// sessionsAtOnce stays below what sshd allows on a connection by default
	// (sshd_config(5), MaxSessions 10).
	sessionsAtOnce = 8
	// forwardsAtOnce bounds connections to sockets, which sshd does not count
	// as sessions. They have slots of their own, so that idle ones in an HTTP
	// client's pool never keep a command from running.
	forwardsAtOnce = 8

	keepaliveEvery  = 15 * time.Second
	keepaliveMisses = 3
)

// Host is a machine that is logged in to, over one TCP connection. Its methods
// may be called concurrently; calls beyond what a connection can carry wait.
type Host struct {
	name, addr, user, hostKey, via string

	public string // its key, as files of known hosts have it

	client   *xssh.Client
	sessions *room
	forwards slots
	onwards  slots // connections to the machines behind it
	life     life
	sudo     sudo
	// viaDocker means that the Docker socket is to be had through the docker
	// command only.
	viaDocker atomic.Bool
}

func newHost(e *endpoint, o Options, shown xssh.PublicKey, client *xssh.Client) *Host {
	h := &Host{
		name: e.name, addr: e.addr(), user: e.user, via: e.via,
		hostKey: xssh.FingerprintSHA256(shown), public: strings.TrimSpace(string(xssh.MarshalAuthorizedKey(shown))),
		client:   client,
		sessions: newRoom(sessionsAtOnce),
		forwards: make(slots, forwardsAtOnce),
		onwards:  make(slots, onwardsAtOnce),
	}
	h.sudo.pool, h.sudo.ask = o.Pool, o.SudoPassword
	h.life.over = make(chan struct{})
	h.life.run(func() { h.end(client.Wait()) })
	h.life.run(h.keepalive)
	return h
}

// HostKey is the fingerprint ("SHA256:...") of the key that the host showed.
func (h *Host) HostKey() string { return h.hostKey }

// PublicKey is the key that the host showed, as files of known hosts have it
// behind the name: "TYPE BASE64".
func (h *Host) PublicKey() string { return h.public }

// User is who is logged in.
func (h *Host) User() string { return h.user }

// Addr is the host:port that was dialled.
func (h *Host) Addr() string { return h.addr }

// Via lists the jump hosts that the connection goes through, as they were
// written in Target.Jump or the configuration file; "" for none.
func (h *Host) Via() string { return h.via }

// lean keeps the hold on a jump host for as long as the connection lasts.
func (h *Host) lean(w *way) {
	if w.hold == nil {
		return
	}
	if !h.life.run(func() {
		<-h.life.over
		_ = h.client.Close()
		w.leave()
	}) {
		w.leave()
	}
}

// Close ends the connection. Calls in flight fail with a *LostError. It
// returns when nothing of the connection runs any more, and never fails.
func (h *Host) Close() error {
	h.end(ErrClosed)
	h.life.wg.Wait()
	return nil
}

// end closes the connection; the first reason is the one that counts.
func (h *Host) end(why error) {
	h.life.end(why)
	_ = h.client.Close()
}

// lost is the error of a call whose connection has ended.
func (h *Host) lost() error {
	<-h.life.over
	return h.lostTo(h.life.why)
}

// lostTo is the error of a call whose connection has ended for a reason.
func (h *Host) lostTo(why error) *LostError {
	return &LostError{Name: h.name, Addr: h.addr, Via: h.via, Err: why}
}

// ended is why the connection has ended; nil while it has not.
func (h *Host) ended() error {
	select {
	case <-h.life.over:
		return h.lost()
	default:
		return nil
	}
}

// gone is why a channel failed: mostly because the connection has ended, which
// is known a moment later; else err.
func (h *Host) gone(err error) error {
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-h.life.over:
		return h.lost()
	case <-timer.C:
		return err
	}
}

// keepalive asks the host for a sign of life, and ends the connection when
// none comes. Any answer is one, also a refusal.
func (h *Host) keepalive() {
	ticker := time.NewTicker(keepaliveEvery)
	defer ticker.Stop()
	answer := make(chan error, 1)
	misses, asked := 0, false
	for {
		select {
		case <-h.life.over:
			return
		case err := <-answer:
			if err != nil {
				return // the connection has ended, and says why by itself
			}
			misses, asked = 0, false
		case <-ticker.C:
			if !asked {
				asked = h.life.run(func() {
					_, _, err := h.client.SendRequest("keepalive@openssh.com", true, nil)
					answer <- err
				})
				continue
			}
			if misses++; misses == keepaliveMisses {
				h.end(errors.New("no answer to keepalives for " + (keepaliveMisses * keepaliveEvery).String()))
				return
			}
		}
	}
}

// life is how long a Host's goroutines may run, and why it came to its end.
type life struct {
	mu    sync.Mutex
	wg    sync.WaitGroup
	ended bool
	why   error         // set before over is closed
	over  chan struct{} // closed at the end
}

// run starts a goroutine that Close waits for, unless the end has come.
func (l *life) run(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return false
	}
	l.wg.Go(f)
	return true
}

func (l *life) end(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	l.ended, l.why = true, why
	close(l.over)
}
