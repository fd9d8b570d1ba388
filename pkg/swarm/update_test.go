package swarm_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
	"github.com/swarmup/swarmup/pkg/swarm/swarmtest"
)

const nodeUpdate = "POST /nodes/{id}/update"

func TestAnUpdateThatRacesAnotherIsMadeAnew(t *testing.T) {
	tests := []struct {
		name         string
		races, calls int
		ok           bool
	}{
		{"alone", 0, 1, true},
		{"once", 1, 2, true},
		{"four times", 4, 5, true},
		{"for ever", 99, 5, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *swarmtest.World) {
				m, _ := pair(t, w)
				w.Race(tt.races)
				err := m.UpdateNode(t.Context(), w.Nodes()[0].ID, func(s *engine.NodeSpec) { s.Labels["a"] = "b" })
				if (err == nil) != tt.ok || w.Calls(nodeUpdate) != tt.calls {
					t.Errorf("got %v after %d calls, want ok %t after %d", err, w.Calls(nodeUpdate), tt.ok, tt.calls)
				}
				if !tt.ok && !strings.Contains(err.Error(), "update out of sequence") {
					t.Errorf("got %q, want the engine's words", err)
				}
				if tt.ok && w.Nodes()[0].Labels["a"] != "b" {
					t.Errorf("got labels %v, want a=b", w.Nodes()[0].Labels)
				}
			})
		})
	}
}

func TestAnUpdateThatChangesNothingIsNotSent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, _ := pair(t, w)
		same := func(s *engine.NodeSpec) { s.Role, s.Availability = "manager", "active" }
		if err := m.UpdateNode(t.Context(), w.Nodes()[0].ID, same); err != nil || w.Calls(nodeUpdate) != 0 {
			t.Errorf("got %v and %d calls, want none", err, w.Calls(nodeUpdate))
		}
		if err := m.UpdateSwarm(t.Context(), func(*engine.SwarmSpec) {}); err != nil || w.Calls("POST /swarm/update") != 0 {
			t.Errorf("got %v and %d calls, want none", err, w.Calls("POST /swarm/update"))
		}
	})
}

func TestAnUpdateKeepsWhatItDoesNotChange(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		m := connect(t, e)
		if _, err := m.Init(t.Context(), engine.InitRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		id := w.Nodes()[0].ID
		raw := raw(t, e)
		version := raw("GET", "/nodes/"+id, "")["Version"].(map[string]any)["Index"]
		raw("POST", fmt.Sprintf("/nodes/%s/update?version=%v", id, version), `{"Name":"N","Labels":{"a":"b"},"Role":"manager","Availability":"pause"}`)
		if err := m.UpdateNode(t.Context(), id, func(s *engine.NodeSpec) { s.Availability = "drain" }); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{"Name": "N", "Labels": map[string]any{"a": "b"}, "Role": "manager", "Availability": "drain"}
		if d := cmp.Diff(want, raw("GET", "/nodes/"+id, "")["Spec"]); d != "" {
			t.Errorf("spec (-want +got):\n%s", d)
		}
	})
}

// raw asks an engine without package swarm.
func raw(t *testing.T, e *swarmtest.Engine) func(method, path, body string) map[string]any {
	t.Helper()
	tr := &http.Transport{DialContext: e.Dial, DisableKeepAlives: true}
	return func(method, path, body string) map[string]any {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), method, "http://engine"+path, strings.NewReader(body))
		resp, err := tr.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		var b bytes.Buffer
		_, _ = b.ReadFrom(resp.Body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s: %s %s", method, path, resp.Status, b.String())
		}
		return object(b.Bytes())
	}
}

