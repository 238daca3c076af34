package command

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/apigateway-ingress/apigateway-ingress/internal/golden"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../.."

func newRoot() *cobra.Command {
	s := &shared{in: strings.NewReader(""), out: &bytes.Buffer{}, errOut: &bytes.Buffer{}}
	root := s.rootCommand()
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}

// docs/reference/verbs.md is the help of every verb on one page.
func TestVerbsPage(t *testing.T) {
	t.Setenv(stateDirVariable, "")
	root := newRoot()
	var b strings.Builder
	b.WriteString("# Verbs\n\n`apigw-ingress help VERB` prints the same. What a verb exits with is on the page " +
		"[exit codes](exit-codes.md).\n\nEvery verb takes these flags:\n\n")
	writeFlags(&b, root.PersistentFlags())
	b.WriteString("\n| verb | what it does |\n| --- | --- |\n")
	var verbs []*cobra.Command
	var list func(*cobra.Command)
	list = func(parent *cobra.Command) {
		for _, verb := range parent.Commands() {
			if !verb.Hidden && !generated[verb.Name()] {
				verbs = append(verbs, verb)
				list(verb)
			}
		}
	}
	list(root)
	for _, verb := range verbs {
		name := strings.TrimPrefix(verb.CommandPath(), root.Name()+" ")
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", name, strings.ReplaceAll(name, " ", "-"), verb.Short)
	}
	for _, verb := range verbs {
		fmt.Fprintf(&b, "\n## %s\n\n", strings.TrimPrefix(verb.CommandPath(), root.Name()+" "))
		if verb.Long == "" {
			b.WriteString(verb.Short + ".\n")
		} else {
			b.WriteString(verb.Long + "\n")
		}
		fmt.Fprintf(&b, "\n`%s`\n", strings.TrimSuffix(verb.UseLine(), " [flags]"))
		if verb.LocalNonPersistentFlags().HasAvailableFlags() {
			b.WriteString("\n")
			writeFlags(&b, verb.LocalNonPersistentFlags())
		}
		if verb.HasExample() {
			b.WriteString("\nFor example\n\n")
			for line := range strings.SplitSeq(verb.Example, "\n") {
				b.WriteString("  " + line + "\n")
			}
		}
	}
	golden.Equal(t, filepath.Join(repository, "docs", "reference", "verbs.md"), b.String())
}

func writeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	b.WriteString("| flag | default | meaning |\n| --- | --- | --- |\n")
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		written := "`--" + f.Name
		if f.Shorthand != "" {
			written = "`-" + f.Shorthand + "`, " + written
		}
		if name != "" {
			written += " " + strings.ToUpper(name)
		}
		standard := strings.Trim(f.DefValue, "[]")
		if standard == "false" || standard == "" {
			standard = ""
		} else {
			standard = "`" + standard + "`"
		}
		fmt.Fprintf(b, "| %s` | %s | %s |\n", written, standard, strings.ReplaceAll(usage, "|", `\|`))
	})
}

// docs/reference/exit-codes.md lists every exit code, and says of each what to do.
func TestExitCodesPage(t *testing.T) {
	path := filepath.Join(repository, "docs", "reference", "exit-codes.md")
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	head, _, found := strings.Cut(string(content), "| code |")
	require.True(t, found)
	_, tail, found := strings.Cut(string(content), "\n## ")
	require.True(t, found)
	var b strings.Builder
	b.WriteString(head + "| code | meaning |\n| --- | --- |\n| 0 | done |\n")
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", e.code, e.meaning)
		require.Contains(t, tail, fmt.Sprintf("\n| %d | ", e.code), "say what to do about exit code %d", e.code)
	}
	golden.Equal(t, path, b.String()+"\n## "+tail)
}

