package provider_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/provider"
)

func TestSettingsReadAsInTheFile(t *testing.T) {
	for _, tt := range []struct {
		req  provider.Request
		want map[string]string
	}{
		{provider.Request{}, map[string]string{"cpus": "", "memory": "", "image": ""}},
		{provider.Request{CPUs: 1.5, Memory: 2 << 30, Image: "trixie"}, map[string]string{"cpus": "1.5", "memory": "2g", "image": "trixie"}},
		{provider.Request{CPUs: 2, Memory: 1536 << 20}, map[string]string{"cpus": "2", "memory": "1536m", "image": ""}},
		{provider.Request{Memory: 10_000 << 10}, map[string]string{"cpus": "", "memory": "10000k", "image": ""}},
		{provider.Request{Memory: 10_000_001}, map[string]string{"cpus": "", "memory": "10000001", "image": ""}},
	} {
		if diff := cmp.Diff(tt.want, provider.Describe(tt.req)); diff != "" {
			t.Errorf("%+v (-want +got)\n%s", tt.req, diff)
		}
	}
}
