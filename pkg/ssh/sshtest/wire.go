package sshtest

import (
	"bytes"
	"net"
	"sync"
	"time"
)

// wire is a server's connection, which may lose or delay what is written to
// it. Write itself never waits for that: x/crypto holds a lock meanwhile, and
// time in a synctest bubble stands still while somebody waits for a lock.
type wire struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
	wg     sync.WaitGroup

	mu         sync.Mutex
	ended      bool
	muted      bool
	hold       time.Duration
	delivering bool
	queue      []parcel
}

// parcel is something written, and when it is due.
type parcel struct {
	due  time.Time
	data []byte
}

func (w *wire) fault(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.muted, w.hold = f.Mute, f.Hold
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.ended:
		return 0, net.ErrClosed
	case w.muted:
		return len(p), nil
	case w.hold == 0 && !w.delivering:
		return w.Conn.Write(p)
	}
	w.queue = append(w.queue, parcel{time.Now().Add(w.hold), bytes.Clone(p)})
	if !w.delivering {
		w.delivering = true
		w.wg.Go(w.deliver)
	}
	return len(p), nil
}

// deliver writes what is queued, each parcel when it is due.
func (w *wire) deliver() {
	for {
		w.mu.Lock()
		if len(w.queue) == 0 {
			w.delivering = false
			w.mu.Unlock()
			return
		}
		next := w.queue[0]
		w.queue = w.queue[1:]
		w.mu.Unlock()
		timer := time.NewTimer(time.Until(next.due))
		select {
		case <-timer.C:
			_, _ = w.Conn.Write(next.data)
		case <-w.closed:
			timer.Stop()
		}
	}
}

func (w *wire) Close() error {
	w.once.Do(func() { close(w.closed) })
	err := w.Conn.Close() // before the lock: it ends a Write that holds it
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.wg.Wait()
	return err
}
