package ssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// files writes files beneath a folder of the test's, which it returns. DIR in
// their content is that folder.
func files(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(content, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// configs are understood as OpenSSH understands them, for the host "n1". The
// values wanted are what "ssh -G" printed.
var configs = []struct {
	name    string
	content string
	want    map[string]string // keyword -> values, separated by spaces
}{
	{"the first value wins", "User a\nUser b\n", map[string]string{"user": "a"}},
	{"a host's own value before the general one", "Host n1\nUser a\nHost *\nUser b\nPort 7\n", map[string]string{"user": "a", "port": "7"}},
	{"a general value before the host's own", "User b\nHost n1\n User a\n", map[string]string{"user": "b"}},
	{"another host's values do not apply", "Host n2 web\nUser a\n", nil},
	{"? is exactly one character", "Host n1?\nUser a\nHost n?\nPort 7\n", map[string]string{"port": "7"}},
	{"* is any number of them", "Host n1*\nUser a\n", map[string]string{"user": "a"}},
	{"a negated pattern takes out", "Host * !n1\nUser a\nHost !n2 n*\nPort 7\n", map[string]string{"port": "7"}},
	{"a negated pattern alone names nobody", "Host !n2\nUser a\n", nil},
	{"keywords know no case", "HOST n1\nuSER a\n", map[string]string{"user": "a"}},
	{"an equals sign may stand after a keyword", "User=a\nPort = 7\nHostName =n1.lan\n", map[string]string{"user": "a", "port": "7", "hostname": "n1.lan"}},
	{"tabs separate too", "Host\tn2\tn1\n\tUser\ta\n", map[string]string{"user": "a"}},
	{"values may be quoted", "IdentityFile \"/a b\"\nIdentityFile '/c d'\n", map[string]string{"identityfile": "/a b|/c d"}},
	{"a backslash keeps a space", "IdentityFile /a\\ b\n", map[string]string{"identityfile": "/a b"}},
	{"a comment begins where a word would", "User a # me\n# User b\nIdentityFile /a#b\n", map[string]string{"user": "a", "identityfile": "/a#b"}},
	{"lines of Windows", "Host n1\r\nUser a\r\n", map[string]string{"user": "a"}},
	{"identity files add up", "IdentityFile /a\nHost n1\nIdentityFile /b\n", map[string]string{"identityfile": "/a|/b"}},
	{"several known hosts on one line", "UserKnownHostsFile /a \"/b c\"\nUserKnownHostsFile /d\n", map[string]string{"userknownhostsfile": "/a|/b c"}},
	{"Match all", "Match all\nUser a\n", map[string]string{"user": "a"}},
	{"Match originalhost", "Match originalhost n2,n?\nUser a\nMatch originalhost n2\nPort 7\n", map[string]string{"user": "a"}},
	{"a Match ends at the next Host", "Match all\nUser a\nHost n2\nPort 7\n", map[string]string{"user": "a"}},
	{"Match host with nothing that matters", "Match host n1 exec \"false\"\nForwardAgent yes\nHost n1\nUser a\n", map[string]string{"user": "a"}},
	{"unknown keywords are somebody else's", "IgnoreUnknown UseKeychain\nUseKeychain yes\nUser a\n", map[string]string{"user": "a"}},
	{"an include, in its place", "Include DIR/inc\nUser b\n", map[string]string{"user": "inc", "port": "9"}},
	{"an include beneath a host it is not for", "Host n2\nInclude DIR/inc\nHost n1\nUser b\n", map[string]string{"user": "b"}},
	{"an include's hosts end with it", "Include DIR/hosts\nPort 7\n", map[string]string{"user": "hosts", "port": "7"}},
	{"an include by pattern, in order", "Include DIR/d/*.conf\n", map[string]string{"user": "one", "port": "2"}},
	{"an include of nothing", "Include DIR/none*\nUser a\n", map[string]string{"user": "a"}},
	{"several includes on a line", "Include DIR/none DIR/inc\n", map[string]string{"user": "inc", "port": "9"}},
}

func configDir(t testing.TB, content string) string {
	return files(t, map[string]string{
		"config": content, "inc": "User inc\nPort 9\n", "hosts": "Host n2\nPort 1\nHost n1\nUser hosts\nHost n3\n",
		"d/1.conf": "User one\n", "d/2.conf": "User two\nPort 2\n",
	})
}

func TestConfigMeansWhatItMeansToOpenSSH(t *testing.T) {
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Log("ssh is not installed: compared with what it once said only")
	}
	for _, tt := range configs {
		t.Run(tt.name, func(t *testing.T) {
			file := filepath.Join(configDir(t, tt.content), "config")
			c, err := readConfig(file, "", "n1", nil)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for keyword, values := range c.got {
				got[keyword] = strings.Join(values, "|")
			}
			if diff := cmp.Diff(tt.want, got, cmp.Transformer("", func(m map[string]string) []string { return sorted(m) })); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if ssh == "" {
				return
			}
			theirs := askSSH(t, ssh, file)
			for keyword, values := range got {
				want := theirs[keyword]
				if keyword == "userknownhostsfile" { // printed on one line, without quotes
					values = strings.ReplaceAll(values, "|", " ")
				}
				if values != want {
					t.Errorf("%s: got %q, ssh -G says %q", keyword, values, want)
				}
			}
		})
	}
}

// askSSH asks OpenSSH what a configuration means for n1.
func askSSH(t *testing.T, ssh, file string) map[string]string {
	t.Helper()
	out, err := exec.Command(ssh, "-G", "-F", file, "n1").Output()
	if err != nil {
		t.Fatalf("ssh -G: %v", err)
	}
	theirs := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		keyword, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		theirs[keyword] = append(theirs[keyword], value)
	}
	joined := map[string]string{}
	for keyword, values := range theirs {
		joined[keyword] = strings.Join(values, "|")
	}
	return joined
}

