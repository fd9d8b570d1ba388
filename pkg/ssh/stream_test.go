package ssh_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// full is a disk with room for so many bytes.
type full struct {
	room int
	err  error
}

func (f *full) Write(p []byte) (int, error) {
	if f.room -= len(p); f.room < 0 {
		return 0, f.err
	}
	return len(p), nil
}

func TestStreamGivesMoreThanCanBeKept(t *testing.T) {
	noLeaks(t)
	many := bytes.Repeat([]byte("0123456789abcdef"), 1<<19) // 8 MiB
	for _, user := range []string{"root", "admin"} {
		s := newSite(t, sshtest.Options{Exec: func(c sshtest.Command) int {
			in, _ := io.ReadAll(c.Stdin)
			if strings.HasSuffix(c.Line, "':'") || c.Line == ":" { // somebody tries sudo
				return 0
			}
			_, _ = c.Stdout.Write(append(in, many...))
			_, _ = io.WriteString(c.Stderr, "why")
			return map[bool]int{true: 3}[len(in) > 0]
		}})
		h := s.dialAs(t, user)
		var got bytes.Buffer
		if err := h.Stream(t.Context(), "tar", nil, &got); err != nil || !bytes.Equal(got.Bytes(), many) {
			t.Errorf("as %s: %d bytes, %v", user, got.Len(), err)
		}
		if err := h.Stream(t.Context(), "tar", strings.NewReader("x"), io.Discard); text(err) != `run "tar" on n1: exit status 3: why` {
			t.Errorf("as %s: %v", user, err)
		}
		disk := &full{room: 1 << 20, err: errors.New("no space left")}
		if err := h.Stream(t.Context(), "tar", nil, disk); !errors.Is(err, disk.err) {
			t.Errorf("as %s: %v", user, err)
		}
	}
}
