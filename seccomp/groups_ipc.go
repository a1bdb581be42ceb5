package seccomp

// ipcGroups: talking to others.
var ipcGroups = [...]group{
	{"@network-io", "sockets of every family",
		`accept accept4 bind connect getpeername getsockname getsockopt listen recv recvfrom
			recvmmsg recvmmsg_time64 recvmsg send sendmmsg sendmsg sendto setsockopt shutdown
			socket socketcall socketpair`},
	{"@ipc", "pipes, System V and POSIX message queues, shared memory, process_vm_readv",
		`ipc memfd_create mq_getsetattr mq_notify mq_open mq_timedreceive
			mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink msgctl msgget
			msgrcv msgsnd pipe pipe2 process_madvise process_vm_readv process_vm_writev semctl
			semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget`},
	{"@keyring", "the kernel's key store: known for bugs, shared between containers",
		`add_key keyctl request_key`},
}
