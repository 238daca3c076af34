package nginx

import (
	"fmt"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// MaxSize is the number of bytes that Kubernetes takes in a ConfigMap:
// https://kubernetes.io/docs/concepts/configuration/configmap/#motivation
const MaxSize = 1 << 20

// Check says whether the configuration fits a ConfigMap, and else at about which route it is full: all take about the same room.
func Check(t *route.Table, o Options) error {
	size := len(Render(t, o))
	if size <= MaxSize || len(t.Routes) == 0 {
		return nil
	}
	full := len(t.Routes) * MaxSize / size
	return fmt.Errorf("%s: at about this route NGINX's configuration is full: %d routes take %d bytes, and Kubernetes takes %d in a "+
		"ConfigMap: write wildcard hosts or common prefixes, or publish a part in another stack",
		t.Routes[full].Source, len(t.Routes), size, MaxSize)
}
