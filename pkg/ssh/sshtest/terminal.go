package sshtest

import "golang.org/x/crypto/ssh"

// Terminal is one that a client asked for. No characters are changed in it.
type Terminal struct {
	Type          string
	Width, Height int
	// Resized gives each later size, and is closed with the session.
	Resized chan [2]int
}

// newTerminal reads a request of RFC 4254, section 6.2.
func newTerminal(payload []byte) *Terminal {
	var p struct {
		Type                             string
		Width, Height, PxWidth, PxHeight uint32
		Modes                            string
	}
	_ = ssh.Unmarshal(payload, &p)
	return &Terminal{p.Type, int(p.Width), int(p.Height), make(chan [2]int, 64)}
}

// resize reads one of section 6.7. More than a session of a test has are lost.
func (t *Terminal) resize(payload []byte) {
	var p struct{ Width, Height, PxWidth, PxHeight uint32 }
	_ = ssh.Unmarshal(payload, &p)
	select {
	case t.Resized <- [2]int{int(p.Width), int(p.Height)}:
	default:
	}
}

func (t *Terminal) close() {
	if t != nil {
		close(t.Resized)
	}
}
