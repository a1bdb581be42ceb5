package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// etcEntry is a part of the host's /etc that a tool sees.
type etcEntry struct {
	pattern string // below /etc; path.Match in each component
	why     string
}

// etcEntries is the reviewed list: configuration that programs and libraries need, and that every
// account of the host may read. It has no files that may contain secrets or identify the machine:
// keys, accounts, machine-id, and files in which people keep passwords and tokens (npmrc, pip.conf,
// gitconfig, wgetrc, maven, environment, profile.d, ssh, the configuration of servers).
var etcEntries = [...]etcEntry{
	// The C library, the loader and shells.
	{"ld.so.cache", "the loader's list of libraries"},
	{"ld.so.conf", "ldconfig -p, and build systems that read it"},
	{"ld.so.conf.d", "what ld.so.conf includes"},
	{"localtime", "the time zone"},
	{"timezone", "its name, for Java and Python"},
	{"locale.alias", "names of locales"},
	{"locale.conf", "the host's language"},
	{"gai.conf", "the order of addresses"},
	{"host.conf", "how names are looked up"},
	{"services", "ports by name"},
	{"protocols", "protocols by name"},
	{"rpc", "RPC programs by name"},
	{"ethertypes", "frame types by name"},
	{"networks", "networks by name"},
	{"shells", "which programs are login shells"},
	{"inputrc", "keys of readline"},
	{"bash.bashrc", "interactive bash"},
	{"terminfo", "terminals of the distribution's own"},
	{"xattr.conf", "which attributes cp -a copies"},

	// Which system this is.
	{"os-release", "the distribution"},
	{"lsb-release", "the same for older programs"},
	{"debian_version", "the same for Debian's"},
	{"*-release", "the same for Red Hat's, SUSE's and Alpine's"},

	// Trust: certificates, never private keys.
	{"ssl/certs", "certificate authorities"},
	{"ssl/cert.pem", "the same in one file"},
	{"ssl/openssl.cnf", "OpenSSL's defaults"},
	{"pki/tls/certs", "certificate authorities on Red Hat's systems"},
	{"pki/tls/cert.pem", "the same in one file"},
	{"pki/tls/openssl.cnf", "OpenSSL's defaults there"},
	{"pki/ca-trust/extracted", "where these links lead"},
	{"pki/java", "Java's certificate authorities there"},
	{"ca-certificates/extracted", "certificate authorities on Arch"},
	{"ca-certificates.conf", "which of them are trusted"},
	{"crypto-policies", "which ciphers libraries offer"},
	{"gnutls/config", "the same of GnuTLS"},

	// Languages.
	{"alternatives", "/usr/bin's links to the chosen version"},
	{"perl", "where Perl looks for modules"},
	{"python3", "Debian's defaults of python3"},
	{"python3.*", "sitecustomize of each version"},
	{"php/*/cli", "PHP's modules and php.ini; not fpm, whose pools hold passwords"},
	{"php/*/mods-available", "where the links in php/*/cli lead"},
	{"php.ini", "PHP on Red Hat's systems and Arch"},
	{"php.d", "its modules"},
	{"php*/php.ini", "PHP on Alpine"},
	{"php*/conf.d", "its modules"},
	{"java", "where Java's tools look for it"},
	{"java-*", "java.security and logging of each version"},
	{"lua*", "Lua's paths"},
	{"dotnet", "where .NET is installed"},
	{"mono", "Mono's library map"},
	{"R", "R's paths and repositories"},
	{"octave.conf", "Octave's defaults"},

	// Documents, pictures, fonts.
	{"fonts", "fontconfig"},
	{"pango", "text layout"},
	{"gtk-[234].0", "input methods and defaults of GTK"},
	{"ImageMagick-*", "its security policy, without which it has none"},
	{"mime.types", "types of files by their names"},
	{"magic", "types of files by their content"},
	{"magic.mime", "the same"},
	{"mailcap", "programs for types of files"},
	{"papersize", "the usual paper"},
	{"texmf", "TeX's configuration"},
	{"texlive", "TeX Live's configuration"},
	{"sgml", "catalogues of document types"},
	{"xml", "the same, without which xmllint asks the network"},
	{"groff", "man and troff"},
	{"manpath.config", "where man looks"},
	{"man_db.conf", "the same on Red Hat's systems"},
	{"vim", "defaults of an editor that git and others start"},
	{"nanorc", "the same"},
	{"dictionaries-common", "spelling"},

	// Browsers and graphics.
	{"chromium", "preferences of a new profile"},
	{"chromium.d", "flags that its start script reads, and fails without"},
	{"glvnd", "which OpenGL there is"},
	{"vulkan", "which Vulkan there is"},
	{"OpenCL", "which OpenCL there is"},
	{"drirc", "workarounds for graphics drivers"},
	{"openmpi", "defaults of MPI programs"},
}

// etcPaths returns the sorted paths in /etc that match the list on this host.
func etcPaths() (out []string) {
	top, _ := os.ReadDir("/etc") // without it, there is nothing to bind
	for _, e := range top {
		for _, want := range etcEntries {
			first, rest, deeper := strings.Cut(want.pattern, "/")
			if ok, _ := filepath.Match(first, e.Name()); !ok {
				continue
			}
			found := []string{filepath.Join("/etc", e.Name())}
			if deeper {
				// a bad pattern fails a test
				found, _ = filepath.Glob(filepath.Join("/etc", e.Name(), rest))
			}
			out = append(out, found...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// etc binds the reviewed part of the host's /etc, and makes /etc/mtab.
func (b *builder) etc() {
	// libcontainer makes one mount, not one per folder. Cells bind the folders from it with one
	// system call each.
	b.mount(Mount{Source: "/etc", Target: "/etc", Type: "bind", ReadOnly: true, Outer: true})
	b.dir("/etc", 0o755)
	b.grant("/etc", Read)
	paths := etcPaths()
	for _, path := range paths {
		b.etcPath(path, paths)
	}
	b.link("/etc/mtab", "../proc/self/mounts") // Java and df read it
}

// etcPath adds one entry. A link whose target also exists inside becomes the same link. A folder or
// file becomes a bind mount.
func (b *builder) etcPath(path string, shown []string) {
	st, err := os.Lstat(path)
	if err != nil {
		return
	}
	switch {
	case st.Mode()&os.ModeSymlink != 0:
		to, err1 := os.Readlink(path)
		real, err2 := filepath.EvalSymlinks(path)
		inside := func(dir string) bool { _, ok := below(real, dir); return ok && real != path }
		if err1 == nil && err2 == nil && (inside("/usr") || slices.ContainsFunc(shown, inside)) {
			b.dir(filepath.Dir(path), 0o755)
			b.link(path, to)
		}
	case st.IsDir():
		b.dir(path, 0o755)
		b.bindOuter(path)
	case st.Mode().IsRegular():
		b.dir(filepath.Dir(path), 0o755)
		b.file(path, 0o644, nil)
		b.bindOuter(path)
	}
}
