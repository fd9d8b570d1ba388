package ssh

import (
	"errors"

	xssh "golang.org/x/crypto/ssh"
)

// Refusal tells what a host said of a connection that DialContext was to make
// from it. prohibited means that its sshd makes none; else why is the reason in
// the words of the host, such as "Connection refused", which some leave empty.
// ok is false for errors of another kind.
func Refusal(err error) (why string, prohibited, ok bool) {
	var no *xssh.OpenChannelError
	if !errors.As(err, &no) {
		return "", false, false
	}
	return short(no.Message, 200), no.Reason != xssh.ConnectionFailed, true
}
