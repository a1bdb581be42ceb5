// Package workspace makes a detached mount of a folder, which a cell that was built before its call
// can mount.
//
//	tree, err := workspace.Tree(folder, workspace.Options{ReadOnly: true, Owner: &owner})
//
// The mount is recursive, nosuid and nodev. Root makes it itself, and maps the folder's owner to
// the tool. For an ordinary user a helper makes it: mcpbox-init, in a user namespace of its own,
// because only there the user may mount anything. The helper finds the folder by its path; the
// result is compared with the folder that the caller has opened.
//
// ErrImpossible says that this kernel or file system can't do it: a sandbox that is started for the
// call may have another way.
//
// Linux ≥ 5.12: open_tree(2) with OPEN_TREE_CLONE (5.2), mount_setattr(2).
package workspace
