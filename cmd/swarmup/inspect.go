package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

func (e env) inspectCommand() *cli.Command {
	return &cli.Command{
		Name: "inspect", Usage: "show all that is known of nodes, as JSON; nothing is changed", ArgsUsage: "[NODE...]",
		Description: "Without NODE it shows all nodes. It is always a list. Keys, tokens, passwords and the environment of\n" +
			"engines are never part of it.",
		Flags: []cli.Flag{
			fileFlag(),
			&cli.DurationFlag{Name: "timeout", Aliases: []string{"t"}, Value: 10 * time.Second, Usage: "wait at most `D` for hosts to answer"},
		},
		Action: e.inspect,
	}
}

// inspected is all that is known of one node.
type inspected struct {
	nodeStatus
	Cluster      string            `json:"cluster"`
	Provider     string            `json:"provider"`
	Labels       map[string]string `json:"labels"`        // with swarmup's own
	EngineLabels map[string]string `json:"engine_labels"` // as its engine says
	// Login is user@address:port, HostKey the fingerprint of the key that it showed.
	Login   string `json:"login,omitempty"`
	HostKey string `json:"host_key,omitempty"`
	// Why is why it could not be asked.
	Why  string       `json:"why,omitempty"`
	Host plan.Machine `json:"provider_machine"`
	Cert plan.Cert    `json:"certificate"`
	Runs string       `json:"engine_state,omitempty"` // whether there is an engine, and runs
	// Wanted is what the file says; null for what is not in it.
	Wanted *wanted `json:"wanted"`
}

// wanted is a node of the file.
type wanted struct {
	Line         int               `json:"line"`
	Role         spec.Role         `json:"role"`
	Address      string            `json:"address,omitempty"`
	Availability spec.Availability `json:"availability,omitempty"`
	Labels       map[string]string `json:"labels,omitempty"`
	EngineLabels map[string]string `json:"engine_labels,omitempty"`
	Version      string            `json:"engine_version,omitempty"`
}

func (e env) inspect(c *cli.Context) error {
	if d := c.Duration("timeout"); d <= 0 {
		return refusal("", "--timeout is %s, and must be more than nothing", d)
	}
	cluster, err := e.loadNamed(c, c.String("file"))
	if err != nil {
		return err
	}
	var all []inspected
	asked := settings{cluster: cluster, keyUnasked: true, lookTimeout: c.Duration("timeout")}
	if err := e.observe(c, asked, func(_ conductor, have plan.State) {
		for _, n := range statusOf(cluster, have).Nodes {
			all = append(all, inspectedOf(cluster, have, n))
		}
	}); err != nil {
		return err
	}
	out, err := selected(all, c.Args().Slice())
	if err != nil {
		return err
	}
	masked, err := mask(cluster.Redact).value(out)
	if err != nil {
		return err
	}
	return writeJSON(e.out, masked)
}

// selected are the nodes of those names, or all.
func selected(all []inspected, nodes []string) ([]inspected, error) {
	if len(nodes) == 0 {
		return all, nil
	}
	known, out := []string{}, []inspected{}
	for _, n := range all {
		known = append(known, n.Node)
		if slices.Contains(nodes, n.Node) {
			out = append(out, n)
		}
	}
	for _, name := range nodes {
		if !slices.Contains(known, name) {
			return nil, refusal("", "no node %q%s", name, didYouMean(name, known))
		}
	}
	return out, nil
}

func inspectedOf(want *spec.Cluster, have plan.State, n nodeStatus) inspected {
	h := hostOf(have, n)
	out := inspected{
		nodeStatus: n, Cluster: want.Name, Provider: want.Provider.Name, Labels: map[string]string{}, EngineLabels: h.Info.Labels,
		Login: h.SSH, HostKey: h.HostKey, Why: h.Why, Host: h.Machine, Cert: h.Cert, Runs: string(h.Engine),
	}
	if have.Swarm != nil {
		for _, e := range have.Swarm.Nodes {
			if e.ID == n.ID && n.ID != "" {
				maps.Copy(out.Labels, e.Labels)
			}
		}
	}
	if node, ok := want.Node(n.Node); ok {
		out.Wanted = &wanted{
			Line: node.Pos.Line, Role: node.Role, Address: node.Address, Availability: node.Availability,
			Labels: node.Labels, EngineLabels: node.Engine.Labels, Version: node.Engine.Version,
		}
	}
	return out
}

// value hides values in every text of something that is to be written as JSON.
func (m mask) value(v any) (any, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	var plain any
	if err := json.Unmarshal(b, &plain); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return m.walk(plain), nil
}

func (m mask) walk(v any) any {
	switch v := v.(type) {
	case string:
		return m(v)
	case []any:
		for i := range v {
			v[i] = m.walk(v[i])
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			v[k] = m.walk(v[k])
		}
	}
	return v
}
