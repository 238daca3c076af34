package ingress

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route/foreign"
)

// foreign says what becomes of annotations that other controllers would follow. A route that one of them kept closed must
// not be open here without anybody's knowing.
func (c *compiler) foreign(ingress Ingress, place string) {
	for _, finding := range foreign.Translate(ingress.Ingress).Findings {
		_, isAnnotation := ingress.Annotations[finding.Subject]
		if !isAnnotation || finding.Outcome == foreign.NotNeeded || strings.HasPrefix(finding.Subject, AnnotationPrefix) ||
			finding.Subject == classAnnotation {
			continue
		}
		note := finding.Note
		if finding.Outcome == foreign.Translated {
			note = "write " + note
		}
		c.foreignAnnotation(place, finding.Subject, note, finding.Access)
	}
	for _, name := range foreign.Unsupported(ingress.Annotations) {
		c.foreignAnnotation(place, name.Name, name.Note, name.Access)
	}
}

func (c *compiler) foreignAnnotation(place, name, note string, access bool) {
	if access && !c.options.IgnoreForeign {
		c.fail(place, errors.New("annotation "+name+" decides who gets in, and has no effect here"+asReason(note)+
			"; remove it, or accept that with --ignore-foreign-annotations or the stack's config ignoreForeignAnnotations"))
		return
	}
	c.notice("%s: annotation %s has no effect here%s", place, name, asReason(note))
}

func asReason(note string) string {
	if note == "" {
		return ""
	}
	return fmt.Sprintf(": %s", note)
}
