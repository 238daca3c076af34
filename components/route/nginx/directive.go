package nginx

import "strings"

// directive is one of nginx's, with a block or without. A map's entry has no name.
type directive struct {
	name      string
	arguments []argument
	block     []directive
}

// argument is the text of one argument as it is written to the file.
type argument string

// raw is written as it is. It is for what this package says, never for what a manifest says.
func raw(s string) argument { return argument(s) }

var quoting = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// literal quotes a value where nginx puts no variables in.
func literal(s string) argument { return argument(`"` + quoting.Replace(s) + `"`) }

// mapKey quotes a key that is meant as it is, also when it looks like a pattern or a word of the map's own:
// https://nginx.org/en/docs/http/ngx_http_map_module.html
func mapKey(s string) argument {
	switch {
	case s == "default", s == "hostnames", s == "include", s == "volatile", strings.HasPrefix(s, "~"), strings.HasPrefix(s, `\`):
		s = `\` + s
	}
	return literal(s)
}

// text quotes a value where nginx would put variables in.
func text(s string) argument {
	return argument(`"` + strings.ReplaceAll(quoting.Replace(s), "$", "${dollar}") + `"`)
}

func write(directives []directive, depth int) string {
	var b strings.Builder
	for _, d := range directives {
		writeDirective(&b, d, depth)
	}
	return b.String()
}

func writeDirective(b *strings.Builder, d directive, depth int) {
	indent := strings.Repeat("    ", depth)
	b.WriteString(indent + d.name)
	for i, a := range d.arguments {
		if i > 0 || d.name != "" {
			b.WriteByte(' ')
		}
		b.WriteString(string(a))
	}
	if d.block == nil {
		b.WriteString(";\n")
		return
	}
	b.WriteString(" {\n" + write(d.block, depth+1) + indent + "}\n")
	if depth <= 2 && (d.name == "location" || depth == 1) {
		b.WriteByte('\n')
	}
}
