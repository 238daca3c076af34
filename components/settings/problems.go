package settings

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Problems collects what is wrong, so that all of it is reported at once. Messages name fields in braces, by their
// path from the struct that is checked: "{Stage.Name} %q is not valid". An index is written [%d], or as it is. How such a name is written
// depends on who reads it: a program's author reads the path, and the author of a stack's config the key, by InConfig.
type Problems struct {
	list []error
}

// When adds a problem if something is wrong.
func (p *Problems) When(wrong bool, format string, args ...any) {
	if wrong {
		p.list = append(p.list, &problem{format: format, args: args})
	}
}

// Add adds an error; nil is none.
func (p *Problems) Add(err error) { p.list = append(p.list, err) }

// In adds the problems of a field that is a struct with a check of its own.
func (p *Problems) In(path string, err error) { p.Add(In(path, err)) }

// Malformed reports a value that is set and does not have its form. Of an input only the value that is known already is
// looked at: what another resource gives is AWS's to judge.
func (p *Problems) Malformed(field string, value any, form *regexp.Regexp, example string) {
	text, _ := Known(value)
	p.When(text != "" && !form.MatchString(text), "{"+field+"} %q is malformed: write one such as %s", text, example)
}

// Err is all problems together, each once, or nil.
func (p *Problems) Err() error {
	var once []error
	seen := map[string]bool{}
	_ = each(errors.Join(p.list...), func(err error) error {
		if text := err.Error(); !seen[text] {
			seen[text] = true
			once = append(once, err)
		}
		return err
	})
	return errors.Join(once...)
}

// In puts a field's path in front of the paths that an error names.
func In(path string, err error) error {
	return reword(err, func(p problem) error {
		p.prefix = path + "." + p.prefix
		return &p
	})
}

// InConfig rewords an error so that it names config keys instead of fields. The struct type is the one from which the
// paths begin. A field without a key keeps its path.
func InConfig(structure reflect.Type, err error) error {
	return reword(err, func(p problem) error {
		p.name = func(path string) string { return keyOf(structure, path) }
		return &p
	})
}

// Named says which component an error is of: gateway "team": Routes is required.
func Named(component, name string, err error) error {
	return each(err, func(err error) error { return &named{fmt.Sprintf("%s %q", component, name), err} })
}

type named struct {
	label string
	err   error
}

func (n *named) Error() string { return n.label + ": " + n.err.Error() }

func (n *named) Unwrap() error { return n.err }

type problem struct {
	format, prefix string
	args           []any
	name           func(path string) string
}

var fieldName = regexp.MustCompile(`\{([A-Z][A-Za-z0-9.]*(?:\[[\w%.-]+\][A-Za-z0-9.]*)*)\}`)

// fieldIndex leads to an element of a list or of a map.
var fieldIndex = regexp.MustCompile(`^\[[\w%.-]+\]`)

func (p *problem) Error() string {
	format := fieldName.ReplaceAllStringFunc(p.format, func(name string) string {
		path := p.prefix + strings.Trim(name, "{}")
		if p.name != nil {
			return p.name(path)
		}
		return path
	})
	return fmt.Sprintf(format, p.args...)
}

// reword changes each problem inside an error and leaves everything else as it is.
func reword(err error, change func(problem) error) error {
	return each(err, func(err error) error {
		switch e := err.(type) { //nolint:errorlint // each part is looked at by itself
		case *problem:
			return change(*e)
		case *named:
			return &named{e.label, reword(e.err, change)}
		}
		return err
	})
}

// each changes the parts of a joined error, or the error itself.
func each(err error, change func(error) error) error {
	if err == nil {
		return nil
	}
	joined, isJoined := err.(interface{ Unwrap() []error })
	if !isJoined {
		return change(err)
	}
	var changed []error
	for _, part := range joined.Unwrap() {
		changed = append(changed, each(part, change))
	}
	return errors.Join(changed...)
}

// keyOf is the config key that a path leads to: Cluster.NodeGroups[%d].Count is nodeGroups[%d].count.
func keyOf(structure reflect.Type, path string) string {
	for _, f := range Fields(structure) {
		rest, found := strings.CutPrefix(path, f.Path)
		if !found || rest != "" && rest[0] != '.' && rest[0] != '[' {
			continue
		}
		return f.Key + memberOf(f.Type, rest)
	}
	return path
}

// memberOf names what follows a key: an index, a field of an object, or both.
func memberOf(t reflect.Type, rest string) string {
	index := fieldIndex.FindString(rest)
	name := strings.TrimPrefix(rest[len(index):], ".")
	end := strings.IndexAny(name, ".[")
	if end < 0 {
		end = len(name)
	}
	for _, f := range Members(t) {
		if f.Name == name[:end] {
			return index + "." + f.Key + memberOf(f.Type, name[end:])
		}
	}
	return index
}
