package main

import (
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// choice is what --filter asks for: by kind, the conditions of which one has to hold.
type choice map[string][]func(row) bool

// filters reads the values of --filter.
func filters(values []string) (choice, error) {
	out := choice{}
	for _, v := range values {
		key, want, ok := strings.Cut(v, "=")
		holds, err := condition(key, want)
		if err != nil {
			return nil, err
		}
		if !ok || want == "" {
			return nil, refusal("such as --filter role=worker", "--filter %q is not KEY=VALUE", v)
		}
		out[key] = append(out[key], holds)
	}
	return out, nil
}

func condition(key, want string) (func(row) bool, error) {
	same := func(of func(row) string) (func(row) bool, error) {
		return func(r row) bool { return strings.EqualFold(of(r), want) }, nil
	}
	switch key {
	case "role":
		return same(func(r row) string { return r.Role })
	case "status":
		return same(func(r row) string { return r.Status })
	case "provider":
		return same(func(r row) string { return r.Provider })
	case "name":
		pattern, err := regexp.Compile(want)
		if err != nil {
			return nil, refusal("", "--filter name=%q is no regular expression: %w", want, err)
		}
		return func(r row) bool { return pattern.MatchString(r.Name) }, nil
	case "label":
		k, v, valued := strings.Cut(want, "=")
		return func(r row) bool {
			got, has := r.Labels[k]
			return has && (!valued || got == v)
		}, nil
	}
	known := []string{"role", "label", "provider", "status", "name"}
	return nil, refusal("known: "+strings.Join(known, ", "), "unknown filter %q%s", key, didYouMean(key, known))
}

// match says whether a row fulfils a condition of every kind.
func (c choice) match(r row) bool {
	for _, kind := range sortedKeys(c) {
		if !slices.ContainsFunc(c[kind], func(holds func(row) bool) bool { return holds(r) }) {
			return false
		}
	}
	return true
}

// pointsTo says whether DOCKER_HOST leads to a node: by its address, or with
// ssh:// also by its name. login is user@address:port where it is known; then the
// port counts too.
func pointsTo(dockerHost, node, address, login string) bool {
	u, err := url.Parse(dockerHost)
	if err != nil || u.Hostname() == "" {
		return false
	}
	host := u.Hostname()
	at, port, known := endpointOf(login)
	switch u.Scheme {
	case "ssh":
		want := u.Port()
		if want == "" {
			want = "22"
		}
		if known && (host == at || host == address) {
			return port == want
		}
		return host == address || host == node && u.Port() == ""
	case "tcp", "http", "https":
		return host == address || known && host == at
	}
	return false
}

func endpointOf(login string) (host, port string, ok bool) {
	login, _, _ = strings.Cut(login, " ")
	host, port, err := net.SplitHostPort(login[strings.LastIndexByte(login, '@')+1:])
	return host, port, err == nil
}
