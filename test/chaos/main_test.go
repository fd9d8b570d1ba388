package chaos

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// options come from the command line.
type options struct {
	runs int
	seed string // see scriptsOf; "" goes on behind the last one
	// update writes the page anew from the records.
	update bool
	bin    string // the command under test
	ctx    context.Context
}

// opt is set by TestMain, before any test.
var opt = new(options)

func TestMain(m *testing.M) {
	flag.IntVar(&opt.runs, "runs", 0, "do runs until docs/reliability.jsonl has so many")
	flag.StringVar(&opt.seed, "seed", "", "do the run or chain of that seed and record nothing: CHAIN, CHAIN/RUN, or CHAIN/RUN+ for all from there")
	flag.BoolVar(&opt.update, "update", false, "write docs/reliability.md anew")
	flag.Parse()
	os.Exit(all(m))
}

// all runs the tests. An interruption ends what is under way, which then cleans
// up as ever.
func all(m *testing.M) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	opt.ctx = ctx
	if os.Getenv("SWARMUP_LAB") == "" {
		return m.Run()
	}
	if err := removeLeftovers(); err != nil {
		fmt.Fprintln(os.Stderr, "remove what an earlier run left:", err)
		return 1
	}
	dir, err := os.MkdirTemp("", "swarmup-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	opt.bin = filepath.Join(dir, "swarmup")
	build := exec.Command("go", "build", "-o", opt.bin, "github.com/swarmup/swarmup/cmd/swarmup")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// ours are the names of clusters that may be removed without asking.
var ours = regexp.MustCompile(`^chaos-[a-z0-9]{4}$`)

// kinds are the things in an engine that a cluster consists of, in the order in
// which they can go.
func kinds() []struct{ list, rm []string } {
	return []struct{ list, rm []string }{
		{[]string{"ps", "-a", "--format", `{{.ID}} {{.Label "swarmup.cluster"}}`}, []string{"rm", "-f", "-v"}},
		{[]string{"volume", "ls", "--format", `{{.Name}} {{.Label "swarmup.cluster"}}`}, []string{"volume", "rm", "-f"}},
		{[]string{"network", "ls", "--format", `{{.ID}} {{.Label "swarmup.cluster"}}`}, []string{"network", "rm"}},
	}
}

// removeLeftovers takes away the clusters of runs that were killed.
func removeLeftovers() error { return removeThose(ours.MatchString) }

func removeThose(of func(cluster string) bool) error {
	for _, k := range kinds() {
		out, err := docker(append(k.list, "--filter", "label=swarmup.cluster")...)
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			if id, cluster, _ := strings.Cut(strings.TrimSpace(line), " "); of(cluster) {
				if err := run(append(k.rm, id)...); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// docker runs the docker command line. It does not end with a test, since
// cleaning up needs it.
func docker(args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return strings.TrimSpace(string(out)), nil
}

// run is docker for who does not care about the output.
func run(args ...string) error {
	_, err := docker(args...)
	return err
}

// sh runs a shell command in a machine.
func sh(machine, command string) error { return run("exec", machine, "sh", "-c", command) }
