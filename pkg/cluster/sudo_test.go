package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/cluster"
	"github.com/swarmup/swarmup/pkg/plan"
	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// Three hosts whose sudo wants a password, and somebody who is asked for it.
func TestAPasswordOfSudoIsAskedForOnceAndAWrongOneTriedOnce(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error // of who is asked
		want  string
		tried []string
	}{
		{"it is wrong", nil, " as admin: sudo refused the password", []string{"wrong\n"}},
		{"nobody can be asked", errors.New("there is no terminal"), "it wants a password: there is no terminal", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in(t, func(w *world) {
				names := []string{"a", "b", "c"}
				lines := w.existing(names...)
				for _, n := range names {
					w.of(n).noSudo = true
				}
				w.file(sshFile(lines, "a", "b c", "ssh: {user: admin}"))
				asked := 0
				p := w.process(func(c *cluster.Config) {
					c.SSH.SudoPassword = func(context.Context, string) (ssh.Secret, error) {
						asked++
						return ssh.NewSecret("wrong"), tt.err
					}
				})
				defer p.end()
				for range 2 {
					var said []string
					for _, h := range p.see().Hosts {
						said = append(said, h.Why)
						if h.Answer != plan.Barred {
							t.Errorf("%s is %s: %s", h.Node, h.Answer, h.Why)
						}
					}
					if !slices.ContainsFunc(said, func(s string) bool { return strings.HasSuffix(s, tt.want) }) {
						t.Errorf("nobody says %q, but %q", tt.want, said)
					}
				}
				var tried []string
				for _, n := range names {
					tried = append(tried, w.of(n).passwords...)
				}
				if asked != 1 || !slices.Equal(tried, tt.tried) {
					t.Errorf("asked %d times, and sudo was given %q, want %q", asked, tried, tt.tried)
				}
			})
		})
	}
}

// refusePassword is a sudo that was given a wrong password, and asks again until
// its input ends.
func (m *machine) refusePassword(c sshtest.Command, prompt string) int {
	fmt.Fprintf(c.Stderr, "%s\nSorry, try again.\n%s", prompt, prompt)
	given, _ := io.ReadAll(c.Stdin)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.passwords = append(m.passwords, string(given))
	fmt.Fprintln(c.Stderr, "\nsudo: no password was provided\nsudo: 1 incorrect password attempt")
	return 1
}
