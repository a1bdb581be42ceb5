package rootfs

import (
	"path"
	"slices"
	"strings"
	"testing"
)

func TestEveryPartOfEtcThatIsShownHasItsReason(t *testing.T) {
	for _, e := range etcEntries {
		if e.why == "" {
			t.Errorf("%s: why is it shown?", e.pattern)
		}
		if _, err := path.Match(e.pattern, ""); err != nil || strings.HasPrefix(e.pattern, "/") ||
			e.pattern != path.Clean(e.pattern) {
			t.Errorf("%q is no pattern below /etc", e.pattern)
		}
	}
}

// These paths contain secrets or identify the machine on some hosts. No entry of the list may show
// them.
func TestNoPatternShowsWhatMayHoldSecrets(t *testing.T) {
	for _, secret := range []string{
		"shadow", "shadow-", "gshadow", "passwd", "group", "sudoers", "sudoers.d/x", "machine-id",
		"hostid", "hostname", "fstab", "crypttab", "environment",
		"environment.d/x", "profile", "profile.d/x.sh", "npmrc", "pip.conf", "gitconfig", "wgetrc",
		"netrc", "maven/settings.xml", "krb5.keytab",
		"ssl/private/key.pem", "ssl/ssl.key/x", "pki/tls/private/x", "pki/nssdb/key4.db",
		"pki/consumer/key.pem", "letsencrypt/live/x", "ssh/sshd_config", "ssh/ssh_host_rsa_key",
		"ssh/ssh_config", "NetworkManager/system-connections/x", "wireguard/wg0.conf", "openvpn/x",
		"ppp/chap-secrets", "wpa_supplicant/x", "postfix/sasl_passwd", "mysql/debian.cnf",
		"my.cnf", "postgresql/x", "redis/redis.conf", "apache2/x", "nginx/x",
		"php/8.2/fpm/pool.d/www.conf", "php/8.2/apache2/php.ini", "docker/daemon.json",
		"containers/auth.json",
		"kubernetes/admin.conf", "rancher/k3s/k3s.yaml", "cni/x", "systemd/x", "cron.d/x",
		"default/x", "apt/auth.conf", "apt/sources.list", "yum.repos.d/x", "dnf/x", "subuid",
		"security/x", "pam.d/x", "ldap/ldap.conf", "openldap/x", "sssd/sssd.conf", "samba/x",
		"exports", "iscsi/x", "vault.d/x", "boto.cfg", "aws/x", "gcloud/x",
	} {
		for _, e := range etcEntries {
			if shows(e.pattern, secret) {
				t.Errorf("%s shows /etc/%s", e.pattern, secret)
			}
		}
	}
	if !shows("php/*/cli", "php/8.2/cli/php.ini") || !shows("ssl/certs", "ssl/certs/java/cacerts") {
		t.Error("the test itself matches nothing")
	}
}

// shows reports whether the pattern names the path or a folder above it.
func shows(pattern, name string) bool {
	want, have := strings.Split(pattern, "/"), strings.Split(name, "/")
	if len(have) < len(want) {
		return false
	}
	return !slices.ContainsFunc(want, func(w string) bool {
		i := slices.Index(want, w)
		ok, _ := path.Match(w, have[i])
		return !ok
	})
}

func TestLinksInEtcAreShownIfTheirTargetsAreInside(t *testing.T) {
	plan, err := Build(Config{})
	if err != nil {
		t.Fatal(err)
	}
	links := map[string]string{}
	for _, l := range plan.Setup.Links {
		links[l.Path] = l.Target
	}
	if links["/etc/mtab"] != "../proc/self/mounts" {
		t.Errorf("/etc/mtab: %q", links["/etc/mtab"])
	}
	for _, f := range plan.Setup.Files {
		if _, twice := links[f.Path]; twice {
			t.Errorf("%s is a file and a link", f.Path)
		}
	}
}
