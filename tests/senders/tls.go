// Clients of TLS as Go's own library has them.
//
//	tls MODE ADDRESS CA
//
// echo: sends a megabyte of lines, ends its side, and reads all of it back.
// send: sends a megabyte of lines, and closes at once.
// tcp: as echo, but ends its side of the connection and not of the session.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	mode, address, file := os.Args[1], os.Args[2], os.Args[3]
	pem, err := os.ReadFile(file)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	config := &tls.Config{
		RootCAs:            roots,
		ServerName:         "localhost",
		NextProtos:         []string{"h2", "http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(8),
	}
	lines := bytes.Repeat(append(bytes.Repeat([]byte("x"), 99), '\n'), 10000)
	// The second one would resume the session.
	for run := 0; run < 2; run++ {
		plain, err := net.Dial("tcp", address)
		check(err)
		client := tls.Client(plain, config)
		check(client.Handshake())
		if mode == "send" {
			_, err = client.Write(lines)
			check(err)
			check(client.Close())
			continue
		}
		go func() {
			_, err := client.Write(lines)
			check(err)
			if mode == "tcp" {
				err = plain.(*net.TCPConn).CloseWrite()
			} else {
				err = client.CloseWrite()
			}
			check(err)
		}()
		back, err := io.ReadAll(client)
		check(err)
		state := client.ConnectionState()
		fmt.Println(bytes.Equal(back, lines), state.DidResume, state.NegotiatedProtocol)
		// After the end of the connection's side nothing more can be said.
		if err = client.Close(); mode != "tcp" {
			check(err)
		}
	}
}
