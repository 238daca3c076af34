package platform

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apigateway-ingress/apigateway-ingress/components/settings"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// What AWS takes of tags, less those that components add to a resource, such as Name and those by which EKS finds subnets:
// https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
const (
	maxTags     = 45
	maxTagKey   = 128
	maxTagValue = 256
)

func (a Args) checkTags(p *settings.Problems) {
	tags, known := a.Tags.(pulumi.StringMap)
	if !known {
		return
	}
	p.When(len(tags) > maxTags, "{Tags}: %d are more than %d: AWS takes 50 of a resource, and some of them are the components' own",
		len(tags), maxTags)
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		value, _ := settings.Known(tags[key])
		p.When(key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(value) > maxTagValue,
			"{Tags} %q: a key has 1 to %d characters, and a value %d at most", key, maxTagKey, maxTagValue)
		p.When(strings.HasPrefix(strings.ToLower(key), "aws:"), "{Tags} %q: names that begin with aws: are AWS's own", key)
		p.When(key == "Name", "{Tags} Name is each resource's own: write another one")
	}
}
