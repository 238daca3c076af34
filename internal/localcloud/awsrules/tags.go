package awsrules

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/apigateway-ingress/apigateway-ingress/internal/localcloud/schema"
)

// What a resource's tags may be: https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

func checkTags(inputs properties) []schema.Failure {
	tags, known := inputs["tags"].(map[string]any)
	if !known {
		return nil
	}
	var failures []schema.Failure
	if len(tags) > maxTags {
		failures = wrong("tags", "%d tags are more than the %d that a resource may have", len(tags), maxTags)
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		text, _ := tags[key].(string)
		if key == "" || utf8.RuneCountInString(key) > maxTagKey || utf8.RuneCountInString(text) > maxTagValue {
			failures = append(failures, wrong("tags", "%q: a key has 1 to %d characters, and a value %d at most", key, maxTagKey, maxTagValue)...)
		}
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			failures = append(failures, wrong("tags", "%q: names that begin with aws: are AWS's own", key)...)
		}
	}
	return failures
}

// Tagged says whether resources of a type have tags.
func (r *Rules) Tagged(token string) bool {
	rule, err := find(token)
	return err == nil && rule.shape().Kind("tags") != ""
}
