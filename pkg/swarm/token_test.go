package swarm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
)

const (
	secret = "d1qaxtghlazb50ij4hkz5fxxx"
	token  = "SWMTKN-1-5hdoqx7fptj2ve8th1atwninx0uhnrj639je7c0g56znv4ilhh-" + secret
)

// parrot is an engine that answers every request by repeating it.
func parrot(t *testing.T, code int, kind string, repeat func(body string) string) swarm.Dialer {
	t.Helper()
	h := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		rw.Header().Set("Content-Type", kind)
		rw.WriteHeader(code)
		_, _ = io.WriteString(rw, repeat(string(body)))
	})
	s := &http.Server{Handler: h}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	message := func(text string) string {
		b, _ := json.Marshal(map[string]string{"message": text})
		return string(b)
	}
	tests := []struct {
		name, kind string
		code       int
		repeat     func(string) string
	}{
		{"in the engine's words", "application/json", 500, func(b string) string { return message("bad request: " + b) }},
		{"the secret part alone", "application/json", 400, func(string) string { return message("no such secret: " + secret) }},
		{"twice", "application/json", 503, func(string) string { return message(token + token) }},
		{"as plain text", "text/plain", 500, func(b string) string { return b }},
		{"as broken JSON", "application/json", 500, func(b string) string { return b[:len(b)/2] }},
		{"as an answer that breaks HTTP", "application/json", 204, func(b string) string { return b }},
	}
	calls := map[string]func(*swarm.Engine, context.Context) error{
		"join": func(e *swarm.Engine, ctx context.Context) error {
			return e.Join(ctx, engine.JoinRequest{Remote: "10.0.0.1:2377", Token: engine.NewToken(token)})
		},
		"read": func(e *swarm.Engine, ctx context.Context) error {
			_, err := e.Swarm(ctx)
			return err
		},
	}
	for _, tt := range tests {
		for name, call := range calls {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				repeat := func(body string) string {
					if body == "" {
						body = `{"JoinTokens":{"Worker":"` + token + `"}}`
					}
					return tt.repeat(body)
				}
				e, err := swarm.New(parrot(t, tt.code, tt.kind, repeat))
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = e.Close() }()
				err = call(e, t.Context())
				if err == nil && tt.code >= 400 {
					t.Fatal("got no error")
				}
				knows := []string{token}
				if name == "join" {
					knows = append(knows, secret)
				}
				for _, verb := range []string{"%v", "%s", "%q", "%+v", "%#v", "%x"} {
					for _, s := range knows {
						if strings.Contains(fmt.Sprintf(verb, err), s) {
							t.Errorf("%s shows %s: "+verb, verb, s, err)
						}
					}
				}
			})
		}
	}
}
