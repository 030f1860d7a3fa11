// Verifies a C2SP proof with Go's own sumdb/note and tlog.
//
//	note PROOF LEAF_HEX VKEY...   LEAF_HEX "-": the leaf of the extra line; every VKEY must have signed
//	consistency M N OLD_ROOT_HEX NEW_ROOT_HEX HASH_HEX...
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must(err error) {
	if err != nil {
		fmt.Println("DOES NOT HOLD:", err)
		os.Exit(1)
	}
}

// A key of type 0x04, which sumdb/note leaves to its users (C2SP tlog-cosignature).
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (c cosigner) Name() string    { return c.name }
func (c cosigner) KeyHash() uint32 { return c.hash }
func (c cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 72 {
		return false
	}
	message := fmt.Sprintf("cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
	return ed25519.Verify(c.key, []byte(message), sig[8:])
}

func verifier(vkey string) note.Verifier {
	parts := strings.SplitN(vkey, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	must(err)
	if raw[0] != 0x04 {
		v, err := note.NewVerifier(vkey)
		must(err)
		return v
	}
	h := sha256.Sum256(append([]byte(parts[0]+"\n"), raw...))
	if hex.EncodeToString(h[:4]) != parts[1] {
		must(fmt.Errorf("the id of %s", parts[0]))
	}
	return cosigner{parts[0], binary.BigEndian.Uint32(h[:4]), ed25519.PublicKey(raw[1:])}
}

func hash(text string) (h tlog.Hash) {
	raw, err := hex.DecodeString(text)
	must(err)
	copy(h[:], raw)
	return h
}

func checkProof(path, leafHex string, vkeys []string) {
	file, err := os.ReadFile(path)
	must(err)
	front, msg, found := bytes.Cut(file, []byte("\n\n"))
	if !found {
		must(fmt.Errorf("no empty line"))
	}
	lines := strings.Split(string(front), "\n")[1:]
	var leaf []byte
	if strings.HasPrefix(lines[0], "extra ") {
		leaf, err = base64.StdEncoding.DecodeString(lines[0][len("extra "):])
		must(err)
		lines = lines[1:]
	}
	if leafHex != "-" {
		leaf, err = hex.DecodeString(leafHex)
		must(err)
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[0], "index "), 10, 64)
	must(err)
	var proof tlog.RecordProof
	for _, line := range lines[1:] {
		h, err := tlog.ParseHash(line)
		must(err)
		proof = append(proof, h)
	}
	var list []note.Verifier
	for _, vkey := range vkeys {
		list = append(list, verifier(vkey))
	}
	opened, err := note.Open(msg, note.VerifierList(list...))
	must(err)
	if len(opened.Sigs) != len(list) {
		must(fmt.Errorf("%d of %d keys have signed", len(opened.Sigs), len(list)))
	}
	text := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(text[1], 10, 64)
	must(err)
	root, err := tlog.ParseHash(text[2])
	must(err)
	must(tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(leaf)))
}

func checkConsistency(args []string) {
	m, err := strconv.ParseInt(args[0], 10, 64)
	must(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	must(err)
	var proof tlog.TreeProof
	for _, h := range args[4:] {
		proof = append(proof, hash(h))
	}
	must(tlog.CheckTree(proof, n, hash(args[3]), m, hash(args[2])))
}

func main() {
	if os.Args[1] == "note" {
		checkProof(os.Args[2], os.Args[3], os.Args[4:])
	} else {
		checkConsistency(os.Args[2:])
	}
	fmt.Println("holds")
}