func TestTheSwarmsOwnSettings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m := connect(t, w.Engine("10.0.0.1", "m1"))
		if _, err := m.Init(t.Context(), engine.InitRequest{Pool: []string{"172.24.0.0/13"}, SubnetSize: 26, DataPathPort: 5000, NodeCertExpiry: 48 * time.Hour, Heartbeat: 10 * time.Second, Log: engine.Log{SnapshotInterval: 4000}}); err != nil {
			t.Fatal(err)
		}
		w.Race(1)
		if err := m.UpdateSwarm(t.Context(), func(s *engine.SwarmSpec) { s.NodeCertExpiry, s.TaskHistory, s.Log.OldSnapshots = 96*time.Hour, 0, 3 }); err != nil {
			t.Fatal(err)
		}
		s, err := m.Swarm(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(s.Worker.Reveal(), "SWMTKN-1-") || s.Worker.Reveal() == s.Manager.Reveal() {
			t.Error("want two tokens")
		}
		s.Worker, s.Manager, s.Issuer = engine.Token{}, engine.Token{}, ""
		want := engine.Swarm{
			ID: w.Clusters()[0], Pool: []string{"172.24.0.0/13"}, SubnetSize: 26, DataPathPort: 5000,
			NodeCertExpiry: 96 * time.Hour, TaskHistory: 0, Heartbeat: 10 * time.Second,
			Log: engine.Log{SnapshotInterval: 4000, SlowFollowers: 500, OldSnapshots: 3},
		}
		if d := cmp.Diff(want, s, cmp.Comparer(func(a, b engine.Token) bool { return a.Reveal() == b.Reveal() })); d != "" {
			t.Errorf("swarm (-want +got):\n%s", d)
		}
	})
}

func TestPoolsComeWithTheSizeOfTheirNetworks(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m := connect(t, w.Engine("10.0.0.1", "m1"))
		if _, err := m.Init(t.Context(), engine.InitRequest{Pool: []string{"172.24.0.0/13"}}); err != nil {
			t.Fatal(err)
		}
		if s, err := m.Swarm(t.Context()); err != nil || s.SubnetSize != 24 || len(w.Violations()) > 0 {
			t.Errorf("got /%d, %v, %v", s.SubnetSize, err, w.Violations())
		}
	})
}

func TestTheIngressNetworkIsMadeAnew(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, e := pair(t, w)
		if err := join(t, m, e, engine.JoinRequest{}); err != nil {
			t.Fatal(err)
		}
		old, err := m.Ingress(t.Context())
		if err != nil || !old.Ready || old.MTU != 0 || old.Encrypted {
			t.Fatalf("got %+v, %v", old, err)
		}
		if err := m.CreateIngress(t.Context(), engine.IngressRequest{}); !errors.Is(err, engine.ErrExists) {
			t.Errorf("got %v beside another, want ErrExists", err)
		}
		for range 2 { // the second finds nothing
			if err := m.RemoveIngress(t.Context(), old.ID); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.CreateIngress(t.Context(), engine.IngressRequest{}); !errors.Is(err, engine.ErrExists) {
			t.Errorf("got %v while the engine holds on to the old one, want ErrExists", err)
		}
		time.Sleep(time.Second)
		if i, err := m.Ingress(t.Context()); err != nil || i.ID != "" {
			t.Errorf("got %+v, %v after a second, want none", i, err)
		}
		yes := true
		want := engine.IngressRequest{MTU: 1400, Subnet: "10.255.0.0/16", Encrypted: &yes}
		if err := m.CreateIngress(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if i, err := m.Ingress(t.Context()); err != nil || !want.Met(i) {
			t.Errorf("got %+v, %v, want %+v", i, err, want)
		}
		if got := w.Unmeshed(); len(got) != 2 {
			t.Errorf("members without it: %v, want both", got)
		}
		for _, n := range w.Nodes() {
			if err := m.TouchNode(t.Context(), n.ID); err != nil {
				t.Error(err)
			}
		}
		if got := w.Unmeshed(); len(got) != 0 {
			t.Errorf("members without it after they were touched: %v", got)
		}
	})
}

func TestAServiceThatUsesTheIngressNetworkKeepsIt(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, _ := pair(t, w)
		w.Run(swarmtest.Service{Name: "a"})
		w.Run(swarmtest.Service{Name: "b", Mesh: true})
		services, err := m.Services(t.Context())
		if err != nil || len(services) != 2 || services[0].Mesh || !services[1].Mesh {
			t.Errorf("got %+v, %v, want b alone to use it", services, err)
		}
		i, err := m.Ingress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := m.RemoveIngress(t.Context(), i.ID); err == nil || !strings.Contains(err.Error(), "ingress network cannot be removed because service") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
}

