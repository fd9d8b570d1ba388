package ssh_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// echo is a Forward whose every connection gives back what it is sent, after
// the address that was asked for.
func echo(network, addr string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() {
		defer func() { _ = far.Close() }()
		if _, err := io.WriteString(far, network+" "+addr+"\n"); err == nil {
			_, _ = io.Copy(far, far)
		}
	}()
	return near, nil
}

func refuse(string, string) (net.Conn, error) { return nil, errors.New("no") }

func TestDialContextConnectsFromTheHost(t *testing.T) {
	for _, to := range []struct{ network, addr string }{
		{"unix", "/run/some.sock"}, {"unix", "/var/run/docker.sock"}, {"tcp", "10.0.0.1:2377"}, {"tcp", "[fe80::1]:80"},
	} {
		t.Run(to.network+" "+to.addr, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newSite(t, sshtest.Options{Memory: true, Forward: echo}).dial(t)
				ctx, cancel := context.WithCancel(t.Context())
				conn, err := h.DialContext(ctx, to.network, to.addr)
				cancel() // has no say over the connection any more
				if err != nil {
					t.Fatal(err)
				}
				if conn.RemoteAddr().String() != to.addr || conn.RemoteAddr().Network() != to.network || conn.LocalAddr().String() != "n1" {
					t.Errorf("goes from %s to %s", conn.LocalAddr(), conn.RemoteAddr())
				}
				_, _ = io.WriteString(conn, "hello")
				want := to.network + " " + to.addr + "\nhello"
				got := make([]byte, len(want))
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != want {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				_ = conn.Close()
				_ = h.Close()
			})
		})
	}
}

func TestDialContextRefuses(t *testing.T) {
	for _, tt := range []struct{ network, addr, want string }{
		{"unix", "/run/x.sock", "connect to /run/x.sock on n1: refused by the host: connect failed (open failed)"},
		{"tcp", "10.0.0.1:2377", "connect to 10.0.0.1:2377 on n1: refused by the host: connect failed (open failed)"},
		{"tcp", "10.0.0.1", "connect to 10.0.0.1 on n1: address 10.0.0.1: missing port in address"},
		{"tcp", "10.0.0.1:http", `connect to 10.0.0.1:http on n1: port "http" is not a number from 0 to 65535`},
		{"udp", "10.0.0.1:53", `connect to 10.0.0.1:53 on n1: network "udp" is not unix or tcp`},
	} {
		t.Run(tt.addr, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newSite(t, sshtest.Options{Memory: true, Forward: refuse}).dial(t)
				if _, err := h.DialContext(t.Context(), tt.network, tt.addr); text(err) != tt.want {
					t.Errorf("error\n got %q\nwant %q", err, tt.want)
				}
				_ = h.Close()
			})
		})
	}
}

func TestDialContextCarriesHTTP(t *testing.T) {
	noLeaks(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-r.Context().Done()
			return
		}
		body, _ := io.ReadAll(r.Body) // a server answers when it has read it all
		_, _ = w.Write(body)
	})}
	var wg sync.WaitGroup
	wg.Go(func() { _ = server.Serve(listener) })
	t.Cleanup(func() {
		_ = server.Close()
		wg.Wait()
	})
	s := newSite(t, sshtest.Options{Forward: func(string, string) (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }})
	h := s.dial(t)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return h.DialContext(ctx, "unix", "/var/run/docker.sock")
	}}
	client := &http.Client{Transport: transport}
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
	for range 3 {
		var requests sync.WaitGroup
		for range 20 { // more at once than a host allows
			requests.Go(func() {
				got, err := post(t.Context(), client, "http://docker/echo", body)
				if err != nil || !bytes.Equal(got, body) {
					t.Errorf("got %d bytes, %v", len(got), err)
				}
			})
		}
		requests.Wait()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := post(ctx, client, "http://docker/slow", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a slow answer: got %v", err)
	}
	if n := s.Connections(); n != 1 {
		t.Errorf("made %d SSH connections, want 1", n)
	}
	transport.CloseIdleConnections()
}

func post(ctx context.Context, client *http.Client, url string, body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

func TestConnectionsHaveDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSite(t, sshtest.Options{Memory: true, Forward: func(string, string) (net.Conn, error) {
			near, far := net.Pipe()
			time.AfterFunc(10*time.Second, func() { _, _ = io.WriteString(far, "late") })
			return near, nil
		}}).dial(t)
		conn, err := h.DialContext(t.Context(), "unix", "/run/x.sock")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = conn.SetReadDeadline(start.Add(3 * time.Second))
		if _, err := conn.Read(make([]byte, 8)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != 3*time.Second {
			t.Errorf("got %v after %s, want a deadline after 3s", err, time.Since(start))
		}
		_ = conn.SetReadDeadline(time.Time{})
		got := make([]byte, 4)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != "late" {
			t.Errorf("after the deadline: got %q, %v", got, err)
		}
		_ = conn.Close()
		_ = h.Close()
	})
}

