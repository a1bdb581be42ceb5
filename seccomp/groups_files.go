package seccomp

// filesGroups: files and storage.
var filesGroups = [...]group{
	{"@file-system", "opening, naming, listing and changing files",
		`access chdir chmod close creat faccessat faccessat2 fallocate fchdir fchmod fchmodat
			fchmodat2 fcntl fcntl64 fgetxattr file_getattr file_setattr flistxattr fremovexattr
			fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 ftruncate ftruncate64 futimesat
			getcwd getdents getdents64 getxattr getxattrat inotify_add_watch inotify_init
			inotify_init1 inotify_rm_watch lgetxattr link linkat listxattr listxattrat
			llistxattr lremovexattr lsetxattr lstat lstat64 mkdir mkdirat mknod mknodat
			newfstatat oldfstat oldlstat oldstat open openat openat2 readlink readlinkat
			removexattr removexattrat rename renameat renameat2 rmdir setxattr setxattrat stat
			stat64 statfs statfs64 statx symlink symlinkat truncate truncate64 unlink unlinkat
			utime utimensat utimensat_time64 utimes`},
	{"@chown", "changing owners of files",
		`chown chown32 fchown fchown32 fchownat lchown lchown32`},
	{"@aio", "asynchronous I/O; the io_uring calls in it open only by their own names",
		`io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64 io_setup
			io_submit io_uring_enter io_uring_register io_uring_setup`},
	{"@mount", "changing what the file tree is made of",
		`chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount open_tree
			open_tree_attr pivot_root umount umount2`},
	{"@swap", "swap devices",
		`swapoff swapon`},
}
