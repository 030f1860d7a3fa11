// A peer that speaks Noise by github.com/flynn/noise: handshake, Hello out, Hello in.
//
//	noise dial ADDRESS PROLOGUE_HEX OWN_SECRET_HEX PEER_PUBLIC_HEX HELLO_HEX
//	noise listen ADDRESS PROLOGUE_HEX OWN_SECRET_HEX PEER_PUBLIC_HEX HELLO_HEX
//
// Prints the first message of the peer in hex. Exit 1 and a word on where it ended if there was none.
package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/flynn/noise"
	"golang.org/x/crypto/curve25519"
)

func must(where string, err error) {
	if err != nil {
		fmt.Println(where, err)
		os.Exit(1)
	}
}

func unhex(text string) []byte {
	raw, err := hex.DecodeString(text)
	must("arguments", err)
	return raw
}

func send(c net.Conn, message []byte) error {
	frame := binary.BigEndian.AppendUint16(nil, uint16(len(message)))
	_, err := c.Write(append(frame, message...))
	return err
}

func receive(c net.Conn) ([]byte, error) {
	var n [2]byte
	if _, err := io.ReadFull(c, n[:]); err != nil {
		return nil, err
	}
	message := make([]byte, binary.BigEndian.Uint16(n[:]))
	_, err := io.ReadFull(c, message)
	return message, err
}

// The packet of PROTOCOL 7.2 that ends a message.
func packet(body []byte) []byte {
	p := append([]byte{2, byte(len(body) >> 8), byte(len(body))}, body...)
	for len(p)%256 != 0 {
		p = append(p, 0)
	}
	return p
}

func connect(how, address string) net.Conn {
	if how == "dial" {
		c, err := net.Dial("tcp", address)
		must("dial", err)
		return c
	}
	l, err := net.Listen("tcp", address)
	must("listen", err)
	fmt.Fprintln(os.Stderr, "listening")
	must("deadline", l.(*net.TCPListener).SetDeadline(time.Now().Add(30*time.Second)))
	c, err := l.Accept()
	must("accept", err)
	return c
}

func main() {
	how, secret, peer := os.Args[1], unhex(os.Args[4]), unhex(os.Args[5])
	public, err := curve25519.X25519(secret, curve25519.Basepoint)
	must("key", err)
	config := noise.Config{
		CipherSuite:   noise.NewCipherSuite(noise.DH25519, noise.CipherChaChaPoly, noise.HashSHA256),
		Random:        rand.Reader,
		Pattern:       noise.HandshakeXK,
		Initiator:     how == "dial",
		Prologue:      unhex(os.Args[3]),
		StaticKeypair: noise.DHKey{Private: secret, Public: public},
	}
	if config.Initiator {
		config.PeerStatic = peer
	}
	h, err := noise.NewHandshakeState(config)
	must("config", err)
	c := connect(how, os.Args[2])
	must("deadline", c.SetDeadline(time.Now().Add(20*time.Second)))
	var toResponder, toInitiator *noise.CipherState
	for i := 0; i < 3; i++ {
		if config.Initiator == (i%2 == 0) {
			var m []byte
			m, toResponder, toInitiator, err = h.WriteMessage(nil, nil)
			must("handshake", err)
			must("handshake", send(c, m))
			continue
		}
		m, err := receive(c)
		must("handshake", err)
		payload, a, b, err := h.ReadMessage(nil, m)
		must("handshake", err)
		toResponder, toInitiator = a, b
		if len(payload) != 0 {
			must("handshake", fmt.Errorf("a payload of %d bytes", len(payload)))
		}
	}
	if !bytes.Equal(h.PeerStatic(), peer) {
		must("handshake", fmt.Errorf("another static key"))
	}
	out, in := toResponder, toInitiator
	if !config.Initiator {
		out, in = in, out
	}
	sealed, err := out.Encrypt(nil, nil, packet(unhex(os.Args[6])))
	must("transport", err)
	must("transport", send(c, sealed))
	m, err := receive(c)
	must("transport", err)
	plain, err := in.Decrypt(nil, nil, m)
	must("transport", err)
	n := int(binary.BigEndian.Uint16(plain[1:3]))
	if plain[0] != 2 || len(plain)%256 != 0 || len(bytes.Trim(plain[3+n:], "\x00")) != 0 {
		must("packet", fmt.Errorf("flags %d, %d of %d bytes", plain[0], n, len(plain)))
	}
	fmt.Println(hex.EncodeToString(plain[3 : 3+n]))
}
