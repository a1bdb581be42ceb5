// Package remedy finds out why a command did not start, and says what to type. It looks at the host's files and at the
// plan of the mounts after the fact: it decides nothing, and what it can't find out it leaves to the general hint.
//
//	c := remedy.Command{Name: "node", Dir: "/work", Env: env, Plan: plan}
//	c.NotFound()        // the hint for ENOENT of the command
//	c.Interpreter()     // what is wrong with its #! line or loader, and the hint
//	c.NotExecutable()   // the hint for EACCES
package remedy