func sorted(m map[string]string) []string {
	var out []string
	for k, v := range m {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

func TestConfigRefusesWhatItWouldGetWrong(t *testing.T) {
	tests := []struct {
		name    string
		content string
		fixed   map[string]bool
		want    string // with DIR
	}{
		{name: "a Match that may matter", content: "Host n1\nMatch user root exec x\n  IdentityFile /a\n",
			want: `read ssh configuration: DIR/config:3: IdentityFile under a Match that is not supported here: only "Match all" and "Match originalhost" are`},
		{name: "not where the value is set by then", content: "User a\nMatch host n1\nUser b\n"},
		{name: "not where the caller has set it", content: "Match host n1\nUser b\n", fixed: map[string]bool{"user": true}},
		{name: "an include under one", content: "Match host n1\nInclude DIR/inc\n",
			want: "read ssh configuration: DIR/config:2: Include under a Match that is not supported here"},
		{name: "a keyword without a value", content: "User\n", want: "read ssh configuration: DIR/config:1: User without a value"},
		{name: "an open quote", content: "\nUser \"a\n", want: "read ssh configuration: DIR/config:2: a quote is not closed"},
		{name: "a mistake in an include", content: "Include DIR/bad\n", want: "read ssh configuration: DIR/bad:1: Port without a value"},
		{name: "a file that includes itself", content: "Include DIR/config\n", want: "read ssh configuration: DIR/config: includes go deeper than 16 files"},
		{name: "an include in another's home", content: "Include ~bob/x\n", want: `read ssh configuration: DIR/config:1: include "~bob/x": the homes of other users are not supported here`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := files(t, map[string]string{"config": tt.content, "inc": "User x\n", "bad": "Port\n"})
			_, err := readConfig(filepath.Join(dir, "config"), dir, "n1", tt.fixed)
			got := ""
			if err != nil {
				got = strings.ReplaceAll(err.Error(), dir, "DIR")
			}
			if got != tt.want {
				t.Errorf("error\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestConfigThatDoesNotExistIsEmpty(t *testing.T) {
	for _, file := range []string{"", filepath.Join(t.TempDir(), "none")} {
		if c, err := readConfig(file, "", "n1", nil); err != nil || len(c.got) != 0 {
			t.Errorf("%q: got %v, %v", file, c, err)
		}
	}
}

func TestResolveMergesTargetConfigAndDefaults(t *testing.T) {
	home := "/home/me"
	bare := endpoint{
		name: "n1", host: "n1", port: 22, user: "root", agent: "/agent", knownName: "n1",
		defaults:   []string{home + "/.ssh/id_ed25519", home + "/.ssh/id_ecdsa", home + "/.ssh/id_rsa"},
		knownHosts: []string{home + "/.ssh/known_hosts", home + "/.ssh/known_hosts2"},
	}
	tests := []struct {
		name   string
		target Target
		config string
		want   func(*endpoint)
	}{
		{name: "defaults", want: func(*endpoint) {}},
		{name: "the configuration over the defaults",
			config: "Host n1\nHostName %h.lan\nPort 2222\nUser admin\nIdentityFile ~/.ssh/%r_%n_%u\nIdentityFile %d/100%%\nUserKnownHostsFile /k/%h-%p ~/x\nIdentitiesOnly yes\nIdentityAgent ~/agent\n",
			want: func(e *endpoint) {
				e.host, e.port, e.user, e.knownName = "n1.lan", 2222, "admin", "[n1.lan]:2222"
				e.named, e.defaults, e.only, e.agent = []string{home + "/.ssh/admin_n1_bob", home + "/100%"}, nil, true, home+"/agent"
				e.knownHosts = []string{"/k/n1.lan-2222", home + "/x"}
			}},
		{name: "the target over the configuration",
			target: Target{Name: "mgr", Host: "n1", Port: 7, User: "op", IdentityFile: "~/key", KnownHosts: "~/known"},
			config: "Port 2222\nUser admin\nIdentityFile /a\nUserKnownHostsFile /b\n",
			want: func(e *endpoint) {
				e.name, e.port, e.user, e.knownName = "mgr", 7, "op", "[n1]:7"
				e.named, e.must, e.defaults, e.knownHosts = []string{home + "/key"}, true, nil, []string{home + "/known"}
			}},
		{name: "a fingerprint needs no files", target: Target{Host: "n1", HostKey: "SHA256:x"}, config: "UserKnownHostsFile ${X}\nHostKeyAlias other\n",
			want: func(e *endpoint) { e.hostKey, e.knownHosts = "SHA256:x", nil }},
		{name: "nothing at all", config: "IdentityFile none\nUserKnownHostsFile none\nIdentityAgent none\n",
			want: func(e *endpoint) { e.agent, e.defaults, e.knownHosts = "", nil, nil }},
		{name: "an alias for the host key", config: "Port 2222\nHostKeyAlias Rack\n", want: func(e *endpoint) { e.port, e.knownName = 2222, "rack" }},
		{name: "the usual agent by its name", config: "IdentityAgent SSH_AUTH_SOCK\n", want: func(*endpoint) {}},
		{name: "a jump that is switched off", config: "ProxyJump none\nProxyCommand x\n", want: func(*endpoint) {}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := resolveFor(t, home, tt.target, tt.config)
			if err != nil {
				t.Fatal(err)
			}
			want := bare
			tt.want(&want)
			if diff := cmp.Diff(&want, got, cmp.AllowUnexported(endpoint{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// resolveFor resolves a target, by default n1, with a configuration.
func resolveFor(t *testing.T, home string, target Target, config string) (*endpoint, error) {
	t.Helper()
	if target == (Target{}) {
		target.Host = "n1"
	}
	file := filepath.Join(files(t, map[string]string{"config": config}), "config")
	return resolve(target, Options{ConfigFile: file, Home: home, LocalUser: "bob", Agent: "/agent"})
}

func TestResolveRefusesWhatItCannotHonour(t *testing.T) {
	tests := []struct {
		name   string
		target Target
		config string
		err    string
	}{
		{name: "a jump through itself", config: "ProxyJump n1\n", err: `dial n1: jump host "n1": it would be reached through itself`},
		{name: "a jump for all, also for the jump host", config: "ProxyJump b\n", err: `dial n1: jump host "b": jump host "b": it would be reached through itself`},
		{name: "jumps in a circle", config: "Host n1\nProxyJump b\nHost b\nProxyJump c\nHost c\nProxyJump b\n",
			err: `dial n1: jump host "b": jump host "c": jump host "b": it would be reached through itself`},
		{name: "a jump that is no host", config: "ProxyJump b:x\n", err: `dial n1: jump host "b:x": its port is not a number from 1 to 65535`},
		{name: "a jump whose port is none", target: Target{Host: "n1", Jump: "b,c:0"}, err: `dial n1: jump host "c:0": its port is not a number from 1 to 65535`},
		{name: "a jump of nobody", target: Target{Host: "n1", Jump: "@b"}, err: `dial n1: jump host "@b": no user before the @`},
		{name: "no jump between two commas", target: Target{Host: "n1", Jump: "b,,c"}, err: `dial n1: jump host "": it is not [USER@]HOST[:PORT]`},
		{name: "too many jumps", target: Target{Host: "n1", Jump: "a,b,c,d,e,f,g,h,i"}, err: "dial n1: 9 jump hosts, and at most 8 can be gone through"},
		{name: "a jump host with settings that are wrong", target: Target{Host: "n1", Jump: "b"}, config: "Host b\nPort x\n",
			err: `dial n1: jump host "b": port "x" in the ssh configuration is not a number from 1 to 65535`},
		{name: "a proxy command", config: "proxycommand nc %h %p\nProxyJump none\n", err: "dial n1: proxycommand in the ssh configuration is not supported: ProxyJump is"},
		{name: "a bad port", config: "Port http\n", err: `dial n1: port "http" in the ssh configuration is not a number from 1 to 65535`},
		{name: "a port of the target that is none", target: Target{Host: "n1", Port: 70000}, err: "dial n1: port 70000 is not from 1 to 65535"},
		{name: "a variable", config: "IdentityFile ${KEY}\n", err: `dial n1: IdentityFile "${KEY}" in the ssh configuration: environment variables are not supported here`},
		{name: "a token that is not known", config: "UserKnownHostsFile %C\n", err: `dial n1: UserKnownHostsFile "%C" in the ssh configuration: %C is not supported here`},
		{name: "half a token", config: "HostName n1%\n", err: `dial n1: HostName "n1%" in the ssh configuration: % at its end`},
		{name: "another's home", target: Target{Host: "n1", IdentityFile: "~bob/key"}, err: `dial n1: identity "~bob/key": the homes of other users are not supported here`},
		{name: "no host", target: Target{Name: "n1"}, err: "dial: the target has no host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := resolveFor(t, "/home/me", tt.target, tt.config); err == nil || err.Error() != tt.err {
				t.Errorf("error\n got %v\nwant %s", err, tt.err)
			}
		})
	}
}

func TestWithoutAHomeThereAreNoDefaults(t *testing.T) {
	e, err := resolve(Target{Host: "n1"}, Options{})
	if err != nil || len(e.defaults)+len(e.knownHosts) != 0 {
		t.Errorf("got %+v, %v", e, err)
	}
	_, err = resolve(Target{Host: "n1", KnownHosts: "~/k"}, Options{})
	if want := `dial n1: known hosts "~/k": there is no home to look in`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Whatever a configuration holds, reading it ends, and words that need no
// quotes are taken apart at blanks.
func FuzzConfig(f *testing.F) {
	for _, c := range configs {
		f.Add(c.content)
	}
	f.Fuzz(func(t *testing.T, content string) {
		file := filepath.Join(files(t, map[string]string{"config": strings.ReplaceAll(content, "DIR", "")}), "config")
		if c, err := readConfig(file, t.TempDir(), "n1", nil); err == nil {
			for keyword := range c.got {
				if slot, ok := slotOf(keyword); keyword != "proxy" && (!ok || slot != keyword) {
					t.Errorf("kept %q", keyword)
				}
			}
		}
		line, _, _ := strings.Cut(content, "\n")
		if strings.ContainsAny(line, "\"'\\#=\r\v\f\u0085\u00a0") {
			return
		}
		words, err := splitWords(line)
		want := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
		if err != nil || !slices.Equal(words, want) {
			t.Errorf("%q: got %q, %v, want %q", line, words, err, want)
		}
	})
}

func FuzzGlob(f *testing.F) {
	f.Add("n*1?", "n211")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern)+len(s) > 40 || strings.Count(pattern, "*") > 6 {
			return
		}
		if got, want := glob(pattern, s), slowGlob(pattern, s); got != want {
			t.Errorf("glob(%q, %q): got %t, want %t", pattern, s, got, want)
		}
	})
}

// slowGlob is what the manual page says, word by word.
func slowGlob(pattern, s string) bool {
	switch {
	case pattern == "":
		return s == ""
	case pattern[0] == '*':
		return slowGlob(pattern[1:], s) || s != "" && slowGlob(pattern, s[1:])
	}
	return s != "" && (pattern[0] == '?' || pattern[0] == s[0]) && slowGlob(pattern[1:], s[1:])
}