func TestConnectionsEnd(t *testing.T) {
	tests := []struct {
		name  string
		end   func(site, *ssh.Host, net.Conn)
		want  string // of a Read that waits; "" is io.EOF or the like
		after time.Duration
	}{
		{name: "when they are closed", end: func(_ site, _ *ssh.Host, c net.Conn) { _ = c.Close() }, want: "io: read/write on closed pipe", after: time.Second},
		{name: "when they are closed, even on a broken network", end: func(s site, _ *ssh.Host, c net.Conn) {
			s.Misbehave(sshtest.Fault{Mute: true})
			_ = c.Close()
		}, want: "io: read/write on closed pipe", after: time.Second},
		{name: "with their host", end: func(_ site, h *ssh.Host, _ net.Conn) { _ = h.Close() },
			want: "read from /run/x.sock on n1: connection to n1 (192.0.2.1:22) lost: it was closed", after: time.Second},
		{name: "with a broken network", end: func(s site, _ *ssh.Host, _ net.Conn) { s.Misbehave(sshtest.Fault{Mute: true}) },
			want: "read from /run/x.sock on n1: connection to n1 (192.0.2.1:22) lost: no answer to keepalives for 45s", after: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, sshtest.Options{Memory: true, Forward: echo})
				h := s.dial(t)
				conn, err := h.DialContext(t.Context(), "unix", "/run/x.sock")
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.ReadFull(conn, make([]byte, len("unix /run/x.sock\n")))
				start := time.Now()
				time.AfterFunc(time.Second, func() { tt.end(s, h, conn) })
				if _, err := conn.Read(make([]byte, 8)); text(err) != tt.want || time.Since(start) != tt.after {
					t.Errorf("got %q after %s, want %q after %s", err, time.Since(start), tt.want, tt.after)
				}
				_ = conn.Close()
				_ = h.Close()
			})
		})
	}
}

func TestWhatIsWrittenBeforeACloseArrives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var got bytes.Buffer
		arrived := make(chan struct{})
		h := newSite(t, sshtest.Options{Memory: true, Forward: func(string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				_, _ = io.Copy(&got, far)
				close(arrived)
			}()
			return near, nil
		}}).dial(t)
		conn, err := h.DialContext(t.Context(), "tcp", "10.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte("x"), 3<<20) // more than a channel's window
		_, err = conn.Write(want)
		_ = conn.Close()
		<-arrived
		if err != nil || got.Len() != len(want) {
			t.Errorf("%d bytes of %d arrived, %v", got.Len(), len(want), err)
		}
		_ = h.Close()
	})
}

func TestAtMostEightConnectionsAtOnceBesideCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newSite(t, sshtest.Options{Memory: true, Forward: echo, Exec: script("ok", "", 0)}).dial(t)
		var conns []net.Conn
		for range 8 {
			conn, err := h.DialContext(t.Context(), "tcp", "10.0.0.1:1")
			if err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := h.DialContext(ctx, "tcp", "10.0.0.1:1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a ninth: got %v", err)
		}
		if out, err := h.Run(t.Context(), "id", nil); out != "ok" || err != nil {
			t.Errorf("a command beside them: got %q, %v", out, err)
		}
		start := time.Now()
		time.AfterFunc(time.Second, func() { _ = conns[0].Close() })
		conn, err := h.DialContext(t.Context(), "tcp", "10.0.0.1:1")
		if err != nil || time.Since(start) != time.Second {
			t.Errorf("when one is closed after 1s: got %v after %s", err, time.Since(start))
		}
		for _, c := range append(conns[1:], conn) {
			_ = c.Close()
		}
		_ = h.Close()
	})
}

func TestDialContextThatHasNotBegunObeysItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, sshtest.Options{Memory: true, Forward: echo})
		h := s.dial(t)
		s.Misbehave(sshtest.Fault{Hold: 10 * time.Second}) // the answer comes too late
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(errCtrlC) })
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := h.DialContext(ctx, "tcp", "10.0.0.1:1")
				if want := "connect to 10.0.0.1:1 on n1: interrupted"; text(err) != want || !errors.Is(err, errCtrlC) {
					t.Errorf("error\n got %q\nwant %q", err, want)
				}
			})
		}
		wg.Wait()
		time.Sleep(time.Minute)
		s.Misbehave(sshtest.Fault{})
		conn, err := h.DialContext(t.Context(), "tcp", "10.0.0.1:1") // what came of the late answers was closed
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
		_ = h.Close()
	})
}
