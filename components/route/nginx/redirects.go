package nginx

import "fmt"

// Redirects are a choice of what becomes of a service's redirects and of its cookies' paths.
type Redirects string

// RedirectsRewritten puts the stage, or the base path of a domain, in front of paths that do not have it: services do not know
// that they are below it. RedirectsPassed leaves them as they are, for services that build them from X-Forwarded-Prefix.
const (
	RedirectsRewritten Redirects = "rewrite"
	RedirectsPassed    Redirects = "pass"
)

// Check says whether there is such a choice.
func (r Redirects) Check() error {
	if r != "" && r != RedirectsRewritten && r != RedirectsPassed {
		return fmt.Errorf("redirects %q is not one of %s and %s", r, RedirectsRewritten, RedirectsPassed)
	}
	return nil
}

// directives: the first that fits decides, so that what has the prefix keeps it.
func (r Redirects) directives() []directive {
	if r == RedirectsPassed {
		return []directive{{"proxy_redirect", []argument{raw("off")}, nil}}
	}
	var list []directive
	for _, origin := range []string{"", "http://$called_host$called_port", "https://$called_host$called_port"} {
		list = append(list, directive{"proxy_redirect", []argument{literal(origin + "$prefix/"), literal(origin + "$prefix/")}, nil})
	}
	return append(list,
		// Two slashes would begin the name of another host.
		directive{"proxy_redirect", []argument{literal(`~^(/(?!/).*)$`), literal("$prefix$1")}, nil},
		directive{"proxy_redirect", []argument{literal("http://$called_host$called_port/"),
			literal("http://$called_host$called_port$prefix/")}, nil},
		directive{"proxy_redirect", []argument{literal("https://$called_host$called_port/"),
			literal("https://$called_host$called_port$prefix/")}, nil},
		directive{"proxy_cookie_path", []argument{literal("$prefix/"), literal("$prefix/")}, nil},
		directive{"proxy_cookie_path", []argument{literal(`~^(/.*)$`), literal("$prefix$1")}, nil})
}
