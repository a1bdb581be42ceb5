// Package provenance verifies attestations of where a package was built: sigstore bundles, offline.
//
//	trust, err := provenance.Bundled()                    // or ParseTrust of a trusted_root.json
//	built, err := trust.Verify(bundle)                       // one bundle of a registry's answer
//	err = built.Covers(provenance.NPMName(name, version), "sha512", digest)
//
// Verified are: the signature over the statement (DSSE, ECDSA), by the key of the certificate; the
// certificate, up to a certificate authority that is trusted, at the time that the log says; the
// log's signed promise (Rekor's SET) for this entry, and that the entry is about this signature,
// statement and certificate; that the statement names the package, the version and the digest; that
// the workflow that the statement names is the one of the certificate.
//
// # What it does not protect
//
// Not verified: that the log has really included the entry (its inclusion proof and checkpoint),
// the certificate's own transparency (SCT), and time stamps of other authorities (RFC 3161). A
// bundle that has those only is refused as one that can't be read. Revocation is not asked for:
// these certificates live for ten minutes. An attestation says where a package was built, not that
// it is harmless.
//
// Kernel: none. Sources: sigstore's bundle and trusted root formats, DSSE v1, in-toto Statement,
// SLSA provenance, the extensions of Fulcio's certificates (1.3.6.1.4.1.57264.1).
package provenance
