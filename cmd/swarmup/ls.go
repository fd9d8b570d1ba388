package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/swarmup/swarmup/pkg/apply"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/spec"
)

// filesAtOnce is how many clusters ls looks at at the same time.
const filesAtOnce = 8

func (e env) lsCommand() *cli.Command {
	return &cli.Command{
		Name: "ls", Usage: "list the nodes of one cluster, or of several; nothing is changed", ArgsUsage: "[FILE...]",
		Description: "A node that does not answer is a line with what is known of it, and its reason in ERRORS.\n" +
			"ACTIVE is the node that DOCKER_HOST points to.\n\n" +
			"Filters: name=REGEXP, role=manager|worker, status=WORD, provider=NAME, label=KEY[=VALUE].\n" +
			"Those of one kind widen the choice, those of different kinds narrow it.\n\n" +
			"A template has .Name, .Cluster, .Active, .Role, .Leader, .Status, .Availability, .Engine, .Address,\n" +
			".Provider, .Labels, .Errors, .Machine, .ID and .Label \"KEY\"; one that begins with \"table \" has a heading.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "filter", Usage: "list only nodes that match `KEY=VALUE`; may be repeated"},
			&cli.StringFlag{Name: "format", Usage: "json, or a Go `TEMPLATE` for each node"},
			&cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "names only", DisableDefaultText: true},
			&cli.DurationFlag{Name: "timeout", Aliases: []string{"t"}, Value: 10 * time.Second, Usage: "wait at most `D` for hosts to answer"},
		},
		Action: e.ls,
	}
}

func (e env) ls(c *cli.Context) error {
	show, err := rowFormat(c.String("format"), c.Bool("quiet"))
	if err != nil {
		return err
	}
	keep, err := filters(c.StringSlice("filter"))
	if err != nil {
		return err
	}
	if d := c.Duration("timeout"); d <= 0 {
		return refusal("", "--timeout is %s, and must be more than nothing", d)
	}
	clusters, err := e.loadAll(c)
	if err != nil {
		return err
	}
	found := make([][]row, len(clusters))
	failures := everywhere(c.Context, filesAtOnce, len(clusters), func(_ context.Context, i int) error {
		asked := settings{cluster: clusters[i], keyUnasked: true, lookTimeout: c.Duration("timeout")}
		return e.observe(c, asked, func(_ conductor, have plan.State) {
			found[i] = rowsOf(clusters[i], have, e.getenv("DOCKER_HOST"))
		})
	})
	rows := []row{}
	for _, of := range found {
		for _, r := range of {
			if keep.match(r) {
				rows = append(rows, r)
			}
		}
	}
	if err := show.write(e.out, rows, len(clusters) > 1); err != nil {
		return err
	}
	return e.told(func(s string) string { return s }, failures)
}

// loadAll reads the files that were named, or the one that a command is about.
func (e env) loadAll(c *cli.Context) ([]*spec.Cluster, error) {
	files := c.Args().Slice()
	if len(files) == 0 {
		files = []string{""}
	}
	var out []*spec.Cluster
	for _, f := range files {
		cluster, err := e.loadNamed(c, f)
		if err != nil {
			return nil, err
		}
		out = append(out, cluster)
	}
	return out, nil
}

// everywhere does something for each index below n, at most limit at once, and
// gives what failed, in order.
func everywhere(ctx context.Context, limit, n int, do func(ctx context.Context, i int) error) []error {
	p := plan.Plan{}
	for i := range n {
		p.Steps = append(p.Steps, plan.Step{ID: strconv.Itoa(i)})
	}
	var failures []error
	for _, r := range apply.Run(ctx, p, limit, func(ctx context.Context, s plan.Step) (string, error) {
		i, err := strconv.Atoi(s.ID)
		if err != nil {
			return "", err
		}
		return "", do(ctx, i)
	}, nil) {
		if r.Err != nil {
			failures = append(failures, r.Err)
		}
	}
	return failures
}

// row is one node as ls shows it.
type row struct {
	Cluster      string            `json:"cluster"`
	Name         string            `json:"name"`
	Active       bool              `json:"active"`
	Role         string            `json:"role"`
	Leader       bool              `json:"leader"`
	Status       string            `json:"status"` // as status has it in state
	Availability string            `json:"availability"`
	Engine       string            `json:"engine"`
	Address      string            `json:"address"`
	Provider     string            `json:"provider"`
	Labels       map[string]string `json:"labels"`
	Errors       string            `json:"errors"`
	Machine      string            `json:"machine,omitempty"`
	ID           string            `json:"id,omitempty"`
}

// Label is for templates: the value of one label.
func (r row) Label(key string) string { return r.Labels[key] }

// rowsOf lists the nodes of a cluster as status does, which knows what belongs together.
func rowsOf(want *spec.Cluster, have plan.State, dockerHost string) []row {
	m := mask(want.Redact)
	var out []row
	for _, n := range m.status(statusOf(want, have)).Nodes {
		h := hostOf(have, n)
		r := row{
			Cluster: want.Name, Name: cmp.Or(n.Node, n.Machine, n.ID), Role: n.Role, Leader: n.Leader, Status: n.State,
			Availability: n.Availability, Engine: n.Engine, Address: n.Address, Provider: want.Provider.Name,
			Labels: labelsOf(want, have, n), Machine: n.Machine, ID: n.ID,
			Active: pointsTo(dockerHost, n.Node, n.Address, h.SSH),
		}
		if n.Unknown {
			r.Errors = h.Why
		}
		r.Errors = m(joined([]string{r.Errors, h.Info.Error}))
		for k, v := range r.Labels {
			r.Labels[k] = m(v)
		}
		out = append(out, r)
	}
	return out
}

func hostOf(have plan.State, n nodeStatus) plan.Host {
	for _, h := range have.Hosts {
		if h.Node == n.Node && h.Machine.Name == n.Machine && n.Node+n.Machine != "" {
			return h
		}
	}
	return plan.Host{}
}

// labelsOf gives the labels that a member has, without swarmup's own, or else
// those that the file gives it.
func labelsOf(want *spec.Cluster, have plan.State, n nodeStatus) map[string]string {
	node, _ := want.Node(n.Node)
	labels := node.Labels
	if have.Swarm != nil && n.ID != "" {
		for _, e := range have.Swarm.Nodes {
			if e.ID == n.ID {
				labels = e.Labels
			}
		}
	}
	out := map[string]string{}
	for k, v := range labels {
		if !strings.HasPrefix(k, "swarmup.") {
			out[k] = v
		}
	}
	return out
}

// labelText is k=v, sorted.
func labelText(labels map[string]string) string {
	var out []string
	for _, k := range sortedKeys(labels) {
		if v := labels[k]; v != "" {
			k = fmt.Sprintf("%s=%s", k, v)
		}
		out = append(out, k)
	}
	return strings.Join(out, ",")
}
