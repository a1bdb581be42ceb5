package guard

// Commands of a shell.
var shellCalls = [...]rule{
	{"curl", high, "network"}, {"wget", high, "network"}, {"nc", high, "network"}, {"ncat", high, "network"}, {"netcat", high, "network"},
	{"socat", high, "network"}, {"ssh", high, "network"}, {"scp", high, "network"}, {"sftp", high, "network"}, {"ftp", high, "network"},
	{"tftp", high, "network"}, {"telnet", high, "network"}, {"rsync", high, "network"}, {"nmap", high, "network"}, {"masscan", high, "network"},
	{"dig", high, "network"}, {"nslookup", high, "network"}, {"host", high, "network"}, {"ping", high, "network"}, {"traceroute", high, "network"},
	{"lynx", high, "network"}, {"aria2c", high, "network"}, {"git-remote-ext", high, "network"},
	{"sudo", high, "asks for privileges"}, {"su", high, "asks for privileges"}, {"doas", high, "asks for privileges"}, {"pkexec", high, "asks for privileges"},
	{"mount", high, "changes what is mounted"}, {"umount", high, "changes what is mounted"}, {"losetup", high, "changes what is mounted"},
	{"unshare", high, "makes namespaces"}, {"nsenter", high, "enters namespaces"}, {"chroot", high, "changes the root"}, {"pivot_root", high, "changes the root"},
	{"insmod", high, "loads kernel modules"}, {"modprobe", high, "loads kernel modules"}, {"rmmod", high, "unloads kernel modules"},
	{"sysctl", high, "changes the kernel"}, {"dmesg", medium, "reads the kernel's log"},
	{"strace", high, "controls processes"}, {"gdb", high, "controls processes"}, {"ltrace", high, "controls processes"},
	{"mkfs", high, "formats disks"}, {"fdisk", high, "changes disks"}, {"parted", high, "changes disks"}, {"shred", high, "destroys files"},
	{"setcap", high, "gives privileges to files"}, {"setfacl", medium, "changes who may use files"}, {"chattr", medium, "changes who may use files"},
	{"useradd", high, "changes accounts"}, {"usermod", high, "changes accounts"}, {"passwd", high, "changes accounts"}, {"chpasswd", high, "changes accounts"},
	{"crontab", high, "starts programs later"}, {"at", high, "starts programs later"}, {"systemctl", high, "controls the system's services"},
	{"service", high, "controls the system's services"}, {"systemd-run", high, "starts programs outside"},
	{"docker", high, "controls containers"}, {"podman", high, "controls containers"}, {"kubectl", high, "controls containers"}, {"ctr", high, "controls containers"},
	{"iptables", high, "changes the network"}, {"nft", high, "changes the network"}, {"ip", high, "changes the network"}, {"ifconfig", high, "changes the network"},
	{"shutdown", high, "stops the machine"}, {"reboot", high, "stops the machine"}, {"halt", high, "stops the machine"}, {"poweroff", high, "stops the machine"},
	{"killall", high, "signals processes"}, {"pkill", high, "signals processes"},
	{"nohup", medium, "outlives its shell"}, {"setsid", medium, "outlives its shell"}, {"disown", medium, "outlives its shell"},
	{"eval", medium, "runs text"}, {"source", low, "runs a file"}, {".", low, "runs a file"},
	{"enable", medium, "loads builtins"},
	{"xxd", "", ""},
}
