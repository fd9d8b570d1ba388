package bootstrap

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // fingerprints of version 4 keys are SHA-1 (RFC 4880, section 12.2)
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// The kinds of OpenPGP packets that matter here (RFC 4880, section 4.3).
const (
	tagSecretKey = 5
	tagPublicKey = 6
)

var errNoKey = errors.New("not an OpenPGP public key")

// fingerprints gives the fingerprints of the primary keys in a file of OpenPGP
// public keys in ASCII armor, in capitals. No gpg is needed for that, here or
// on the machine.
func fingerprints(file []byte) ([]string, error) {
	packets, err := dearmor(file)
	if err != nil {
		return nil, err
	}
	var out []string
	for len(packets) > 0 {
		tag, body, rest, err := packet(packets)
		if err != nil {
			return nil, err
		}
		packets = rest
		switch {
		case tag == tagSecretKey:
			return nil, errors.New("it holds a secret key: a public one is wanted")
		case tag != tagPublicKey:
			continue
		case len(body) == 0 || body[0] != 4 || len(body) > 0xffff:
			return nil, fmt.Errorf("%w of version 4", errNoKey)
		}
		h := sha1.New()                                                         //nolint:gosec // see above
		h.Write(binary.BigEndian.AppendUint16([]byte{0x99}, uint16(len(body)))) //nolint:gosec // it fits
		h.Write(body)
		out = append(out, strings.ToUpper(hex.EncodeToString(h.Sum(nil))))
	}
	if len(out) == 0 {
		return nil, errNoKey
	}
	return out, nil
}

// dearmor takes the packets out of an armored file (RFC 4880, section 6.2),
// which rpm and apt both read.
func dearmor(file []byte) ([]byte, error) {
	const begin, end = "-----BEGIN PGP PUBLIC KEY BLOCK-----", "-----END PGP PUBLIC KEY BLOCK-----"
	if !bytes.Contains(file, []byte(begin)) {
		return nil, fmt.Errorf("%w in ASCII armor", errNoKey)
	}
	var out []byte
	text := strings.ReplaceAll(string(file), "\r\n", "\n")
	for {
		_, after, found := strings.Cut(text, begin)
		if !found {
			return out, nil
		}
		block, rest, ended := strings.Cut(after, end)
		_, body, headed := strings.Cut(block, "\n\n")
		if !ended || !headed {
			return nil, fmt.Errorf("%w: it is not complete", errNoKey)
		}
		body, _, _ = strings.Cut(body, "\n=") // the checksum
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoKey, err)
		}
		out, text = append(out, raw...), rest
	}
}

// packet cuts the first packet off (RFC 4880, section 4.2).
func packet(b []byte) (tag byte, body, rest []byte, err error) {
	cut := fmt.Errorf("%w: it is not complete", errNoKey)
	if b[0]&0x80 == 0 {
		return 0, nil, nil, errNoKey
	}
	head, size := 0, 0
	if b[0]&0x40 != 0 {
		tag = b[0] & 0x3f
		head, size = newLength(b[1:])
	} else {
		tag = b[0] >> 2 & 0x0f
		head, size = oldLength(b[0]&3, b[1:])
	}
	if head == 0 || size < 0 || len(b) < 1+head+size {
		return 0, nil, nil, cut
	}
	return tag, b[1+head : 1+head+size], b[1+head+size:], nil
}

// newLength and oldLength read a packet's length, and give how many bytes they
// took for it; 0 where it cannot be read. Keys have no partial lengths.
func newLength(b []byte) (head, size int) {
	switch {
	case len(b) >= 1 && b[0] < 192:
		return 1, int(b[0])
	case len(b) >= 2 && b[0] < 224:
		return 2, (int(b[0])-192)<<8 + int(b[1]) + 192
	case len(b) >= 5 && b[0] == 255:
		return 5, int(binary.BigEndian.Uint32(b[1:]))
	}
	return 0, 0
}

func oldLength(kind byte, b []byte) (head, size int) {
	switch {
	case kind == 0 && len(b) >= 1:
		return 1, int(b[0])
	case kind == 1 && len(b) >= 2:
		return 2, int(binary.BigEndian.Uint16(b))
	case kind == 2 && len(b) >= 4:
		return 4, int(binary.BigEndian.Uint32(b))
	}
	return 0, 0
}