func TestInfoShowsTheEnginesSettings(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		e.SetEngineLabels(map[string]string{"role": "mgr"})
		e.SetLiveRestore(true)
		e.SetRegistries([]string{"r:5000", "10.0.0.0/8"}, []string{"https://m"})
		i, err := connect(t, e).Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i.EngineID = ""
		want := engine.Info{
			Hostname: "m1", Version: "28.5.2", API: "1.51", State: engine.Inactive, LiveRestore: true,
			Labels:             map[string]string{"role": "mgr"},
			InsecureRegistries: []string{"10.0.0.0/8", "127.0.0.0/8", "::1/128", "r:5000"},
			RegistryMirrors:    []string{"https://m/"},
		}
		if d := cmp.Diff(want, i); d != "" {
			t.Errorf("info (-want +got):\n%s", d)
		}
	})
}

func TestManagersSeeEngineLabelsLater(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		e := w.Engine("10.0.0.1", "m1")
		m := connect(t, e)
		if _, err := m.Init(t.Context(), engine.InitRequest{}); err != nil {
			t.Fatal(err)
		}
		e.SetEngineLabels(map[string]string{"role": "mgr"})
		for _, want := range []string{"", "mgr"} {
			n, err := m.Nodes(t.Context())
			if err != nil || n[0].EngineLabels["role"] != want {
				t.Errorf("got %+v, %v; want the label %q", n, err, want)
			}
			time.Sleep(20 * time.Second)
		}
	})
}

func TestLeavingNoSwarmIsSuccess(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		if err := connect(t, w.Engine("10.0.0.1", "m1")).Leave(t.Context(), false); err != nil {
			t.Error(err)
		}
	})
}

func TestAManagerLeavesOnlyByForce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, _ := pair(t, w)
		if err := m.Leave(t.Context(), false); err == nil || !strings.Contains(err.Error(), "participating as a manager") {
			t.Errorf("got %v, want a refusal", err)
		}
		if err := m.Leave(t.Context(), true); err != nil {
			t.Error(err)
		}
		if i, _ := m.Info(t.Context()); i.State != engine.Inactive {
			t.Errorf("got %s, want inactive", i.State)
		}
	})
}

func TestRemovingANode(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, e := pair(t, w)
		if err := join(t, m, e, engine.JoinRequest{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		id := w.Nodes()[1].ID
		if err := m.RemoveNode(t.Context(), id, false); err == nil || !strings.Contains(err.Error(), "is not down and can't be removed") {
			t.Errorf("got %v, want a refusal", err)
		}
		for range 2 { // the second finds nothing
			if err := m.RemoveNode(t.Context(), id, true); err != nil {
				t.Error(err)
			}
		}
		if err := m.RemoveNode(t.Context(), w.Nodes()[0].ID, true); err == nil || errors.Is(err, engine.ErrNotFound) {
			t.Errorf("got %v for a manager, want a refusal", err)
		}
	})
}

func TestTasksHaveTheNamesOfTheirServices(t *testing.T) {
	inWorld(t, func(t *testing.T, w *swarmtest.World) {
		m, _ := pair(t, w)
		time.Sleep(time.Second)
		w.Run(swarmtest.Service{Name: "web", Replicas: 2})
		w.Run(swarmtest.Service{Name: "db", Replicas: 1})
		synctest.Wait()
		tasks, err := m.Tasks(t.Context(), w.Nodes()[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, task := range tasks {
			got = append(got, fmt.Sprintf("%s.%d %s %t", task.Name, task.Slot, task.State, task.Live()))
		}
		if d := cmp.Diff([]string{"db.1 running true", "web.1 running true", "web.2 running true"}, got); d != "" {
			t.Errorf("tasks (-want +got):\n%s", d)
		}
		services, err := m.Services(t.Context())
		if err != nil || len(services) != 2 || services[1].Name != "web" || services[1].Running != 2 || services[1].Desired != 2 {
			t.Errorf("got %+v, %v; want web with 2 of 2", services, err)
		}
		if tasks, err := m.Tasks(t.Context(), "nosuch"); err != nil || len(tasks) != 0 {
			t.Errorf("got %v, %v for another node; want none", tasks, err)
		}
	})
}

func object(b []byte) map[string]any {
	m := map[string]any{}
	_ = json.Unmarshal(b, &m)
	return m
}
