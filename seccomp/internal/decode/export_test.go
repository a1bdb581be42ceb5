package decode

// Names returns the calls that have a shape.
func Names() []string {
	var names []string
	for _, s := range shapes {
		names = append(names, s.name)
	}
	return names
}
