package rootfs

// Setup lists what PID 1 of the sandbox creates in the root, because mounts can't. Paths are inside
// the root.
type Setup struct {
	Dirs  []Dir
	Files []File
	Links []Link
}

// Dir is a folder, made if it is missing. Tool makes the tool its owner.
type Dir struct {
	Path string
	Mode uint32 // permission bits, with sticky and set-group-ID
	Tool bool
}

// File is a file with its content.
type File struct {
	Path string
	Mode uint32
	Data []byte
}

// Link is a symbolic link.
type Link struct {
	Path   string
	Target string
}

// Op is one step in a tool's own mount namespace, before its pivot_root: the arguments of mount(2),
// or with Mkdir a folder to make.
type Op struct {
	Source   string
	Target   string
	Type     string
	Flags    uint64
	Data     string
	Mkdir    uint32 // permission bits of a folder to make at Target; 0: a mount
	Optional bool   // a missing target or source is fine
}
