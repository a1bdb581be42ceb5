// Package environ builds the environment of a tool: a fixed base, hints about limits, what the
// policy passes and sets, and what the call adds.
//
//	vars := environ.Build(environ.Config{Environment: policy.Environment, Limits: policy.Limits})
//	argv, env := command, environ.Strings(vars)
//
// Nothing of the caller's environment gets in that the policy or the call does not name. Not
// protected: the value of a variable that is passed on.
package environ
