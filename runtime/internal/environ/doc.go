// Package environ builds the environment of a tool: a fixed base, hints about limits, the policy's
// variables, and the call's variables.
//
//	vars := environ.Build(environ.Config{Environment: policy.Environment, Limits: policy.Limits})
//	argv, env := command, environ.Strings(vars)
//
// Only variables that the policy or the call names are taken from the caller's environment. Not
// protected: the value of a variable that is passed on.
package environ
