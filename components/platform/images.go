package platform

import (
	"regexp"

	"github.com/apigateway-ingress/apigateway-ingress/components/network"
	"github.com/apigateway-ingress/apigateway-ingress/components/podrole"
	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ecrImage is an image in a private registry of ECR, whose region is the first submatch.
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
var ecrImage = regexp.MustCompile(`^\d{12}\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)/`)

// checkImages: without a NAT gateway nodes reach nothing but the VPC's endpoints, and of registries ECR of the same region alone.
// Nor does a pull-through cache fill without one:
// https://docs.aws.amazon.com/AmazonECR/latest/userguide/pull-through-cache.html
func (a Args) checkImages(p *settings.Problems) {
	if a.Network.Existing != nil || a.Network.NAT != network.NATNone {
		return
	}
	check := func(field string, image pulumi.StringInput, indices ...any) {
		name, known := settings.Known(image)
		found := ecrImage.FindStringSubmatch(name)
		p.When(known && (found == nil || a.Location.Region != "" && found[1] != a.Location.Region),
			"{Network.NAT} none: nodes cannot pull {"+field+"} %s: copy it into a repository of ECR in the stack's region, not only into a "+
				"pull-through cache, and name it there", append(indices, name)...)
	}
	check("Proxy.Image", a.Proxy.Image)
	p.When(a.PodRole.Mode == podrole.Kube2IAM,
		"{Network.NAT} none: nodes cannot pull kube2iam, which {PodRole.Mode} kube2iam runs on each of them: choose irsa or podIdentity")
	for i, s := range a.Services {
		if s.Image != nil {
			check("Services[%d].Image", s.Image, i)
		}
	}
}
