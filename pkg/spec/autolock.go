package spec

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// lockWord is the value of swarm.autolock: false, or where the key is kept.
type lockWord struct {
	on   bool
	keys lockKeys
}

func (*lockWord) wants() string { return "false, or a map that says where the key is kept" }

func (w *lockWord) read(r *reader, n node) bool {
	if n.Kind == yaml.MappingNode {
		w.on = true
		return r.into(n, &w.keys)
	}
	l, ok := r.literal(n, w.wants())
	if !ok {
		return false
	}
	switch {
	case l.text != "true" && l.text != "false" || l.tag != "!!bool" && !l.variable:
		r.wrong(n.place, "wants %s, found %s", w.wants(), l.found())
	case l.text == "true":
		r.wrong(n.place, "true does not say where the key is kept, without which managers that restart are lost: "+
			"write {key_file: PATH}, or {store_command: [...], load_command: [...]}")
	}
	return l.text == "false"
}

// autolock gives where the key is kept, and what of that is wrong.
func (b *builder) autolock(v *val[lockWord]) *Autolock {
	if !v.good {
		return nil
	}
	k := &v.v.keys
	out := &Autolock{On: v.v.on}
	if !out.On {
		return out
	}
	out.Dir = b.src.Dir
	commands := k.StoreCommand.given || k.LoadCommand.given
	switch {
	case !k.KeyFile.given && !commands:
		b.wrong(v.at, "does not say where the key is kept: write {key_file: PATH}, or {store_command: [...], load_command: [...]}")
	case k.KeyFile.given && commands:
		b.wrong(v.at, "wants key_file, or store_command and load_command, not both")
	case k.KeyFile.given:
		out.KeyFile = b.path(&k.KeyFile)
	case !k.StoreCommand.given || !k.LoadCommand.given:
		b.wrong(v.at, "wants both store_command and load_command: a key that cannot be loaded again unlocks nothing")
	default:
		out.StoreCommand, out.LoadCommand = b.program(&k.StoreCommand), b.program(&k.LoadCommand)
	}
	return out
}

// program gives a program with its arguments. One that is written with a slash
// is relative to the file; others are looked for where the user's shell does.
func (b *builder) program(v *val[list[string]]) []string {
	var argv []string
	for _, e := range v.v {
		argv = append(argv, e.v)
	}
	if len(argv) == 0 {
		b.wrong(v.at, "names no program")
		return nil
	}
	if strings.ContainsRune(argv[0], '/') {
		argv[0] = b.path(&v.v[0])
	}
	return argv
}
