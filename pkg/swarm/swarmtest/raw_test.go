package swarmtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/swarmup/swarmup/pkg/swarm"
)

// raw asks an engine without the client, and makes an error of a refusal.
func (r *run) raw(method string, k int, path, body string) error {
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return r.dial(k)(ctx, "unix", swarm.Socket)
	}}
	req, err := http.NewRequestWithContext(r.Context(), method, "http://engine"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode == http.StatusOK {
		return err
	}
	var refusal struct{ Message string }
	if kind := resp.Header.Get("Content-Type"); kind != "application/json" {
		return fmt.Errorf("the refusal is of type %q", kind)
	}
	if err := json.Unmarshal(text, &refusal); err != nil {
		return err
	}
	return &swarm.Error{Op: method + " " + path, Code: resp.StatusCode, Text: refusal.Message}
}

// post updates a node against a version of the test's own choice, or the
// current one where the version does not matter.
func (r *run) post(k, version int, body string) error {
	return r.raw("POST", 1, fmt.Sprintf("/nodes/%s/update?version=%d", r.ids[k], version), body)
}
