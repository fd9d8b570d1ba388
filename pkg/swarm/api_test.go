package swarm_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

func TestInfoSaysWhichVersionOfTheAPIIsSpoken(t *testing.T) {
	for api, want := range map[string]string{"1.39": "1.39", "1.41": "1.41", "1.99": "1.51"} {
		t.Run(api, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *swarmtest.World) {
				e := w.Engine("10.0.0.1", "m1")
				e.SetVersion("0", api)
				i, err := connect(t, e).Info(t.Context())
				if err != nil || i.API != want {
					t.Errorf("got %q, %v, want %q", i.API, err, want)
				}
			})
		})
	}
}

// The words are those of moby api/server/middleware/version.go.
func TestAnEngineThatIsTooNewSaysSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.99")
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path != "/_ping" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"message":"client version 1.51 is too old. Minimum supported API version is 1.60, please upgrade your client to a newer version"}`))
		}
	}))
	defer s.Close()
	e, err := swarm.New(func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", s.Listener.Addr().String())
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if _, err := e.Info(t.Context()); !errors.Is(err, engine.ErrAPI) {
		t.Errorf("got %v, want engine.ErrAPI", err)
	}
	e.CloseIdle()
}
