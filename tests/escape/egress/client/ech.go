package main

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
)

// ech asks a server for a host whose name is encrypted in the handshake: addr is the one that the
// handshake shows. RFC 9849
func ech(addr, hidden, configs string) error {
	list, err := base64.StdEncoding.DecodeString(configs)
	if err != nil {
		return err
	}
	conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: hidden,
		EncryptedClientHelloConfigList: list, InsecureSkipVerify: true,
		MinVersion: tls.VersionTLS13})
	if err != nil {
		return err
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", hidden)
	data, err := io.ReadAll(conn)
	fmt.Printf("encrypted: %v\n%s\n", conn.ConnectionState().ECHAccepted, data)
	return err
}
