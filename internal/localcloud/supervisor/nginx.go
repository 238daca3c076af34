package supervisor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/nginxconf"
	"github.com/apigateway-ingress/apigateway-ingress/internal/nginxprogram"
	"github.com/blang/semver"
)

// runNginx runs the container's own command with the nginx of this machine and the pod's paths, until it ends.
func (p *pod) runNginx(environment []string) error {
	services, err := p.openServices()
	if err != nil {
		return err
	}
	command, err := p.nginxCommand(services)
	if err != nil {
		return errors.Join(err, services.close())
	}
	err = p.supervise(command, environment)
	p.supervisor.mu.Lock()
	p.nginx = nil
	p.supervisor.mu.Unlock()
	return errors.Join(err, services.close())
}

// proxied is a running nginx as the supervisor knows it.
type proxied struct {
	services *serviceNetwork
	// follows says that this nginx resolves names itself while it runs. An older one stands in for such an nginx: its
	// configuration has addresses in their place.
	follows bool
	// fixed are the addresses of names that the configuration does not let it follow, as they were when it started.
	fixed map[string]string
	// followed are the addresses that it was told last, by name.
	followed map[string]string
	// config is the configuration as it was last written.
	config string
}

func (p *pod) nginxCommand(services *serviceNetwork) ([]string, error) {
	program, err := nginxprogram.Find()
	if err != nil {
		return nil, err
	}
	version, err := nginxprogram.Version(context.Background(), program)
	if err != nil {
		return nil, err
	}
	command, err := p.mappedCommand(program)
	if err != nil {
		return nil, err
	}
	p.supervisor.mu.Lock()
	defer p.supervisor.mu.Unlock()
	p.nginx = &proxied{services: services, follows: version.GTE(followsNames), fixed: map[string]string{}}
	return command, p.writeConfig()
}

// followsNames is the first nginx that resolves names while it runs:
// https://nginx.org/en/docs/http/ngx_http_upstream_module.html#resolve
var followsNames = semver.MustParse("1.27.3")

// ownCommand is the container's. A shell may prepare nginx's start, as the images' own scripts do.
func (p *pod) ownCommand() (script string, command []string) {
	command = slices.Concat(p.container().Command, p.container().Args)
	if len(command) > 3 && filepath.Base(command[0]) == "sh" && command[1] == "-c" {
		return command[2], command[3:]
	}
	return "", command
}

// mappedCommand has the paths of this machine.
func (p *pod) mappedCommand(program string) ([]string, error) {
	script, command := p.ownCommand()
	var mapped []string
	if script != "" {
		mapped = []string{"/bin/sh", "-c", p.mapScript(script)}
	}
	if len(command) == 0 || filepath.Base(command[0]) != "nginx" {
		return nil, errors.New("an nginx container must have a command that starts with nginx, or with a shell's script before it")
	}
	mapped = append(mapped, program, "-p", p.dir)
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
	return mapped, nil
}

// mapScript puts the pod's folders in the place of those that a script names.
func (p *pod) mapScript(script string) string {
	pairs := []string{resolvConf, filepath.Join(p.root(), resolvConf)}
	for _, mount := range p.container().VolumeMounts {
		path := strings.TrimSuffix(mount.MountPath, "/") + "/"
		pairs = append(pairs, path, filepath.Join(p.root(), path)+"/")
	}
	return strings.NewReplacer(pairs...).Replace(script)
}

// configFile is the file that the container's command names with -c.
func (p *pod) configFile() string {
	_, command := p.ownCommand()
	for i, argument := range command {
		if argument == "-c" && i+1 < len(command) {
			return command[i+1]
		}
	}
	return ""
}

// writeConfig translates the mounted nginx.conf for this machine. The caller holds s.mu.
func (p *pod) writeConfig() error {
	file := p.configFile()
	if !p.mounted(file) {
		return fmt.Errorf("nginx's configuration %q is in no volume of the pod", file)
	}
	original, err := p.mountedFile(file)
	if err != nil {
		return err
	}
	tree, err := nginxconf.Parse(original)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	p.nginx.followed = map[string]string{}
	p.translate(tree, "")
	translated := nginxconf.Format(tree)
	if translated == p.nginx.config {
		return nil
	}
	target, err := p.hostPath(file)
	if err != nil {
		return err
	}
	if err := os.WriteFile(target, []byte(translated), 0o600); err != nil {
		return err
	}
	p.nginx.config = translated
	return nil
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
			d = p.upstreamServer(d)
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

// refused is an address of the discard service, on which nothing answers.
const refused = "127.0.0.1:9"

// upstreamServer gives a Service's server its place on this machine: its port, and where nginx does not look for the address
// itself, that. A name that DNS does not know when nginx starts stays, and nginx refuses it, unless it follows names.
func (p *pod) upstreamServer(d nginxconf.Directive) nginxconf.Directive {
	host, portText, err := net.SplitHostPort(d.Args[0])
	if err != nil {
		host, portText = d.Args[0], "80"
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return d
	}
	onHost := strconv.Itoa(hostPort(port))
	rest := slices.Clone(d.Args[1:])
	if !slices.Contains(rest, "resolve") {
		if p.nginx.fixed[host] == "" {
			p.nginx.fixed[host] = p.addressesOf(host)
		}
		if first, _, _ := strings.Cut(p.nginx.fixed[host], ","); first != "" {
			d.Args = append([]string{net.JoinHostPort(first, onHost)}, rest...)
		}
		return d
	}
	address := p.addressesOf(host)
	p.nginx.followed[host] = address
	if p.nginx.follows {
		d.Args = append([]string{net.JoinHostPort(host, onHost)}, rest...)
		return d
	}
	server := refused
	if first, _, _ := strings.Cut(address, ","); first != "" {
		server = net.JoinHostPort(first, onHost)
	}
	d.Args = append([]string{server}, slices.DeleteFunc(rest, func(word string) bool { return word == "resolve" })...)
	return d
}

// addressesOf is what DNS says of a name, separated by commas.
func (p *pod) addressesOf(host string) string {
	addresses, _ := p.nginx.services.lookup(host)
	return strings.Join(addresses, ",")
}
