package swarm

import (
	"encoding/json"
	"testing"

	"github.com/docker/docker/api/types/system"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/engine"
)

func TestInfoIsReadAsEnginesGiveIt(t *testing.T) {
	tests := []struct {
		name, json string
		want       engine.Info
	}{
		{
			name: "20.10, in no swarm",
			json: `{"ID":"HO66:MDM5","Name":"h1","ServerVersion":"20.10.24+dfsg1","Labels":[],"LiveRestoreEnabled":false,
				"RegistryConfig":{"AllowNondistributableArtifactsCIDRs":[],"AllowNondistributableArtifactsHostnames":[],
				"InsecureRegistryCIDRs":["127.0.0.0/8"],"IndexConfigs":{"docker.io":{"Name":"docker.io","Mirrors":[],"Secure":true,"Official":true}},"Mirrors":[]},
				"Swarm":{"NodeID":"","NodeAddr":"","LocalNodeState":"inactive","ControlAvailable":false,"Error":"","RemoteManagers":null}}`,
			want: engine.Info{EngineID: "HO66:MDM5", Hostname: "h1", Version: "20.10.24+dfsg1", State: engine.Inactive, InsecureRegistries: []string{"127.0.0.0/8"}, RegistryMirrors: []string{}},
		},
		{
			name: "28.5, a manager with registries and labels",
			json: `{"ID":"e","Name":"h1","ServerVersion":"28.5.2","Labels":["role=mgr","flag","eq=a=b"],"LiveRestoreEnabled":true,
				"RegistryConfig":{"InsecureRegistryCIDRs":["::1/128","127.0.0.0/8","10.0.0.0/8"],
				"IndexConfigs":{"docker.io":{"Secure":true},"r2:5000":{"Secure":false},"r1:5000":{"Secure":false}},"Mirrors":["https://m/"]},
				"Swarm":{"NodeID":"n","NodeAddr":"10.0.0.1","LocalNodeState":"active","ControlAvailable":true,"Error":"",
				"RemoteManagers":[{"NodeID":"o","Addr":"10.0.0.2:2377"},{"NodeID":"n","Addr":"10.0.0.1:2377"}],"Cluster":{"ID":"c"}}}`,
			want: engine.Info{
				EngineID: "e", Hostname: "h1", Version: "28.5.2", LiveRestore: true,
				Labels:             map[string]string{"role": "mgr", "flag": "", "eq": "a=b"},
				InsecureRegistries: []string{"10.0.0.0/8", "127.0.0.0/8", "::1/128", "r1:5000", "r2:5000"},
				RegistryMirrors:    []string{"https://m/"},
				State:              engine.Active, NodeID: "n", NodeAddr: "10.0.0.1", Manager: true, ClusterID: "c",
				Remotes: []string{"10.0.0.1:2377", "10.0.0.2:2377"},
			},
		},
		{
			name: "a manager that came back by itself, after it found nobody to join",
			json: `{"Swarm":{"NodeID":"n","LocalNodeState":"error","ControlAvailable":true,"Error":"","Cluster":{"ID":"c"}}}`,
			want: engine.Info{State: engine.Active, NodeID: "n", Manager: true, ClusterID: "c"},
		},
		{
			name: "one that did not come back",
			json: `{"Swarm":{"NodeID":"","LocalNodeState":"error","ControlAvailable":false,"Error":"manager stopped: can't initialize raft node"}}`,
			want: engine.Info{State: engine.Failed, Error: "manager stopped: can't initialize raft node"},
		},
		{
			name: "a manager without a leader",
			json: `{"Swarm":{"NodeID":"n","LocalNodeState":"active","ControlAvailable":true,"Error":"rpc error: no leader","Cluster":{"ID":""}}}`,
			want: engine.Info{State: engine.Active, NodeID: "n", Manager: true, Error: "rpc error: no leader"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var i system.Info
			if err := json.Unmarshal([]byte(tt.json), &i); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, infoOf(i)); d != "" {
				t.Errorf("info (-want +got):\n%s", d)
			}
		})
	}
}
