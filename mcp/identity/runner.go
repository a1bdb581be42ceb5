package identity

import (
	"path"
	"strings"
)

// runnerName is the base name of a program that runs packages, downloading what it does not find;
// "" for another program.
func runnerName(program string) string {
	switch base := path.Base(program); base {
	case "npx", "pnpx", "bunx", "uvx", "pipx":
		return base
	}
	return ""
}

// PackageRunner names the package runner that a command line starts (npx, uvx …), or "".
func PackageRunner(command []string) string { return runnerName(command[0]) }

// runnerPackage is the package that a runner is told to run, and the version if one is given.
func runnerPackage(command []string) (name, version string) {
	for i, arg := range command[1:] {
		if strings.HasPrefix(arg, "-") || i == 0 && arg == "run" && runnerName(command[0]) == "pipx" {
			continue
		}
		if at := strings.LastIndexByte(arg, '@'); at > 0 {
			return arg[:at], strings.TrimPrefix(arg[at+1:], "=")
		}
		return arg, ""
	}
	return "", ""
}
