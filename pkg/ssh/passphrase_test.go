package ssh_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/swarmup/swarmup/pkg/ssh"
	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// owner answers questions, and remembers them.
type owner struct {
	mu      sync.Mutex
	answers []string // one after the other, the last one again and again
	err     error
	asked   []string
}

func (u *owner) passphrase(_ context.Context, key string, attempt int) (ssh.Secret, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, fmt.Sprintf("%s %d", key, attempt))
	if u.err != nil {
		return ssh.Secret{}, u.err
	}
	return ssh.NewSecret(u.answers[min(len(u.asked), len(u.answers))-1]), nil
}

func TestAKeyWithAPassphraseIsAskedForOnceInARun(t *testing.T) {
	noLeaks(t)
	key := sshtest.Locked(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	for name, o := range map[string]ssh.Options{
		"that is given":      {Key: ssh.NewPrivateKey(key.PEM)},
		"that is named":      {},
		"in its usual place": {Home: homeWith(t, map[string]sshtest.Key{"id_ed25519": key})},
	} {
		t.Run(name, func(t *testing.T) {
			u := &owner{answers: []string{"sesame"}}
			o.Passphrase, o.Pool = u.passphrase, new(ssh.Pool)
			to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}
			if name == "that is named" {
				to.IdentityFile = key.File(t)
			}
			var wg sync.WaitGroup
			for range 5 {
				wg.Go(func() {
					h, err := ssh.Dial(t.Context(), to, o)
					if err != nil {
						t.Error(err)
						return
					}
					_ = h.Close()
				})
			}
			wg.Wait()
			if len(u.asked) != 1 || !strings.HasSuffix(u.asked[0], " 0") {
				t.Errorf("asked %q, want once", u.asked)
			}
		})
	}
}

func TestAPassphraseThatIsWrongIsAskedForThreeTimes(t *testing.T) {
	noLeaks(t)
	key := sshtest.Locked(t)
	file := key.File(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	for _, tt := range []struct {
		name    string
		answers []string
		err     error
		asked   int
		want    string
	}{
		{"the third one is right", []string{"a", "b", "sesame"}, nil, 3, ""},
		{"none is right", []string{"a", "b", "c"}, nil, 3, "identity " + file + ": none of 3 passphrases does"},
		{"nobody answers", nil, errors.New("no terminal"), 1, "identity " + file + ": no terminal"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			u := &owner{answers: tt.answers, err: tt.err}
			o := ssh.Options{Passphrase: u.passphrase, Pool: new(ssh.Pool)}
			for range 2 { // the second login knows
				h, err := ssh.Dial(t.Context(), ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint(), IdentityFile: file}, o)
				if text(err) != tt.want {
					t.Errorf("error\n got %v\nwant %s", err, tt.want)
				}
				if err == nil {
					_ = h.Close()
				}
			}
			if len(u.asked) != tt.asked {
				t.Errorf("asked %q, want %d questions", u.asked, tt.asked)
			}
		})
	}
}

func TestNobodyIsAskedForAKeyThatNoHostWants(t *testing.T) {
	noLeaks(t)
	good, locked := sshtest.NewKey(t, "ecdsa", "me"), sshtest.Locked(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{good.Authorized}})
	u := &owner{answers: []string{"sesame"}}
	o := ssh.Options{Passphrase: u.passphrase, Home: homeWith(t, map[string]sshtest.Key{"id_ed25519": locked, "id_ecdsa": good})}
	h, err := ssh.Dial(t.Context(), ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
	if len(u.asked) != 0 {
		t.Errorf("asked %q", u.asked)
	}
}

func TestNobodyIsAskedForAKeyThatAnAgentHolds(t *testing.T) {
	noLeaks(t)
	key := sshtest.Locked(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	u := &owner{err: errors.New("asked in vain")}
	o := ssh.Options{Passphrase: u.passphrase, Agent: sshtest.Agent(t, key)}
	to := ssh.Target{Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint(), IdentityFile: key.File(t)}
	h, err := ssh.Dial(t.Context(), to, o)
	if err != nil {
		t.Fatal(err)
	}
	_ = h.Close()
}

func TestAKeyThatStaysLockedIsNotSaidToBeRefused(t *testing.T) {
	noLeaks(t)
	key := sshtest.Locked(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	u := &owner{err: errors.New("none was given")}
	home := homeWith(t, map[string]sshtest.Key{"id_ed25519": key})
	file := home + "/.ssh/id_ed25519"
	_, err := ssh.Dial(t.Context(), ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}, ssh.Options{Passphrase: u.passphrase, Home: home})
	want := "log in to n1 (" + s.Addr() + ") as root: it was offered " + file + " (" + key.Fingerprint + "): open " + file + ": none was given"
	if as[*ssh.AuthError](t, err); err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestAnErrorSaysThatAKeyIsLocked(t *testing.T) {
	noLeaks(t)
	key := sshtest.Locked(t)
	s := sshtest.Start(t, sshtest.Options{Authorized: []string{key.Authorized}})
	to := ssh.Target{Name: "n1", Host: s.Host(), Port: s.Port(), HostKey: s.Fingerprint()}
	_, err := ssh.Dial(t.Context(), to, ssh.Options{Home: homeWith(t, map[string]sshtest.Key{"id_ed25519": key})})
	if e := as[*ssh.AuthError](t, err); !e.Locked {
		t.Errorf("%v does not say that a passphrase would help", err)
	}
	to.IdentityFile = key.File(t)
	if _, err := ssh.Dial(t.Context(), to, ssh.Options{}); !errors.Is(err, ssh.ErrPassphrase) {
		t.Errorf("got %v, want %v", err, ssh.ErrPassphrase)
	}
	_, err = ssh.Dial(t.Context(), to, ssh.Options{Key: ssh.NewPrivateKey(key.PEM)})
	if want := "log in to n1 (" + s.Addr() + "): the given key: " + ssh.ErrPassphrase.Error(); text(err) != want || !errors.Is(err, ssh.ErrPassphrase) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestASecretNeverPrints(t *testing.T) {
	secret := ssh.NewSecret("hunter2")
	inside := struct{ s ssh.Secret }{secret}
	marshalled, err := secret.MarshalText()
	if out := fmt.Sprintf("%v %+v %#v %s %q %x %v %+v %#v %s", secret, secret, secret, secret, secret, secret, inside, inside, inside, marshalled); err != nil || strings.Contains(out, "hunter2") {
		t.Errorf("it printed %s (%v)", out, err)
	}
	if secret.Reveal() != "hunter2" || (ssh.Secret{}).Reveal() != "" {
		t.Error("Reveal does not give what was hidden")
	}
}
