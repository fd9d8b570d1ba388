package docker

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

func (f *fake) imageInspect(w http.ResponseWriter, r *http.Request) {
	if id, ok := f.images[r.PathValue("name")]; ok {
		answer(w, http.StatusOK, map[string]string{"Id": id})
		return
	}
	reject(w, http.StatusNotFound, "No such image: %s", r.PathValue("name"))
}

// familiar is how people and engines write what the client writes in full.
func familiar(repo string) string { return strings.TrimPrefix(repo, "docker.io/library/") }

// imageCreate imports what it is sent, or pulls from the registry.
func (f *fake) imageCreate(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("fromSrc") == "-" {
		content, _ := io.ReadAll(r.Body)
		id := "sha256:" + f.newID()
		f.images[id], f.imported = id, string(content)
		_ = json.NewEncoder(w).Encode(map[string]string{"status": id})
		return
	}
	ref := familiar(r.URL.Query().Get("fromImage")) + ":" + r.URL.Query().Get("tag")
	switch known, reachable := f.registry[ref]; {
	case !reachable && len(f.registry) == 0:
		reject(w, http.StatusInternalServerError, `Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host`)
	case !known:
		reject(w, http.StatusNotFound, "manifest for %s not found: manifest unknown: manifest unknown", ref)
	default:
		f.images[ref] = f.newID()
		_ = json.NewEncoder(w).Encode(map[string]string{"status": "Status: Downloaded newer image for " + ref})
	}
}

// build makes an image of a Dockerfile whose base the engine has.
func (f *fake) build(w http.ResponseWriter, r *http.Request) {
	var dockerfile string
	for files := tar.NewReader(r.Body); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			reject(w, http.StatusBadRequest, "%v", err)
			return
		}
		if content, _ := io.ReadAll(files); h.Name == "Dockerfile" {
			dockerfile = string(content)
		}
	}
	f.built = append(f.built, dockerfile)
	base, _, _ := strings.Cut(strings.TrimPrefix(dockerfile, "FROM "), "\n")
	out := json.NewEncoder(w)
	_ = out.Encode(map[string]string{"stream": "Step 1/5 : FROM " + base + "\n"})
	if _, ok := f.images[base]; !ok {
		_ = out.Encode(map[string]string{"error": "pull access denied for " + base})
		return
	}
	_ = out.Encode(map[string]string{"stream": "Reading package lists...\n"})
	id := "sha256:" + f.newID()
	f.images[id] = id
	_ = out.Encode(map[string]any{"aux": map[string]string{"ID": id}})
	_ = out.Encode(map[string]string{"stream": "Successfully built\n"})
}

func (f *fake) imageTag(w http.ResponseWriter, r *http.Request) {
	f.images[familiar(r.URL.Query().Get("repo"))+":"+r.URL.Query().Get("tag")] = f.images[r.PathValue("name")]
	w.WriteHeader(http.StatusCreated)
}

func (f *fake) imageRemove(w http.ResponseWriter, r *http.Request) {
	delete(f.images, r.PathValue("name"))
	answer(w, http.StatusOK, []string{})
}
