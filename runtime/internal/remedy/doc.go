// Package remedy finds out why a command did not start, and says what to type. It reads the host's
// files and the plan of the mounts after the failure. It decides nothing. If it can't find the
// reason, the general hint applies.
//
//	c := remedy.Command{Name: "node", Dir: "/work", Env: env, Plan: plan}
//	c.NotFound()        // the hint for ENOENT of the command
//	c.Interpreter()     // what is wrong with its #! line or loader, and the hint
//	c.NotExecutable()   // the hint for EACCES
package remedy
