package ssh

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	xssh "golang.org/x/crypto/ssh"

	"github.com/swarmup/swarmup/pkg/ssh/sshtest"
)

// slowSigner asks a user who takes his time.
type slowSigner struct {
	xssh.AlgorithmSigner
	takes time.Duration
}

func (s slowSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*xssh.Signature, error) {
	time.Sleep(s.takes)
	return s.AlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
}

func TestAgentMayTakeLongerThanAnAttemptToAskItsUser(t *testing.T) {
	for _, tt := range []struct {
		name   string
		takes  time.Duration
		remote bool
		want   string
	}{
		{"a minute to find the token", time.Minute, true, ""},
		{"but not for ever", time.Hour, true, "dial n1 (192.0.2.1:22): in the login: no answer within 2m0s"},
		{"nor any other key", time.Minute, false, "dial n1 (192.0.2.1:22): in the login: no answer within 10s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				key := sshtest.NewKey(t, "ed25519", "")
				s := sshtest.Start(t, sshtest.Options{Memory: true, Authorized: []string{key.Authorized}})
				signer, ok := key.Signer(t).(xssh.AlgorithmSigner)
				if !ok {
					t.Fatal("the key cannot sign with an algorithm")
				}
				w := &wallet{keys: []identity{{label: "yubikey", signer: slowSigner{signer, tt.takes}, patient: tt.remote}}}
				e := &endpoint{name: "n1", host: "192.0.2.1", port: 22, user: "root", hostKey: s.Fingerprint()}
				h, err := e.dial(t.Context(), Options{Dial: s.Dial}, w)
				if tt.want == "" {
					if err != nil {
						t.Fatal(err)
					}
					_ = h.Close()
					return
				}
				var unreachable *UnreachableError
				if !errors.As(err, &unreachable) || err.Error() != tt.want {
					t.Errorf("error\n got %v\nwant %s", err, tt.want)
				}
			})
		})
	}
}
