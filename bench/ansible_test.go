package bench

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// errMissing means that there is nothing to compare with on this machine.
var errMissing = errors.New("not installed: bench/setup.sh does it")

// ansible runs a playbook with community.docker over these hosts. They need
// Docker's library for Python, which the image that setup.sh makes has.
func (f *fleet) ansible(playbook string) func() error {
	f.Helper()
	var b strings.Builder
	for i, m := range f.machines {
		switch i {
		case 0:
			b.WriteString("[managers]\n")
		case managers:
			b.WriteString("[workers]\n")
		}
		fmt.Fprintf(&b, "h%d ansible_host=%s\n", i, m.SSH.Host)
	}
	fmt.Fprintf(&b, "[all:vars]\nansible_user=root\nansible_ssh_private_key_file=%s\n", f.key)
	inventory := filepath.Join(f.dir, "inventory.ini")
	if err := os.WriteFile(inventory, []byte(b.String()), 0o600); err != nil {
		f.Fatal(err)
	}
	run := f.command("ansible-playbook", "-i", inventory, filepath.Join("ansible", playbook))
	return func() error {
		if _, err := exec.LookPath("ansible-playbook"); err != nil || os.Getenv("SWARMUP_BENCH_IMAGE") == "" {
			return errMissing
		}
		return run()
	}
}
