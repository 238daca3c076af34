package supervisor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxconf"
	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxprogram"
)

// nginxCommand is the container's own command with the nginx of this machine and the pod's paths.
func (p *pod) nginxCommand() ([]string, error) {
	program, err := nginxprogram.Find()
	if err != nil {
		return nil, err
	}
	command := slices.Concat(p.container().Command, p.container().Args)
	if len(command) == 0 || filepath.Base(command[0]) != "nginx" {
		return nil, errors.New("an nginx container must have a command that starts with nginx")
	}
	mapped := []string{program, "-p", p.dir}
	for i, argument := range command[1:] {
		switch {
		case p.mounted(argument):
			path, err := p.hostPath(argument)
			if err != nil {
				return nil, err
			}
			argument = path
		case command[i] == "-g" && os.Geteuid() == 0:
			// Started by root, nginx would give up its rights; in the pod it has none to begin with.
			argument += " user root;"
		}
		mapped = append(mapped, argument)
	}
	p.supervisor.mu.Lock()
	defer p.supervisor.mu.Unlock()
	_, err = p.writeConfig()
	return mapped, err
}

// configFile is the file that the container's command names with -c.
func (p *pod) configFile() string {
	command := slices.Concat(p.container().Command, p.container().Args)
	for i, argument := range command {
		if argument == "-c" && i+1 < len(command) {
			return command[i+1]
		}
	}
	return ""
}

// writeConfig translates the mounted nginx.conf for this machine, and says whether it changed. The caller holds s.mu.
func (p *pod) writeConfig() (bool, error) {
	file := p.configFile()
	if !p.mounted(file) {
		return false, fmt.Errorf("nginx's configuration %q is in no volume of the pod", file)
	}
	original, err := p.mountedFile(file)
	if err != nil {
		return false, err
	}
	tree, err := nginxconf.Parse(original)
	if err != nil {
		return false, fmt.Errorf("%s: %w", file, err)
	}
	p.translate(tree, "")
	translated := nginxconf.Format(tree)
	if translated == p.config {
		return false, nil
	}
	target, err := p.hostPath(file)
	if err != nil {
		return false, err
	}
	if err := os.WriteFile(target, []byte(translated), 0o600); err != nil {
		return false, err
	}
	p.config = translated
	return true, nil
}

func (p *pod) mountedFile(file string) (string, error) {
	for _, mount := range p.container().VolumeMounts {
		key, inside := strings.CutPrefix(file, strings.TrimSuffix(mount.MountPath, "/")+"/")
		if !inside {
			continue
		}
		for _, volume := range p.spec.Volumes {
			if volume.Name != mount.Name {
				continue
			}
			files, err := p.filesOf(volume)
			if err != nil {
				return "", err
			}
			if content, ok := files[key]; ok {
				return content, nil
			}
		}
	}
	return "", fmt.Errorf("%s is in no ConfigMap and no Secret of the pod", file)
}

// translate does to a configuration what the pod's network and file system would do for it: listening
// sockets get the pod's address, services their endpoints, mounted paths their place on this machine.
func (p *pod) translate(block *nginxconf.Block, inside string) {
	var result []nginxconf.Directive
	for _, d := range block.Directives {
		switch {
		case d.Name == "listen" && len(d.Args) > 0:
			if _, err := strconv.Atoi(d.Args[0]); err == nil {
				d.Args[0] = net.JoinHostPort(p.ip, d.Args[0])
			}
		case d.Name == "server" && inside == "upstream":
			result = append(result, p.upstreamServers(d)...)
			continue
		default:
			p.mapPaths(d.Args)
		}
		if d.Block != nil {
			p.translate(d.Block, d.Name)
		}
		result = append(result, d)
	}
	block.Directives = result
}

func (p *pod) mapPaths(arguments []string) {
	for i, argument := range arguments {
		if !p.mounted(argument) {
			continue
		}
		if path, err := p.hostPath(argument); err == nil {
			arguments[i] = path
		}
	}
}

// refused is an address of the discard service, on which nothing answers: what a Service without endpoints is like.
const refused = "127.0.0.1:9"

// upstreamServers replaces a Service by its endpoints. A name that DNS does not know stays, and nginx refuses it.
func (p *pod) upstreamServers(d nginxconf.Directive) []nginxconf.Directive {
	host, portText, err := net.SplitHostPort(d.Args[0])
	if err != nil {
		host, portText = d.Args[0], "80"
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return []nginxconf.Directive{d}
	}
	addresses, found := p.supervisor.resolveService(p.owner.cluster, p, p.namespace, host, port)
	if !found {
		return []nginxconf.Directive{d}
	}
	if len(addresses) == 0 {
		addresses = []string{refused}
	}
	var servers []nginxconf.Directive
	for _, address := range addresses {
		servers = append(servers, nginxconf.Directive{Name: "server", Args: append([]string{address}, d.Args[1:]...)})
	}
	return servers
}
