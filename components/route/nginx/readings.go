package nginx

import (
	"fmt"
	"strings"

	"github.com/apigateway-ingress/apigateway-ingress/components/route"
)

// Services read a path in ways of their own: they merge slashes, decode once more, take a backslash for a slash, leave out
// what stands behind a semicolon, or drop a dot at the end. API Gateway has let a request in for one reading, and a service
// that has another would give it what API Gateway would have refused. So NGINX asks for every location whether some reading
// of the path may reach it, and refuses the request where it is one with another access class.
//
// A plain path has one reading. What is not plain is compared with the locations by the patterns below, which allow every
// mixture of those readings.

// plainPath are paths that everybody reads the same way: without an empty segment or one that ends in a dot or a space, a
// semicolon, a backslash, a number sign, and any encoding of those or of a character that a route's path may have.
const plainPath = `(?:/(?!%20)(?:[^/%;\\#\xc0\xc1]|%20|` + plainCode + `)*(?:[^/%;\\#\xc0\xc1.]|` + plainCode + `))*+/?$`

// plainCode are encoded characters that are nothing but themselves: parts of UTF-8 other than those that may begin an overlong
// form, and signs without a meaning in paths.
const plainCode = `%(?:[89abAB][0-9a-fA-F]|[cC][2-9a-fA-F]|[dD][0-9a-fA-F]|[eE](?:[1-9a-fA-F]|0%[abAB][0-9a-fA-F])|[fF](?:[1-4]|0%[9abAB][0-9a-fA-F])|` +
	`2[1246-9a-cA-C]|3[c-eC-E]|40|5[bdeBDE]|60|7[b-eB-E])`

// Groups of the patterns: numbers, because nginx makes a variable of each name. In E any number of 25 is an encoding of an
// encoding.
const groups = `(?(DEFINE)` +
	`(%(?:25)*+)` + // 1: what begins an encoded character
	`([/\\]|(?1)(?:2[fF]|5[cC]))` + // 2: a separator
	`(\.|(?1)(?:2[eE]|20))` + // 3: a dot or a space, which may be dropped at the end of a segment
	`(;|(?1)3[bB])` + // 4: a semicolon
	`((?4)(?:(?!(?2)).)*+)` + // 5: a parameter of a segment
	`((?3)*+(?5)?)` + // 6: what may follow a segment's name
	`((?2)(?:(?6)(?2))*(?:(?1)20)*)` + // 7: what may stand between two names
	`(#|(?1)(?:00|23|3[fF]))` + // 8: what may cut the rest off
	`)`

// maxPattern leaves room below the 4,096 bytes that nginx allows for one word of its configuration.
const maxPattern = 3500

// maxWord is that limit with the quotation marks left out.
const maxWord = 4090

// claimed is what a pattern's subject begins with: the access class for which API Gateway let the request in.
const claimed = `^[^ ]* `

func claimedOther(class string) string { return `^(?!` + class + `\b)[^ ]* ` }

// astray are encodings that no application needs and that could lead out of any location.
var astray = []string{
	// A segment of dots, with a parameter or invisible characters or without.
	`(?2)(?:(?1)(?:[01][0-9a-fA-F]|20|7[fF]))*+(?:(?:\.|(?1)2[eE])(?:(?1)(?:[01][0-9a-fA-F]|20|7[fF]))*+){2,}(?:(?2)|(?4)|(?8)|$)`,
	// An overlong form in UTF-8, for example %c0%af for a slash.
	`(?1)(?:[cC][01](?1)[89abAB][0-9a-fA-F]|[eE]0(?1)[89][0-9a-fA-F]|[fF]0(?1)8[0-9a-fA-F])|[\xc0\xc1][\x80-\xbf]`,
	// An encoding of which digits are encoded, or one of another kind behind an encoded percent sign.
	`%(?:25)++(?:[0-9a-fA-F]?(?1)(?:3[0-9]|[46][1-6])|u[0-9a-fA-F]{4})`,
}

// unsure are encodings that are refused where classes differ: control characters, and a separator within a parameter, of
// which services disagree whether it ends the parameter.
var unsure = []string{`(?1)(?:[01][0-9a-fA-F]|7[fF])`, `/(?:(?!(?4))[^/])*+(?4)[^/]*(?:\\|(?1)(?:2[fF]|5[cC]))`}

// readings are the entries of a map from a claim and a path that is not plain to 1 where the path can be misread. The first
// that fits decides.
func readings(locations []route.Location) []directive {
	r := &reader{}
	root := tree(locations)
	if !root.complete() {
		for _, pattern := range astray {
			r.refuse(pattern)
		}
	}
	// What API Gateway's resource has below it lets the same callers in, and no reading leads out of that.
	r.accept(`^[^ ]*\* `)
	if class, one := root.class(); one {
		r.entry(claimedOther(class), "1")
		return r.entries
	}
	r.walk(root, "", "")
	for _, pattern := range unsure {
		r.refuse(pattern)
	}
	return r.entries
}

