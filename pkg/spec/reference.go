package spec

import (
	"bytes"
	_ "embed" // the frame of the page
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

//go:embed reference.md
var referenceFrame string

// Reference gives the reference page of cluster.yaml in Markdown. Its tables
// are made from the same types that Parse reads.
func Reference() []byte {
	var tables bytes.Buffer
	var planned []string
	for _, s := range sections() {
		fmt.Fprintf(&tables, "\n## %s\n\n%s\n\n| Key | Value | Meaning |\n| --- | --- | --- |\n", s.title, s.intro)
		for _, k := range keysOf(s.keys) {
			if k.later {
				planned = append(planned, "`"+strings.TrimPrefix(s.path+"."+k.name, ".")+"`")
				continue
			}
			fmt.Fprintf(&tables, "| `%s` | %s | %s |\n", k.name, k.values(s.keys), k.doc)
		}
	}
	return []byte(strings.NewReplacer(
		"{{tables}}\n", strings.TrimPrefix(tables.String(), "\n"),
		"{{planned}}", strings.Join(planned, ", "),
		"{{providers}}", strings.Join(laterProviders(), ", "),
	).Replace(referenceFrame))
}

// pageSection is one table of the page.
type pageSection struct {
	title, intro, path string
	keys               reflect.Type
}

func sections() []pageSection {
	return []pageSection{
		{"The top", "Keys that begin with `x-` are left alone: they are for YAML anchors.", "", reflect.TypeFor[topKeys]()},
		{"provider: docker", "As in `provider: {docker: {subnet: 172.30.0.0/24}}`. Provider `ssh` has no settings.", "provider.docker", reflect.TypeFor[dockerKeys]()},
		{"ssh", "Of the cluster, and of a node; `host_key` of a node only.", "ssh", reflect.TypeFor[nodeSSHKeys]()},
		{"engine", "Of the cluster, and of a node.", "engine", reflect.TypeFor[engineKeys]()},
		{"repository", "Of an engine; [engines.md](engines.md) says what it must hold.", "engine.repository", reflect.TypeFor[repositoryKeys]()},
		{"swarm", "Of the cluster.", "swarm", reflect.TypeFor[swarmKeys]()},
		{"swarm.autolock", "`autolock: true` alone is refused: a key that is kept nowhere locks everybody out. See [autolock](autolock.md).", "swarm.autolock", reflect.TypeFor[lockKeys]()},
		{"swarm.ingress", "The routing mesh: see [swarm settings](swarm-settings.md).", "swarm.ingress", reflect.TypeFor[ingressKeys]()},
		{"managers and workers", "Each is a list of nodes.", "workers[]", reflect.TypeFor[group]()},
		{"machine", "What provider `docker` can be asked for.", "workers[].machine", reflect.TypeFor[machineKeys]()},
	}
}

// values says what a key takes.
func (k key) values(section reflect.Type) string {
	text := k.slot(reflect.New(section).Elem()).wants()
	if len(k.enum) > 0 {
		text = strings.Join(k.enum, ", ")
	}
	if k.min != nil && k.max != nil {
		text += ", " + plain(*k.min) + " to " + plain(*k.max)
	}
	switch {
	case k.example != "" && text == "a list":
		text += ", such as `[" + k.example + "]`"
	case k.example != "":
		text += ", such as `" + k.example + "`"
	}
	if k.required {
		text += "; required"
	}
	return text
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
