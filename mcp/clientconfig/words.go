package clientconfig

import "strings"

// splitLine splits a whole command line as a shell does. It returns nil for a line that needs a
// shell: with variables, pipes, patterns and the like.
func splitLine(line string) (words []string) {
	var word strings.Builder
	var quote rune
	escaped, open := false, false
	for _, r := range line {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, open = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == '\'' || quote == '"' && r != '$' && r != '`':
			word.WriteRune(r)
		case quote == 0 && (r == '\'' || r == '"'):
			quote, open = r, true
		case quote == 0 && (r == ' ' || r == '\t'):
			if open {
				words = append(words, word.String())
				word.Reset()
				open = false
			}
		case strings.ContainsRune("$`|&;<>(){}*?#~!\n", r):
			return nil
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 || escaped {
		return nil
	}
	if open {
		words = append(words, word.String())
	}
	return words
}
