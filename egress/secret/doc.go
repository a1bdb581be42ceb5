// Package secret says where the values of secrets come from, and keeps them from being printed.
//
//	source, err := secret.Parse("GITHUB_TOKEN=env:GH_TOKEN", os.LookupEnv)
//	spec.Secrets = map[string]secret.Source{source.Name: source}
//	…
//	value, err := source.Read(ctx)
//
// A source is the user's word: from a flag, or from the user's own file (Config). No policy names
// one. The value is read when a sandbox starts, and stays in the process that supervises it.
//
// Not protected: the memory of that process against others of the same user.
package secret
