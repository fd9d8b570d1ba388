package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxIncludes is how deep configuration files may include each other, as in
// OpenSSH (readconf.c, READCONF_MAX_DEPTH).
const maxIncludes = 16

// config is what an OpenSSH client configuration says about one host: the
// values of the keywords that matter here, by keyword in lower case. As in
// OpenSSH the first value of a keyword wins, but files of identities and
// certificates add up.
type config struct {
	host string // as the user named it, which is what Host patterns match
	home string
	got  map[string][]string
	// fixed keywords were set by the caller: the file has no say.
	fixed map[string]bool
}

// readConfig reads a configuration for a host. A file that does not exist is empty.
func readConfig(file, home, host string, fixed map[string]bool) (*config, error) {
	c := &config{host: host, home: home, got: map[string][]string{}, fixed: fixed}
	if file == "" {
		return c, nil
	}
	if err := c.file(file, true, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read ssh configuration: %w", err)
	}
	return c, nil
}

// first is the value of a keyword that has one; "" when it is not set.
func (c *config) first(keyword string) string {
	if v := c.got[keyword]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// block is what the lines up to the next Host or Match are worth.
type block int

const (
	applies block = iota
	ignored
	unclear // a Match that is not understood: lines that matter are refused
)

// file reads one file. outer says whether the place that includes it applies;
// what its own Host and Match lines say ends with the file.
func (c *config) file(path string, outer bool, depth int) error {
	if depth > maxIncludes {
		return &placed{fmt.Errorf("%s: includes go deeper than %d files", path, maxIncludes)}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	now := ignored
	if outer {
		now = applies
	}
	for i, line := range strings.Split(string(data), "\n") {
		words, err := splitWords(line)
		if err == nil && len(words) > 0 {
			now, err = c.line(words, now, outer, depth)
		}
		if already := (*placed)(nil); errors.As(err, &already) {
			return already
		}
		if err != nil {
			return &placed{fmt.Errorf("%s:%d: %w", path, i+1, err)}
		}
	}
	return nil
}

// placed is an error that says in which file it is, and needs not be told again.
type placed struct{ error }

// line takes one line and returns what the ones after it are worth.
func (c *config) line(words []string, now block, outer bool, depth int) (block, error) {
	keyword, args := strings.ToLower(words[0]), words[1:]
	if len(args) == 0 {
		return now, fmt.Errorf("%s without a value", words[0])
	}
	switch keyword {
	case "host":
		return when(outer && matchHost(args, c.host)), nil
	case "match":
		return matchBlock(args, c.host, outer), nil
	}
	if now == ignored {
		return now, nil
	}
	if keyword == "include" {
		if now == unclear {
			return now, fmt.Errorf("%s under a Match that is not supported here", words[0])
		}
		return now, c.include(args, depth)
	}
	slot, ok := slotOf(keyword)
	if !ok || c.fixed[slot] || (!addsUp(slot) && c.got[slot] != nil) {
		return now, nil
	}
	if now == unclear {
		return now, fmt.Errorf("%s under a Match that is not supported here: only \"Match all\" and \"Match originalhost\" are", words[0])
	}
	switch slot {
	case "identityfile", "certificatefile":
		c.got[slot] = append(c.got[slot], args[0])
	case "proxy":
		c.got[slot] = append([]string{words[0]}, args...)
	default:
		c.got[slot] = args
	}
	return now, nil
}

// slotOf says under which name a keyword is kept, if it matters at all.
// ProxyJump and ProxyCommand share one: the first of the two wins.
func slotOf(keyword string) (string, bool) {
	switch keyword {
	case "proxyjump", "proxycommand":
		return "proxy", true
	case "hostname", "port", "user", "identityfile", "identitiesonly", "identityagent", "certificatefile", "userknownhostsfile", "hostkeyalias":
		return keyword, true
	}
	return "", false
}

// addsUp says of a keyword that each of its lines counts.
func addsUp(slot string) bool { return slot == "identityfile" || slot == "certificatefile" }

func when(matches bool) block {
	if matches {
		return applies
	}
	return ignored
}

// matchBlock understands the two kinds of Match that say no more than Host does.
func matchBlock(args []string, host string, outer bool) block {
	switch kind := strings.ToLower(args[0]); {
	case !outer:
		return ignored
	case kind == "all" && len(args) == 1:
		return applies
	case kind == "originalhost" && len(args) == 2:
		return when(matchHost(strings.Split(args[1], ","), host))
	}
	return unclear
}

// include reads the files that patterns name, relative to ~/.ssh. Patterns
// that match no file are no error.
func (c *config) include(patterns []string, depth int) error {
	for _, p := range patterns {
		path, err := expandHome(p, c.home)
		if err != nil {
			return fmt.Errorf("include %q: %w", p, err)
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(c.home, ".ssh", path)
		}
		files, err := filepath.Glob(path)
		if err != nil {
			return fmt.Errorf("include %q: %w", p, err)
		}
		slices.Sort(files)
		for _, f := range files {
			if err := c.file(f, true, depth+1); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// splitWords takes a line apart as OpenSSH does (misc.c, argv_split): words
// may be quoted, # begins a comment where a word would begin, and an equals
// sign may stand after the keyword.
func splitWords(line string) ([]string, error) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	end := strings.IndexAny(line, " \t=")
	if end < 0 {
		return []string{line}, nil
	}
	words := []string{line[:end]}
	rest := strings.TrimLeft(line[end:], " \t")
	rest = strings.TrimLeft(strings.TrimPrefix(rest, "="), " \t")
	for rest != "" && rest[0] != '#' {
		word, after, err := cutWord(rest)
		if err != nil {
			return nil, err
		}
		words, rest = append(words, word), strings.TrimLeft(after, " \t")
	}
	return words, nil
}

func cutWord(s string) (word, rest string, err error) {
	var out strings.Builder
	var quote byte
	for i := 0; i < len(s); i++ {
		ch := s[i]
		switch {
		case ch == '\\' && i+1 < len(s) && (strings.IndexByte(`'"\`, s[i+1]) >= 0 || quote == 0 && s[i+1] == ' '):
			i++
			out.WriteByte(s[i])
		case quote == 0 && (ch == ' ' || ch == '\t'):
			return out.String(), s[i:], nil
		case quote == 0 && (ch == '"' || ch == '\''):
			quote = ch
		case quote != 0 && ch == quote:
			quote = 0
		default:
			out.WriteByte(ch)
		}
	}
	if quote != 0 {
		return "", "", errors.New("a quote is not closed")
	}
	return out.String(), "", nil
}

// matchHost says whether a host is named by patterns with * and ?, of which
// one that begins with ! takes it out again (ssh_config(5), PATTERNS).
func matchHost(patterns []string, host string) bool {
	found := false
	for _, p := range patterns {
		p, not := strings.CutPrefix(p, "!")
		if !glob(p, host) {
			continue
		}
		if not {
			return false
		}
		found = true
	}
	return found
}

// glob matches * (anything, also nothing) and ? (exactly one byte). It goes
// back to the last * only, so that many of them cost no more than one.
func glob(pattern, s string) bool {
	p, i, star, from := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			from++
			p, i = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
