package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/platform"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// Lookup gives a key of the project's config, in the form in which Pulumi hands it to programs:
// text as it is, everything else as JSON. The second result is false when the key is not set.
type Lookup func(key string) (string, bool)

// Settings are a stack's config: the platform's arguments and what is not part of them.
type Settings struct {
	Name     string
	Platform platform.Args
	// ZoneCount is the number of availability zones, taken from those that the region offers.
	ZoneCount int
}

// service is how Pulumi.yaml documents an element of services.
type service struct {
	Name          string `json:"name"`
	Namespace     string `json:"namespace"`
	Image         string `json:"image"`
	Port          int    `json:"port"`
	ContainerPort int    `json:"containerPort"`
	Replicas      int    `json:"replicas"`
}

// Read turns a stack's config into settings and reads the manifests that it names, relative to root.
// All problems are reported together, before any resource exists.
func Read(get Lookup, root string) (*Settings, error) {
	r := &reader{get: get}
	s := &Settings{Name: r.text("name"), ZoneCount: r.number("availabilityZones")}
	s.Platform = platform.Args{
		VPCCIDR:                r.text("vpcCidr"),
		NAT:                    network.NAT(r.text("nat")),
		KubernetesVersion:      r.text("kubernetesVersion"),
		NodeCount:              r.number("nodeCount"),
		InstanceType:           r.text("instanceType"),
		PodRole:                podrole.Mode(r.text("podRole")),
		PodRoleServiceAccounts: r.list("podRoleServiceAccounts"),
		NodePort:               r.number("nodePort"),
		ClientARNs:             r.list("clientArns"),
		ClientUser:             r.flag("clientUser"),
		LogRetentionDays:       r.number("logRetentionDays"),
		ManageAccountLogging:   r.flag("manageAccountLogging"),
		Services:               r.services(),
		DomainName:             r.text("domainName"),
		CertificateARN:         r.text("certificateArn"),
		Group:                  r.text("group"),
		APIResourceQuota:       r.number("apiResourceQuota"),
	}
	manifests := r.list("manifests")
	for i, path := range manifests {
		if !filepath.IsAbs(path) {
			manifests[i] = filepath.Join(root, path)
		}
	}
	ingresses, err := route.Load(manifests, strings.NewReader(""))
	r.problems = append(r.problems, err)
	for i := range ingresses {
		ingresses[i].Source = strings.TrimPrefix(ingresses[i].Source, root+string(filepath.Separator))
	}
	s.Platform.Ingresses = ingresses
	if s.ZoneCount < 2 || s.ZoneCount > 3 {
		r.problems = append(r.problems, fmt.Errorf("availabilityZones %d: choose 2 or 3", s.ZoneCount))
	}
	// Which zones there are is known only in AWS; their number is checked here.
	checked := s.Platform
	checked.AvailabilityZones = make([]string, 2)
	if len(ingresses) > 0 || err == nil {
		r.problems = append(r.problems, checked.Validate(s.Name))
	}
	return s, errors.Join(r.problems...)
}

// reader collects problems instead of stopping at the first.
type reader struct {
	get      Lookup
	problems []error
}

func (r *reader) text(key string) string {
	value, _ := r.get(key)
	return value
}

func (r *reader) number(key string) int {
	value, ok := r.get(key)
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(value)
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %q is not a whole number", key, value))
	}
	return n
}

func (r *reader) flag(key string) bool {
	value, ok := r.get(key)
	if !ok {
		return false
	}
	b, err := strconv.ParseBool(value)
	if err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %q is not true or false", key, value))
	}
	return b
}

func (r *reader) list(key string) []string {
	var list []string
	r.object(key, &list)
	return list
}

func (r *reader) services() []platform.Service {
	var list []service
	r.object("services", &list)
	var services []platform.Service
	for _, s := range list {
		services = append(services, platform.Service(s))
	}
	return services
}

func (r *reader) object(key string, into any) {
	value, ok := r.get(key)
	if !ok {
		return
	}
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		r.problems = append(r.problems, fmt.Errorf("config %s: %w", key, readable(err)))
	}
}

// readable words a decoding error for whoever wrote the config.
func readable(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%s must be a %s, not a %s", wrongType.Field, wrongType.Type, wrongType.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
