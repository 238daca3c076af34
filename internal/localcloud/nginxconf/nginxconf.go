// Package nginxconf reads and writes nginx's configuration language: directives with arguments, and blocks.
package nginxconf

import (
	"errors"
	"fmt"
	"strings"
)

// Block is a list of directives.
type Block struct{ Directives []Directive }

// Directive is a name with arguments and, for some, a block.
type Directive struct {
	Name  string
	Args  []string
	Block *Block
}

type token struct {
	text string
	// quoted words are never punctuation.
	quoted bool
}

// Parse reads a configuration.
func Parse(text string) (*Block, error) {
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	p := &parser{tokens: tokens}
	block, err := p.block(false)
	if err != nil {
		return nil, err
	}
	return block, nil
}

type parser struct {
	tokens []token
	next   int
}

func (p *parser) block(nested bool) (*Block, error) {
	block := &Block{}
	var words []string
	for p.next < len(p.tokens) {
		t := p.tokens[p.next]
		p.next++
		switch {
		case t.quoted:
			words = append(words, t.text)
		case t.text == ";":
			if len(words) == 0 {
				return nil, errors.New(`unexpected ";"`)
			}
			block.Directives = append(block.Directives, Directive{Name: words[0], Args: words[1:]})
			words = nil
		case t.text == "{":
			if len(words) == 0 {
				return nil, errors.New(`unexpected "{"`)
			}
			inner, err := p.block(true)
			if err != nil {
				return nil, err
			}
			block.Directives = append(block.Directives, Directive{Name: words[0], Args: words[1:], Block: inner})
			words = nil
		case t.text == "}":
			if !nested || len(words) > 0 {
				return nil, errors.New(`unexpected "}"`)
			}
			return block, nil
		default:
			words = append(words, t.text)
		}
	}
	if nested || len(words) > 0 {
		return nil, errors.New(`unexpected end of file, expecting ";" or "}"`)
	}
	return block, nil
}

func tokenize(text string) ([]token, error) {
	var tokens []token
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
		case c == '#':
			if end := strings.IndexByte(text[i:], '\n'); end >= 0 {
				i += end
			} else {
				i = len(text)
			}
		case c == ';' || c == '{' || c == '}':
			tokens = append(tokens, token{text: string(c)})
			i++
		case c == '"' || c == '\'':
			word, end, err := quotedWord(text, i)
			if err != nil {
				return nil, err
			}
			tokens = append(tokens, token{text: word, quoted: true})
			i = end
		default:
			end := wordEnd(text, i)
			tokens = append(tokens, token{text: text[i:end]})
			i = end
		}
	}
	return tokens, nil
}

// wordEnd is where the unquoted word that starts at i ends. Braces of a variable such as ${name} belong to it.
func wordEnd(text string, i int) int {
	for i < len(text) && !strings.ContainsRune(" \t\r\n;{}", rune(text[i])) {
		if strings.HasPrefix(text[i:], "${") {
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				i += end
			}
		}
		i++
	}
	return i
}

func quotedWord(text string, start int) (word string, end int, err error) {
	quote := text[start]
	var b strings.Builder
	for i := start + 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == quote || text[i+1] == '\\'):
			i++
			b.WriteByte(text[i])
		case text[i] == quote:
			return b.String(), i + 1, nil
		default:
			b.WriteByte(text[i])
		}
	}
	return "", 0, fmt.Errorf("unterminated %c", quote)
}

// Format writes a configuration, every argument quoted that needs it.
func Format(block *Block) string {
	var b strings.Builder
	format(&b, block, 0)
	return b.String()
}

func format(b *strings.Builder, block *Block, depth int) {
	indent := strings.Repeat("    ", depth)
	for _, d := range block.Directives {
		b.WriteString(indent)
		b.WriteString(Quote(d.Name))
		for _, argument := range d.Args {
			b.WriteByte(' ')
			b.WriteString(Quote(argument))
		}
		if d.Block == nil {
			b.WriteString(";\n")
			continue
		}
		b.WriteString(" {\n")
		format(b, d.Block, depth+1)
		b.WriteString(indent)
		b.WriteString("}\n")
	}
}

// Quote writes one argument so that nginx reads it as one word and nothing else.
func Quote(argument string) string {
	if argument != "" && !strings.ContainsAny(argument, " \t\r\n;{}\"'\\#") {
		return argument
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(argument) + `"`
}
