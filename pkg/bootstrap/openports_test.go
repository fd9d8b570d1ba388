package bootstrap

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmup/swarmup/pkg/daemon"
	"github.com/swarmup/swarmup/pkg/preflight"
)

// ufw gives the machine an ufw that keeps its rules in a file, as the real one
// prints them, and does not take a rule twice.
func (m *machine) ufw(rules string) {
	m.t.Helper()
	m.write("/ufw", rules)
	m.tool("ufw", `echo "ufw $*" >>"$ROOT/calls"
rules=$ROOT/ufw
if [ "$*" = "status verbose" ]; then
	echo "Status: active"
	cat "$rules"
	exit
fi
verb=$1
if [ "$verb" = delete ]; then shift; fi
shift
if [ "$5" = port ]; then line="$6/$2"; else line="Anywhere/$2"; fi
grep -v "^$line " "$rules" >"$rules.new"
if [ "$verb" = allow ]; then echo "$line  ALLOW IN  Anywhere" >>"$rules.new"; fi
mv "$rules.new" "$rules"`)
}

func (m *machine) opened() *daemon.Opened {
	m.t.Helper()
	if m.read(ownedFile) == "none" {
		return nil
	}
	o, err := daemon.ParseOwned([]byte(m.read(ownedFile)))
	m.must(err)
	return o.Opened
}

// changes gives what a firewall was told to change.
func (m *machine) changes() (n int) {
	for _, c := range m.calls() {
		if strings.Contains(c, "allow") || strings.Contains(c, "-port=") {
			n++
		}
	}
	return n
}

const ufwOwn = "22/tcp  ALLOW IN  Anywhere\n7946/udp  ALLOW IN  10.0.0.0/8\n"

func TestPortsAreOpenedOnceAndClosedAgain(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, m *machine) {
		m.install(fakeEngine{Version: "28.5.2"})
		m.ufw(ufwOwn)
		ports := preflight.Ports(true, 0)
		for range 2 {
			if err := OpenPorts(t.Context(), m, "", ports); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := m.read("/ufw"), ufwOwn+"2377,7946/tcp  ALLOW IN  Anywhere\n4789/udp  ALLOW IN  Anywhere\nAnywhere/esp  ALLOW IN  Anywhere\n"; got != want {
			t.Errorf("rules:\n%s\nwant:\n%s", got, want)
		}
		if got := m.changes(); got != 3 {
			t.Errorf("ufw was told %d things, want 3", got)
		}
		want := &daemon.Opened{By: "ufw", Ports: []string{"2377/tcp", "7946/tcp", "7946/udp", "4789/udp", "esp"}, Ours: []string{"2377/tcp", "7946/tcp", "4789/udp", "esp"}}
		if d := cmp.Diff(want, m.opened()); d != "" {
			t.Errorf("record (-want +got):\n%s", d)
		}
		if _, err := Configure(t.Context(), m, Settings{Want: daemon.Want{Keys: map[string]any{"debug": true}}}); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, m.opened()); d != "" {
			t.Errorf("record after daemon.json was changed (-want +got):\n%s", d)
		}
		if err := Unconfigure(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		if got := m.read("/ufw"); got != ufwOwn {
			t.Errorf("left:\n%s", got)
		}
		if got := m.read(ownedFile); got != "none" {
			t.Errorf("record left: %s", got)
		}
	})
}

// Cut off anywhere, ports are opened by the next run, and what is open is known.
func TestOpeningPortsMayBeCutOffAnywhere(t *testing.T) {
	t.Parallel()
	for calls := 1; calls <= 5; calls++ {
		m := newMachine(t, "/bin/sh")
		m.install(fakeEngine{Version: "28.5.2"})
		m.ufw(ufwOwn)
		m.diesAfter.calls = calls
		if err := OpenPorts(t.Context(), m, "", preflight.Ports(false, 0)); err == nil {
			t.Fatalf("cut off after %d calls: it did not notice", calls)
		}
		m.diesAfter.calls = 0
		if strings.Contains(m.read("/ufw"), "7946/tcp") && m.opened() == nil {
			t.Errorf("cut off after %d calls: something is open and nobody knows", calls)
		}
		if err := OpenPorts(t.Context(), m, "", preflight.Ports(false, 0)); err != nil {
			t.Fatal(err)
		}
		if o := m.opened(); o == nil || o.Pending || !strings.Contains(m.read("/ufw"), "7946/tcp") {
			t.Errorf("cut off after %d calls: record %+v, rules:\n%s", calls, o, m.read("/ufw"))
		}
		if err := ClosePorts(t.Context(), m); err != nil || m.read("/ufw") != ufwOwn {
			t.Errorf("cut off after %d calls: %v, left:\n%s", calls, err, m.read("/ufw"))
		}
	}
}

func TestAPromotionOpensOnePortMore(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.install(fakeEngine{Version: "28.5.2"})
	m.ufw("")
	for _, manager := range []bool{false, true} {
		if err := OpenPorts(t.Context(), m, "", preflight.Ports(manager, 7000)); err != nil {
			t.Fatal(err)
		}
	}
	if got := m.read("/ufw"); !strings.Contains(got, "2377/tcp  ALLOW") || !strings.Contains(got, "7946,7000/udp  ALLOW") {
		t.Errorf("rules:\n%s", got)
	}
	if err := ClosePorts(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if len(m.opened().Lacks([]string{"esp"})) != 1 {
		t.Errorf("record: %+v", m.opened())
	}
}

func TestWithoutAFirewallNothingIsToldButTheRecord(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.install(fakeEngine{Version: "28.5.2"})
	m.tool("iptables", `echo "-P INPUT DROP"; [ "$*" = -S ]`)
	if err := OpenPorts(t.Context(), m, "", preflight.Ports(false, 0)); err != nil {
		t.Fatal(err)
	}
	if o := m.opened(); o == nil || o.By != "" || len(o.Ours) > 0 {
		t.Errorf("record: %+v", o)
	}
}

func TestAFirewallThatRefusesIsQuoted(t *testing.T) {
	m := newMachine(t, "/bin/sh")
	m.install(fakeEngine{Version: "28.5.2"})
	m.tool("firewall-cmd", `case $* in
-q\ --state) ;;
*--get-default-zone) echo public ;;
*--add-port*) echo "Error: COMMAND_FAILED: no xtables lock" >&2; exit 13 ;;
esac`)
	err := OpenPorts(t.Context(), m, "", preflight.Ports(false, 0))
	if want := "open ports: firewalld: COMMAND_FAILED: no xtables lock"; err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	if o := m.opened(); o == nil || !o.Pending {
		t.Errorf("record: %+v", o)
	}
}
