package foreign

// originalAnnotations are the eight of the original controller, which keep name and meaning here.
var originalAnnotations = []Annotation{
	kept("certificate-arn"),
	decidesAccess(kept("client-arns")),
	kept("custom-domain-name"),
	kept("nginx-image"),
	kept("nginx-replicas"),
	kept("nginx-service-port"),
	becomes(originalPrefix, "node-selector", "the same; there it chose the nodes behind the load balancer, here it places the NGINX pods",
		keepValue("node-selector")),
	kept("stage-name"),
}

func kept(name string) Annotation { return becomes(originalPrefix, name, "the same", keepValue(name)) }

func keepValue(name string) func(string, *translation) (Outcome, string) {
	return func(value string, t *translation) (Outcome, string) {
		t.set(name, value)
		return Translated, ""
	}
}
