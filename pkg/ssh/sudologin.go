package ssh

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"sync/atomic"
)

// sudoLogin is how one command gets past a sudo that wants a password. The
// password goes ahead of the command's own input, which is held back until a
// shell of root's says its mark: else sudo would take it for further attempts.
// That shell then reads up to the mark itself, so that a password that sudo did
// not want after all never reaches the command. A nil *sudoLogin is a command
// that needs none of it.
type sudoLogin struct {
	password Secret
	mark     string
	prompt   string // what sudo asks with

	inside  chan struct{} // closed when root's shell has spoken
	denied  chan struct{} // closed when sudo asks a second time
	once    sync.Once     // closes denied
	spoken  atomic.Bool
	entered func() // called when root's shell has spoken; may be nil
	last    string // what sudo said at last, where it did not let us in
}

func newSudoLogin(password Secret) *sudoLogin {
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	id := hex.EncodeToString(random[:])
	return &sudoLogin{
		password: password, mark: "swarmup-" + id, prompt: "swarmup-password-" + id,
		inside: make(chan struct{}), denied: make(chan struct{}),
	}
}

// line is the command line. -k has sudo ask even if it was told the password
// before (sudo(8)): what it does then does not depend on who else is logged in.
func (l *sudoLogin) line(cmd string) string {
	script := "echo " + l.mark + "; while IFS= read -r l && [ \"$l\" != " + l.mark + " ]; do :; done; unset l\n" + cmd
	return "env LC_ALL=C sudo -k -S -p " + l.prompt + " sh -c " + quote(script)
}

// in says whether root's shell has spoken; wrong whether sudo has asked twice.
func (l *sudoLogin) in() bool { return l.spoken.Load() }

func (l *sudoLogin) wrong() bool {
	select {
	case <-l.denied:
		return true
	default:
		return false
	}
}

// enter gives the password and waits until the command may have its input; over
// ends the wait.
func (l *sudoLogin) enter(stdin io.Writer, over <-chan struct{}) bool {
	if l == nil {
		return true
	}
	if _, err := io.WriteString(stdin, l.password.Reveal()+"\n"); err != nil {
		return false
	}
	select {
	case <-l.inside:
		_, err := io.WriteString(stdin, l.mark+"\n")
		return err == nil
	case <-l.denied:
	case <-over:
	}
	return false
}

// enterStream gives the password to a command whose output is read from s.
func (l *sudoLogin) enterStream(s stream) bool {
	read := make(chan struct{})
	go func() { // ends with the stream
		defer close(read)
		out, one := l.stdout(io.Discard), make([]byte, 1)
		for !l.in() {
			if n, err := s.Read(one); n == 0 && err != nil {
				return
			}
			_, _ = out.Write(one)
		}
	}()
	ok := l.enter(s, read)
	if !ok && l.in() { // both came at once
		_, err := io.WriteString(s, l.mark+"\n")
		ok = err == nil
	}
	if !ok {
		_ = s.end() // sudo then asks no more
	}
	<-read
	return ok
}

// stdout gives what passes on the output after the mark.
func (l *sudoLogin) stdout(w io.Writer) io.Writer {
	if l == nil {
		return w
	}
	return &afterMark{to: w, login: l}
}

type afterMark struct {
	to    io.Writer
	login *sudoLogin
	head  []byte
}

// Write takes everything.
func (a *afterMark) Write(p []byte) (int, error) {
	if a.login.in() {
		return a.to.Write(p)
	}
	a.head = append(a.head, p...)
	mark := []byte(a.login.mark + "\n")
	at := bytes.Index(a.head, mark)
	if at < 0 {
		a.head = a.head[max(0, len(a.head)-len(mark)):]
		return len(p), nil
	}
	a.login.spoken.Store(true)
	if a.login.entered != nil {
		a.login.entered()
	}
	close(a.login.inside)
	_, err := a.to.Write(a.head[at+len(mark):])
	return len(p), err
}

// stderr gives what counts the prompts and passes them on with all else.
func (l *sudoLogin) stderr(w io.Writer) io.Writer {
	if l == nil {
		return w
	}
	return &prompts{to: w, login: l}
}

type prompts struct {
	to    io.Writer
	login *sudoLogin
	tail  []byte
	n     int
}

// Write takes everything.
func (c *prompts) Write(p []byte) (int, error) {
	prompt := []byte(c.login.prompt)
	seen := append(c.tail, p...)
	c.n += bytes.Count(seen, prompt)
	c.tail = bytes.Clone(seen[max(0, len(seen)-len(prompt)+1):])
	if c.n > 1 {
		c.login.once.Do(func() { close(c.login.denied) })
	}
	return c.to.Write(p)
}

// without takes the prompts out of what was written to standard error.
func (l *sudoLogin) without(stderr string) string {
	if l == nil {
		return stderr
	}
	return strings.ReplaceAll(stderr, l.prompt, "")
}