// node is a path with the access classes of itself and of what is below it, empty where no route decides.
type node struct {
	name      string
	at, below string
	children  []*node
}

func tree(locations []route.Location) *node {
	root := &node{}
	for _, l := range locations {
		n := root
		for name := range strings.SplitSeq(strings.Trim(l.Path, "/"), "/") {
			if name != "" {
				n = n.child(name)
			}
		}
		if l.Below {
			n.below = l.Access
		} else {
			n.at = l.Access
		}
	}
	return root
}

func (n *node) child(name string) *node {
	for _, child := range n.children {
		if child.name == name {
			return child
		}
	}
	child := &node{name: name}
	n.children = append(n.children, child)
	return child
}

// class is that of everything at and below a node that some route decides. one says that there is just one.
func (n *node) class() (class string, one bool) {
	classes := map[string]bool{}
	n.collect(classes)
	delete(classes, "")
	for class = range classes {
		break
	}
	return class, len(classes) == 1
}

func (n *node) collect(classes map[string]bool) {
	classes[n.at], classes[n.below] = true, true
	for _, child := range n.children {
		child.collect(classes)
	}
}

// complete says whether one class holds for every path there is.
func (n *node) complete() bool {
	classes := map[string]bool{}
	n.collect(classes)
	return len(classes) == 1
}

type reader struct{ entries []directive }

func (r *reader) refuse(pattern string) { r.entry(groups+pattern, "1") }

// accept leaves out what nginx would not read. Without it odd spellings of so long a path may be refused, and nothing more
// gets through.
func (r *reader) accept(pattern string) {
	if len(literal("~"+pattern)) < maxWord {
		r.entry(pattern, "")
	}
}

func (r *reader) entry(pattern, result string) {
	r.entries = append(r.entries, directive{"", []argument{literal("~" + pattern), literal(result)}, nil})
}

// walk adds what is to be known of a node with several classes. plain is its path as a pattern, read one way, and loose the
// same read in all ways. What begins with the plain path of a node stays below it in every reading, so that it is accepted
// once everything below has been asked.
func (r *reader) walk(n *node, plain, loose string) {
	joint := "(?6)(?7)"
	if loose == "" {
		joint = "(?7)"
	}
	byClass := map[string][]*node{}
	var order []string
	for _, child := range n.children {
		class, one := child.class()
		if !one {
			r.walk(child, plain+"/"+exactly(child.name), bounded(loose+joint, loosely(child.name)))
			continue
		}
		if byClass[class] == nil {
			order = append(order, class)
		}
		byClass[class] = append(byClass[class], child)
	}
	for _, class := range order {
		for _, names := range alternatives(byClass[class], loosely) {
			r.refuse(claimedOther(class) + bounded(loose+joint, names) + "(?6)(?:(?2)|(?8)|$)")
		}
		for _, names := range alternatives(byClass[class], exactly) {
			r.accept(claimed + plain + "/" + names + "(?:/|$)")
		}
	}
	if n.at != "" {
		r.refuse(claimedOther(n.at) + loose + "(?3)*+(?:(?2)(?3)*+)*+(?:$|(?8)|(?4))")
	}
	if n.below != "" {
		r.refuse(claimedOther(n.below) + loose + joint)
	}
	if plain != "" {
		r.accept(claimed + plain + "(?:/|$)")
	}
}

// alternatives are names as few patterns, each within nginx's limit.
func alternatives(nodes []*node, write func(string) string) []string {
	var list []string
	current := ""
	for _, n := range nodes {
		name := write(n.name)
		if current != "" && len(current)+len(name) > maxPattern/2 {
			list, current = append(list, "(?:"+current+")"), ""
		}
		if current != "" {
			current += "|"
		}
		current += name
	}
	return append(list, "(?:"+current+")")
}

// bounded appends names to the way to them, which stands for any path where both together would be too long.
func bounded(way, names string) string {
	if len(names) > maxPattern-len(groups) {
		names = "(?:(?!(?2)).)+"
	}
	if len(groups)+len(way)+len(names) > maxPattern {
		way = ".*(?7)"
	}
	return way + names
}

// exactly matches a name written as it is.
func exactly(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		b.WriteString(character(c))
	}
	return b.String()
}

// loosely matches a name of which characters may be encoded.
func loosely(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		fmt.Fprintf(&b, "(?:%s|(?1)%s)", character(c), hexDigits(c))
	}
	return b.String()
}

func character(c byte) string {
	if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == ':' {
		return string(c)
	}
	return fmt.Sprintf(`\x%02x`, c)
}

// hexDigits matches a byte's two hexadecimal digits, in capitals or not.
func hexDigits(c byte) string {
	var b strings.Builder
	for _, digit := range fmt.Sprintf("%02x", c) {
		if digit >= 'a' {
			fmt.Fprintf(&b, "[%c%c]", digit, digit-'a'+'A')
		} else {
			b.WriteRune(digit)
		}
	}
	return b.String()
}
