package spec

import (
	"strings"
	"testing"
)

func TestRedactHidesWhatCameFromTheEnvironment(t *testing.T) {
	env := map[string]string{
		"TOKEN": "s3cret", "LONGER": "s3cret-and-more", "PORT": "22", "QUOTED": `a"b\c d`, "LINE": "line\n", "UNUSED": "unused-value", "SAME": "s3cret",
	}
	file := `
name: demo
provider: docker
managers: [{name: m}]
workers:
  - name: n
    labels: {a: "x-${TOKEN}-y", b: "${LONGER}", c: "${PORT}", d: "${QUOTED}", f: "${SAME}", g: "${NOBODY:-default}"}
    engine: {daemon: {e: "${LINE}"}}
x-unused: ${UNUSED}
`
	src := source(file)
	src.Env = func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	c, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, in, want string }{
		{"a whole text", "s3cret", "(from $TOKEN)"},
		{"within a text", "x-s3cret-y", "x-(from $TOKEN)-y"},
		{"the longest first", "s3cret-and-more s3cret", "(from $LONGER) (from $TOKEN)"},
		{"as Go quotes it", `"a\"b\\c d"`, `"(from $QUOTED)"`},
		{"without the white space around it", "<line>", "<(from $LINE)>"},
		{"not a short one", "port 22", "port 22"},
		{"not what no value used", "unused-value", "unused-value"},
		{"not a default", "default", "default"},
		{"not the rest of the file", "demo n1", "demo n1"},
	}
	for _, tt := range tests {
		if got := c.Redact(tt.in); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRedactLeavesTextsAloneWithoutVariables(t *testing.T) {
	const text = "nothing from anywhere"
	if got := new(Cluster).Redact(text); got != text {
		t.Errorf("got %q", got)
	}
}

func TestNoProblemShowsAValueFromTheEnvironment(t *testing.T) {
	const secret = "correct horse battery"
	for _, key := range []string{
		"name: %", "provider: %", "provider: {docker: {subnet: %}}", "ssh: {user: %}", "ssh: {port: %}", "ssh: {identity_file: \"~%\"}",
		"engine: {install: %}", "engine: {labels: {a: \"%\\n\"}}", "engine: {insecure_registries: [%]}", "engine: {registry_mirrors: [%]}",
		"swarm: {id: %}", "swarm: {advertise: %}", "swarm: {default_addr_pool: [%]}", "swarm: {subnet_size: %}", "swarm: {node_cert_expiry: %}",
		"swarm: {autolock: %}", "protect: %",
		"workers: [{name: %}]", "workers: [{name: n, count: %}]", "workers: [{name: n, availability: %}]",
		"workers: [{name: n, machine: {cpus: %}}]", "workers: [{name: n, machine: {memory: %}}]", "workers: [{name: n, data_path: %}]",
		"workers: [{name: n, ssh: {host_key: %}}]", "workers: [{name: n, address: %}]",
	} {
		src := source(strings.Replace(key, "%", `"${SECRET}"`, 1) + onDocker)
		if strings.Contains(key, `"`) {
			src = source(strings.Replace(key, "%", "${SECRET}", 1) + onDocker)
		}
		src.Env = func(string) (string, bool) { return secret, true }
		_, err := Parse(src)
		if err == nil {
			t.Errorf("%s: the value was taken", key)
			continue
		}
		if strings.Contains(err.Error(), "horse") {
			t.Errorf("%s: %v", key, err)
		}
	}
}
