package main

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/swarmup/swarmup/pkg/lock"
)

func TestARunIsOverWhenItsProcessIs(t *testing.T) {
	space := processSpace()
	if space == "" {
		t.Skip("this kernel does not say where processes are numbered")
	}
	child := exec.CommandContext(t.Context(), "true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := lock.Run{Process: child.Process.Pid, Space: space}
	for range 500 { // it has ended, and nobody has asked for it
		if over(ended) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	for name, tt := range map[string]struct {
		run  lock.Run
		want bool
	}{
		"this process":                      {lock.Run{Process: os.Getpid(), Space: space}, false},
		"one that nobody has asked for yet": {ended, true},
		"one elsewhere":                     {lock.Run{Process: ended.Process, Space: "another"}, false},
		"one that does not say where":       {lock.Run{Process: ended.Process}, false},
		"one without a number":              {lock.Run{Space: space}, false},
	} {
		if got := over(tt.run); got != tt.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	if err := child.Wait(); err != nil || !over(ended) {
		t.Errorf("one that is gone is not over: %v", err)
	}
	if me := whoami("apply"); over(me) || me.ID == whoami("apply").ID || me.Command != "swarmup apply" {
		t.Errorf("got %+v", me)
	}
}
