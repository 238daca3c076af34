package route

import "fmt"

// Service is a Kubernetes Service that routes may name as a backend.
type Service struct {
	Namespace, Name string
	Ports           []ServicePort
	// External says that it is a mere name for something outside of the cluster, and has no pods.
	External bool
}

// ServicePort is one port of a Service; Name may be empty.
type ServicePort struct {
	Name   string
	Number int
}

// Backend is where a route's requests end: a Service and its numbered port. Where a Service was not read, only the name
// of its port may be known; the number is 0 then, and no document can be made.
type Backend struct {
	Namespace string `json:"namespace"`
	Service   string `json:"service"`
	Port      int    `json:"port"`
	PortName  string `json:"portName,omitempty"`
	// Missing says that there is no such Service: its routes answer 503. The port's number may be 0 then.
	Missing bool `json:"missing,omitempty"`
}

// Host is the backend's name in the cluster's DNS.
func (b Backend) Host() string {
	return fmt.Sprintf("%s.%s.svc.cluster.local", b.Service, b.Namespace)
}

// Name is the backend's among all others: namespace.service.port.
func (b Backend) Name() string { return fmt.Sprintf("%s.%s.%d", b.Namespace, b.Service, b.Port) }