var (
	continued   = regexp.MustCompile(`\\\n\s*`)
	codeSpan    = regexp.MustCompile("`([^`\n]+)`")
	programName = regexp.MustCompile(`^(?:eval "\$\()?(?:bin/)?apigw-ingress( .*|$)`)
	shellWord   = regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`)
)

// Every command in the documentation is one that this program has, with flags and arguments that it takes.
func TestCommandsInDocs(t *testing.T) {
	pages := []string{"README.md", "CONTRIBUTING.md", "SECURITY.md"}
	for _, dir := range []string{"docs", "examples"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(repository, dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && strings.HasSuffix(path, ".md") {
				name, relErr := filepath.Rel(repository, path)
				require.NoError(t, relErr)
				pages = append(pages, name)
			}
			return err
		}))
	}
	checked := 0
	for _, page := range pages {
		content, err := os.ReadFile(filepath.Join(repository, page))
		require.NoError(t, err)
		for _, command := range commandsOf(string(content)) {
			assert.NoError(t, takes(command), "%s says `%s`", page, command.text)
			checked++
		}
	}
	require.Greater(t, checked, 100)
}

type written struct {
	text string
	// whole says that the command can be run as it stands, with all of its arguments.
	whole bool
}

// commandsOf are the commands in blocks of code, and those in the text by the program's name or by a verb and its flags.
func commandsOf(page string) []written {
	var commands []written
	verbs := map[string]bool{}
	for _, verb := range newRoot().Commands() {
		verbs[verb.Name()] = true
	}
	fenced := false
	for line := range strings.SplitSeq(continued.ReplaceAllString(page, " "), "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if block, indented := strings.CutPrefix(line, "    "); indented || fenced {
			for part := range strings.SplitSeq(strings.ReplaceAll(strings.TrimSpace(block), "&&", "|"), "|") {
				// What comes after a gap says what the command does.
				part, _, _ = strings.Cut(strings.TrimSpace(part), "  ")
				if found := programName.FindStringSubmatch(part); found != nil {
					commands = append(commands, written{found[1], true})
				}
			}
			continue
		}
		for _, span := range codeSpan.FindAllStringSubmatch(line, -1) {
			if found := programName.FindStringSubmatch(span[1]); found != nil {
				commands = append(commands, written{found[1], false})
			} else if first, _, _ := strings.Cut(span[1], " "); verbs[first] && strings.Contains(span[1], " -") {
				commands = append(commands, written{span[1], false})
			}
		}
	}
	return commands
}

// takes says whether the program takes a command.
func takes(command written) error {
	var words []string
	for _, word := range shellWord.FindAllString(command.text, -1) {
		if strings.ContainsAny(word[:1], "|>;&#<") || word == "--" {
			break
		}
		words = append(words, strings.Trim(strings.TrimSuffix(word, `)"`), `'"`))
	}
	root := newRoot()
	verb, rest, err := root.Find(words)
	if err != nil {
		return err
	}
	if err := verb.ParseFlags(rest); err != nil {
		if !command.whole && strings.HasPrefix(err.Error(), "flag needs an argument") {
			return nil
		}
		return err
	}
	if verb == root && verb.Flags().NArg() > 0 {
		return fmt.Errorf("there is no verb %s", verb.Flags().Arg(0))
	}
	if !command.whole || verb.Name() == "ephemeral" {
		return nil
	}
	return verb.ValidateArgs(verb.Flags().Args())
}

func TestCommandsThatAreNone(t *testing.T) {
	for page, want := range map[string]int{
		"`apigw-ingress upp`": 1, "`apigw-ingress up --fast`": 1, "`bin/apigw-ingress --stack dev up`": 0, "`rotate client --finish`": 0,
		"`rotate client --end`": 1, "    apigw-ingress call\n": 1, "```sh\napigw-ingress call /a\n```": 0,
		"    eval \"$(apigw-ingress env)\"": 0, "    apigw-ingress --stack a ephemeral --ttl 2h -- go test": 0,
	} {
		failed := 0
		commands := commandsOf(page)
		require.Len(t, commands, 1, page)
		if takes(commands[0]) != nil {
			failed++
		}
		require.Equal(t, want, failed, page)
	}
}
