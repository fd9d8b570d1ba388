package spec

// Source is a cluster.yaml and what it may be read with. Nothing else is read:
// no file, and no environment but Env.
type Source struct {
	// Name is the file as messages name it; "" means cluster.yaml.
	Name string
	// Data is its content, UTF-8, at most 1 MiB.
	Data []byte
	// Dir is the absolute folder that relative paths are relative to.
	Dir string
	// Home is the user's home directory, for paths that begin with ~; "" means
	// that there is none.
	Home string
	// Env looks an environment variable up; nil means that none is set.
	Env func(name string) (string, bool)
}

// Parse reads a cluster.yaml. A file with mistakes gives *Errors with every one
// of them; remarks on a file without mistakes are in Cluster.Warnings. Neither
// ever shows a value that came from the environment.
func Parse(src Source) (*Cluster, error) {
	if src.Name == "" {
		src.Name = "cluster.yaml"
	}
	r := &reader{file: src.Name, env: environment{lookup: src.Env, used: map[string]string{}}}
	c := r.cluster(src)
	if len(r.problems) > 0 {
		problems, hide := inOrder(r.problems), redactor(r.env.used)
		for i := range problems {
			problems[i].Text = hide.Replace(problems[i].Text)
		}
		return nil, &Errors{Problems: problems}
	}
	c.fromEnv = r.env.used
	return c, nil
}

// cluster gives what the file says; where it has reported mistakes, the result
// is of no use.
func (r *reader) cluster(src Source) *Cluster {
	root := r.root(src.Data)
	if root == nil || !r.bounded(root) {
		return nil
	}
	var top val[topKeys]
	top.take(r, r.node(root, ""))
	b := builder{reader: r, src: src}
	return b.cluster(&top.v)
}
