package supervisor

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/apigateway-ingress/apigateway-ingress/internal/wholefile"
)

// Image says how a container image runs as a process of this machine.
type Image struct {
	// Command is the program and its arguments. ${POD_IP} and ${PORT} stand for the pod's address and the
	// container's first port. Empty means that a stand-in answers.
	Command []string `json:"command"`
	// Path is the program's PATH; empty means the system's folders.
	Path string `json:"path,omitempty"`
	// Version tells apart what the command's files held when it was mapped. Pods of another version are replaced.
	Version string `json:"version,omitempty"`
}

// stance is who does an image's work.
type stance int

const (
	// standIn answers every request with what it received: nobody knows the image.
	standIn stance = iota
	// mapped is a program of this machine, nginx this machine's nginx.
	mapped
	nginx
	// idle images need no process: the local cloud does their work itself.
	idle
)

// nginxRepositories hold images that the nginx of this machine stands for, with the container's own command.
var nginxRepositories = []string{"library/nginx", "nginxinc/nginx-unprivileged", "nginx/nginx", "nginx"}

// idleRepositories hold images whose work the local cloud does itself.
var idleRepositories = []string{"jtblin/kube2iam"}

// Images maps image repositories to programs, and remembers them in a file. It is safe for concurrent use.
type Images struct {
	path  string
	mu    sync.RWMutex
	known map[string]Image
}

// OpenImages reads the table as it was; there may be none yet.
func OpenImages(path string) (*Images, error) {
	images := &Images{path: path, known: map[string]Image{}}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return images, nil
	}
	if err != nil {
		return nil, err
	}
	return images, json.Unmarshal(content, &images.known)
}

// Add takes entries over. Those that it does not name stay: they are another stack's.
func (i *Images) Add(more map[string]Image) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := map[string]Image{}
	maps.Copy(known, i.known)
	maps.Copy(known, more)
	content, err := json.Marshal(known)
	if err != nil {
		return err
	}
	i.known = known
	return wholefile.Write(i.path, content)
}

// version tells apart what runs for an image, but for where the program's PATH looks.
func (i *Images) version(reference string) any {
	image, who := i.find(reference)
	image.Path = ""
	return map[string]any{"stance": who, "image": image}
}

// find looks an image up by its repository: with the registry's host, or without. The longest name that matches decides.
func (i *Images) find(reference string) (Image, stance) {
	repository := repositoryOf(reference)
	i.mu.RLock()
	defer i.mu.RUnlock()
	longest := ""
	for name := range i.known {
		if matches(repository, name) && len(name) > len(longest) {
			longest = name
		}
	}
	matchesRepository := func(name string) bool { return matches(repository, name) }
	switch {
	case longest != "" && len(i.known[longest].Command) > 0:
		return i.known[longest], mapped
	case longest != "":
		return Image{}, standIn
	case slices.ContainsFunc(nginxRepositories, matchesRepository):
		return Image{}, nginx
	case slices.ContainsFunc(idleRepositories, matchesRepository):
		return Image{}, idle
	}
	return Image{}, standIn
}

func matches(repository, name string) bool {
	return repository == name || strings.HasSuffix(repository, "/"+name)
}

// repositoryOf takes tag and digest off.
func repositoryOf(reference string) string {
	reference, _, _ = strings.Cut(reference, "@")
	if slash := strings.LastIndex(reference, "/"); strings.LastIndex(reference, ":") > slash {
		reference = reference[:strings.LastIndex(reference, ":")]
	}
	return reference
}
