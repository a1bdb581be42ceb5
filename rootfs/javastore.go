package rootfs

import (
	"crypto/sha1"
	"encoding/binary"
	"encoding/pem"
	"strconv"
)

// JavaStore has the certificates of Bundle in Java's own format.
const JavaStore = "/.ca-certificates.jks"

// javaStores are the files that Java reads on Debian, Alpine and Arch; on Red Hat's systems; on
// SUSE's; and those of JDKs with a store of their own. They are patterns of filepath.Glob.
var javaStores = [...]string{
	"/etc/ssl/certs/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts",
	"/etc/ca-certificates/extracted/java-cacerts.jks", "/var/lib/ca-certificates/java-cacerts",
	"/usr/lib/jvm/*/lib/security/cacerts", "/usr/lib/jvm/*/jre/lib/security/cacerts",
}

// Java's format JKS, as sun.security.provider.JavaKeyStore writes it.
const (
	jksMagic    = 0xfeedfeed
	jksVersion  = 2
	jksTrusted  = 2 // a certificate without a key
	jksPassword = "changeit"
	jksSalt     = "Mighty Aphrodite"
)

// javaStore turns PEM certificates into a key store. Its password is the usual one; Java reads it
// without a password, too.
func javaStore(certificates []byte) []byte {
	var entries []byte
	count := uint32(0)
	text := func(s string) {
		entries = append(binary.BigEndian.AppendUint16(entries, uint16(len(s))), s...)
	}
	for {
		block, rest := pem.Decode(certificates)
		if block == nil {
			break
		}
		certificates = rest
		if block.Type != "CERTIFICATE" {
			continue
		}
		entries = binary.BigEndian.AppendUint32(entries, jksTrusted)
		text("ca" + strconv.Itoa(int(count)))
		entries = binary.BigEndian.AppendUint64(entries, 0) // when it was added
		text("X.509")
		entries = binary.BigEndian.AppendUint32(entries, uint32(len(block.Bytes)))
		entries = append(entries, block.Bytes...)
		count++
	}
	store := binary.BigEndian.AppendUint32(nil, jksMagic)
	store = binary.BigEndian.AppendUint32(store, jksVersion)
	store = append(binary.BigEndian.AppendUint32(store, count), entries...)
	digest := sha1.New()
	for _, c := range jksPassword { // in UTF-16
		digest.Write([]byte{0, byte(c)})
	}
	digest.Write([]byte(jksSalt))
	digest.Write(store)
	return digest.Sum(store)
}
